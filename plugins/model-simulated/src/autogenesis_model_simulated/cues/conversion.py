"""How numbers are to be converted."""

from autogenesis_model_simulated.cues.cue import Cue
from autogenesis_model_simulated.vocabulary import words

_TEN = r"(?:base[- ]?(?:ten|10)|(?:the )?decimals?(?: system| value| number| form| notation)?|denary)"
CONVERSION: tuple[Cue, ...] = (
    Cue(
        "conversion",
        "stepwise",
        words(
            r"place[- ]values?|positional (?:values?|weights?|notation)|weights? of (?:each|the|every)"
            r" (?:position|digit|place)s?|powers of the (?:source |old |target |original )?base",
            r"(?:digit|position|place|column|figure)[- ](?:by|after|for)[- ](?:digit|position|place"
            r"|column|figure)|(?:one|a) (?:digit|place|position|column) (?:at a time|after the other"
            r"|after another)|(?:each|every) digit",
            r"(?:repeated|successive) divisions?|divid\w+ (?:repeatedly|again and again)|remainders?",
        ),
        "free",
    ),
    Cue(
        "conversion",
        "stepwise",
        words(
            rf"(?:via|through|by way of|pass\w* (?:\w+ )?through|over|go\w* (?:\w+ )?(?:via|through|over)"
            rf"|by going through|using|detour\w* (?:\w+ )?(?:via|through|over|by)) (?:the )?{_TEN}",
            rf"(?:first|initially|start by|begin by)[^.;!?]{{0,50}}?\b{_TEN}",
            rf"{_TEN} (?:\w+ )?(?:first|and (?:only )?then|and from (?:there|that)|before|as (?:an? "
            rf"|the )?(?:intermediate|stepping|halfway|bridge|in-between|stop\w*|waypoint|detour|station)"
            rf"|in between)",
            rf"to {_TEN},? (?:first|and|then|before)\b",
            r"step[- ]by[- ]step|stepwise|in (?:small |separate |several |clear |two |single |explicit "
            r"|individual |careful )*(?:steps|stages)|one step (?:at a time|after)|a step at a time"
            r"|step after step",
            r"(?:intermediate|in-between|interim|separate|partial|individual|single) (?:\w+ )?(?:steps?"
            r"|results?|values?|stages?|calculations?|form|number)",
            r"(?:every|each|all|the|any|all the) (?:single )?(?:intermediate )?steps?|working"
            r" (?:out )?(?:the )?steps|steps",
            r"work(?:ing|ed|s)? (?:\w+ ){0,3}?(?:through|out)|(?:show|write) (?:\w+ )?(?:working"
            r"|workings)|methodical\w*|systematic\w*|gradual\w*",
            r"(?:expand|decompose|break (?:\w+ )?down|take apart|split up)",
            r"calculat\w+ (?:each|every) (?:digit|position)",
            r"long way|careful(?:ly)?|slowly|detours?",
            r"(?:each|every) (?:position|place|figure)",
        ),
        "own",
    ),
    Cue(
        "conversion",
        "at_a_glance",
        words(
            r"direct(?:ly)?|straight(?:away|forwardly)?(?: (?:off|away|down|out|to|into|from))?"
            r"|immediate(?:ly)?|at once|right (?:away|off)|instant(?:ly|aneously)?|on the spot|outright",
            r"in (?:one|a single) (?:step|go|move|leap|jump|sweep|stroke)|one[- ]step|single step",
            r"(?:jump|leap|rush|skip ahead|race)(?:ing|s)?(?: \w+)? to|jump\w*|leap\w*",
            r"guess\w*|estimat\w+|intuit\w+|instinct\w*|gut(?: feeling)?|hunch\w*|by feel|feeling",
            r"(?:at|by|on) (?:a |first |one )?(?:glance|sight|look)|eye-?ball\w*|glanc\w+",
            r"from memory|off the (?:top of your head|cuff)|offhand|by heart",
            r"short-?cuts?|without (?:further )?(?:thought|thinking|ado|calculation|any calculation"
            r"|deliberation)",
            r"first (?:number|result|thing|value) (?:that )?(?:comes|springs|pops|to|you)|(?:whatever"
            r"|what) (?:seems|feels|looks) right",
            r"quick(?:ly)?|fast|hurr(?:y|ied|iedly)|rush\w*|hast\w+|blurt\w*",
        ),
        "own",
    ),
)
