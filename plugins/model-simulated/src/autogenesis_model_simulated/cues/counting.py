"""How letters are to be counted."""

from autogenesis_model_simulated.cues.cue import Cue
from autogenesis_model_simulated.vocabulary import words

_UNIT = r"(?:letters?|characters?|chars?|symbols?|glyphs?|positions?)"
COUNTING: tuple[Cue, ...] = (
    Cue(
        "counting",
        "letter_by_letter",
        words(
            r"(?:letter|character|char|symbol|word) (?:by|after|for) (?:letter|character|char|symbol|word)",
            rf"one (?:{_UNIT} )?(?:by one|at a time|after (?:the other|another))",
            rf"a {_UNIT} at a time|singly|individually|in turn",
            rf"(?:every|each|all|every single|each single|each and every|individual) (?:single "
            rf"|individual |the )?{_UNIT}",
            r"spell(?:ing|s)? (?:\w+ ){0,4}?out|spell (?:the|each|every) \w+",
            r"tall(?:y|ying)(?! at)",
            r"(?:running|mental) (?:count|total|tally)",
            r"(?:each|every|all) (?:match|matches|hit|hits|occurrences?|instance|appearance|time it)",
            r"(?:tick|mark|check|number)(?:ing)? off|tick (?:each|every)",
            r"(?:step|walk|go|move|run|work|read|scan|proceed|comb|march|look|pass|iterate)(?:ping|ing"
            r"|s)? (?:\w+ ){0,2}?(?:through|along|over) (?:the |each |every |all )?(?:\w+ )?(?:text"
            r"|string|word|words|letters|characters|sentence|phrase|it)",
            r"(?:systematic|methodical|exact|careful|meticulous|thorough|explicit|precise"
            r"|painstaking)(?:ally|ly)? (?:count\w*|tally|way)|count\w* (?:\w+ )?(?:systematically"
            r"|methodically|carefully|meticulously|thoroughly|explicitly|slowly)",
            r"step[- ]by[- ]step|stepwise|keep (?:a )?(?:count|score|track)",
            r"(?:number|list|enumerate|write down|write out|mark|underline|point at|note) (?:each|every"
            r"|all|the|its) (?:\w+ )?(?:letters?|characters?|occurrences?|match\w*|text)",
        ),
        "own",
    ),
    Cue(
        "counting",
        "letter_by_letter",
        words(
            r"(?:letter|character|char)[- ](?:by|after)[- ](?:letter|character|char)",
            rf"(?:every|each|every single) {_UNIT} of the (?:text|word|string|sentence)",
            r"one (?:letter|character) (?:at a time|after the other|after another)|a (?:letter"
            r"|character) at a time",
        ),
        "free",
    ),
    Cue(
        "counting",
        "at_a_glance",
        words(
            r"(?:at|by|with|on) (?:a |one |the )?(?:\w+ )?(?:first )?(?:glances?|sight|look|feel|view)",
            r"glanc(?:e|es|ing)(?: at| over)?|(?:quick|brief|cursory|fleeting|passing|hasty) (?:look|glance"
            r"|scan)|skip\w* (?:over )?(?:an?|any|some)? ?(?:letters?|characters?)|peek",
            r"guess\w*|guesstimate\w*|(?:an? )?estimat\w+|approximat\w+|eye-?ball\w*|rough(?:ly)?"
            r"|ball-?park|hunch\w*|conjecture|skim\w*|speculat\w*",
            r"intuit\w+|gut(?: feeling| instinct)?|instinct\w*|impression|by feel|by eye|by ear|feeling",
            r"off the (?:top of your head|cuff)|from memory|offhand|on sight",
            r"in one (?:go|look|sweep|glance)|as a whole|right away|immediately|instantly|straight"
            r" (?:away|off)|at once|on the spot|without further thought|without (?:looking closely"
            r"|thinking)",
            r"(?:what|how many|the number) (?:\w+ ){0,3}(?:seems?|feels?|looks?|you think) (?:right"
            r"|likely|plausible|about right|there are)?|number that feels",
            r"first (?:number|figure|impression|thing) (?:that )?(?:comes|springs|pops|to|you)",
            r"quick(?:ly)?|hastily|fast|hurr\w+|rush\w*|swift(?:ly)?",
            r"(?:whatever|what|whichever|which) (?:\w+ ){0,2}(?:feels|seems|looks|sounds)",
            r"(?:close enough|about right|in the right range)",
        ),
        "own",
    ),
)
