"""Whether the value is to stand alone or in a sentence."""

from autogenesis_model_simulated.cues.cue import Cue
from autogenesis_model_simulated.vocabulary import words

_VALUE = (
    r"(?:answers?|results?|values?|sums?|products?|numbers?|figures?|digits?|totals?|outcomes?|outputs?|solutions?"
    r"|integers?|numerals?"
    r"|counts?|(?:sorted |ordered |finished |final |comma-separated )*(?:lists?|words)|tally|tallies)"
)
_THE = (
    r"(?:the |an? |its |your |this |that )?(?:(?:final|correct|right|computed|resulting|requested"
    r"|converted|sorted|exact|numeric|numerical|single|ordered|finished|actual|plain|bare|naked|raw"
    r"|comma-separated|required|end|letter|asked|counted|calculated) )*"
)
_SAY = (
    r"(?:writing|printing|outputting|saying|naming|listing|list|give|state|return|output|reply with|answer with"
    r"|respond with|write|say|print|send|provide|report"
    r"|show|tell|supply"
    r"|present|deliver|submit|contain|include|be|consist of|hold|back|come back with|emit|display|name"
    r"|reply|answer|respond|produce"
    r"|get|giving|stating|returning|containing|replying with|answering with|with|as|of|want|expect|needs?"
    r"|post|type|me|them|us|out)"
)
_ONLY = (
    r"(?:only|just|solely|merely|exclusively|purely|(?:nothing|no text|no words) (?:but|more than"
    r"|other than|except|beyond|besides|apart from|aside from)|no(?:thing)? more than|no other text than"
    r"|strictly|simply|nothing else than|precisely|exactly)"
)
_EXTRA = (
    r"(?:explanat\w+|explain\w*|commentar(?:y|ies)|comments?|remarks?|introduct\w+|preambles?|prefaces?"
    r"|prose|(?:chit-?)?chat(?:ter)?"
    r"|small talk|filler\w*|padding|verbiage|wording|narrati\w+|elaborat\w+|justif\w+|pleasantries"
    r"|niceties|frills|embellish\w*"
    r"|decorations?|decorat\w+|wrap\w*|packag\w+|dress\w*(?: up)?|sentences?|phrases?|fluff|lead-?ins?"
    r"|sign-?offs?|greetings?|introductory"
    r"|(?:extra|additional|further|other|surrounding|accompanying|superfluous|added|unnecessary|supporting"
    r"|more|any|single|descriptive|polite) (?:\w+ )?(?:text|words?|information|content|characters?"
    r"|material|stuff|talk|details?)"
    r"|(?:text|words?|wording|anything(?: else)?|something|things|stuff|talk|nothing) (?:\w+ )?(?:around"
    r"|round|besides|beside|in addition to|beyond|next to|(?:before|after|in front of) (?:it|them|(?:the"
    r"|your|any|an?|each) (?:\w+ )?(?:answer|result|value|number|list|count|reply)))\b"
    r"|reasoning|(?:your |the )(?:working|workings|derivation|thoughts|thinking)|punctuation|ceremony"
    r"|embed\w*|ramblings?|ado|waffle|garnish|clutter|context|description|prefac\w+|introduc\w+|prefix\w*"
    r"|essays?|text(?=[,.;!]|$| around| before| after)|units)"
)
_ADDING = (
    r"(?:add|adding|give|giving|include|including|provide|providing|attach|append|offer|supply|with|write"
    r"|present|show|showing|accompan\w+ (?:\w+ )*(?:by|with)|contain|needs?|deserves?|have|has|put|expect"
    r"|want|followed by|along with|together with|alongside|plus|in|as)"
)
_SENTENCE = (
    r"(?:(?:full|complete|whole|proper|entire|grammatical|well-formed|short|nice|polite|friendly|normal"
    r"|real|ordinary|flowing|English|fluent|readable|natural|spoken)[ ,-]+){1,3}(?:sentences?|prose"
    r"|English|language|phrases?)"
)

ANSWER_FORMAT: tuple[Cue, ...] = (
    Cue(
        "answer_format",
        "value_only",
        words(
            rf"{_ONLY} (?:{_SAY} )?{_THE}{_VALUE}",
            r"(?:no|without(?: any)?|zero|free of) words?(?! (?:list|order))",
            rf"{_ONLY} (?:in |of |by |as |with )?{_THE}{_VALUE}",
            rf"{_SAY} {_ONLY} (?:of |in )?{_THE}{_VALUE}",
            rf"{_VALUE}(?: (?:of|in) \w+)?,? (?:only|alone|by itself|by themselves|on its own"
            rf"|on their own|itself|and nothing (?:else|more|besides)|(?:and )?no more|nothing (?:else|more)"
            rf"|and that is (?:it|all)|and that's (?:it|all)|period|full stop|in isolation|and stop"
            rf"|pure and simple|and leave it at that|unadorned|and be done)(?! (?:multipl|divi))",
            rf"(?:bare|naked|raw|lone|mere|pure|unadorned|sole|plain|solitary|isolated|stand-?alone"
            rf"|undecorated|stripped|clean|single|unaccompanied|unwrapped|unexplained|unembellished)"
            rf" (?:\w+ )?{_VALUE}",
            r"(?:and|say|write|add|with|output|followed by|reply) nothing (?:else|more|besides|further)",
            r"nothing (?:else|more|besides)",
            r"(?:strip|remove|drop|cut|omit|leave out|delete|discard)(?: away| out| off)? everything"
            r" (?:but|except|besides|around|other than|beyond|else)",
            r"not (?:a|one) (?:single )?(?:word|syllable|character|letter)(?: (?:more|else|besides|beyond"
            r"|around|extra))?",
            r"(?:whole|entire|complete|full|only|sole) (?:reply|response|answer|output|message)"
            r" (?:\w+ ){0,2}?(?:is|be|being|consists?|contains?) (?:of )?(?:just )?(?:the "
            r"|a )?(?:\w+ )?(?:value|number|result|answer|list|figure|digits)\b",
            rf"all (?:I|that|you|we|the user) (?:\w+ ){{1,4}}?(?:is|are) {_THE}{_VALUE}",
            r"unexplained|uncommented|unadorned|unaccompanied",
            rf"(?:limit|restrict|confine|reduce|boil|strip|trim|cut|pare|narrow|keep)"
            rf" (?:\w+ ){{1,4}}?(?:down )?to {_THE}{_VALUE}",
            r"value[- ]only|answer[- ]only|number[- ]only|only (?:a |one )?(?:word|number|value)",
            r"(?:one|a) (?:single )?(?:number|value|word) (?:is (?:enough|sufficient|all)|will do|suffices)",
            rf"{_VALUE} (?:is|are) (?:enough|all|sufficient|the whole|the entire|everything)(?! to)",
            r"(?:stop|end|finish) (?:right )?(?:after|at) (?:the )?(?:value|number|result|list)",
            rf"{_VALUE} (?:stands?|comes?|appears?|goes) (?:alone|by itself|on its own|bare|naked"
            rf"|unaccompanied)",
            r"(?:one|single)-?\s?(?:word|number|value) (?:answers?|repl(?:y|ies)|responses?)",
            rf"{_THE}{_VALUE} (?:must|should|has to|ought to) (?:stand|be|come|appear) (?:alone|by itself"
            rf"|on its own|bare|naked|unaccompanied|unadorned)",
            r"with an? (?:single |lone |bare )(?:number|value|word|list)",
            r"in the form of (?:a |the )(?:number|value|list)",
            r"(?:nothing|no words?|no text) (?:around|before|in front of) (?:it|the)",
            r"wordless(?:ly)?",
        ),
        "any",
    ),
    Cue(
        "answer_format",
        "sentence",
        words(
            _SENTENCE,
            r"(?:in|with|as|is|are|into|within|inside|of|form|forming|write|using|make|use|say|be"
            r"|complete|needs?|deserves?|by) (?:an? |the |at least one |one )?(?:\w+ ){0,2}?sentences?",
            r"full-?sentences?|sentence form|in prose|in words|spell (?:it|the answer"
            r"|the result) out in words",
            rf"{_ADDING} (?:an? |the |some |your |brief |short |one )*(?:(?:short|brief|little|friendly"
            rf"|polite|few|line of|one-line|quick|concise|longer|detailed|bit of|words? of|introductory"
            rf"|explanatory) )*(?:explanation|commentary|comment|remark|introduction|preamble|context"
            rf"|justification|prose|reasoning|pleasantries|words? around|surrounding text"
            rf"|surrounding words|phrase|description|line|lead-?in|rationale|reason|background"
            rf"|clarification)s?",
            r"explain (?:\w+ )?(?:the |your |each |every |its |how you |what you )?(?:\w+ )?(?:answer"
            r"|result|value|reasoning|working|steps|solution|thinking|got|did|number|outcome|output)s?",
            r"(?:wrap|embed|package|pack|dress|couch|phrase|formulate|word|put|frame|express|clothe|weave"
            r"|surround|work|place|enclose) (?:\w+ ){0,4}?(?:in|into|within|inside|by|with|up|as) (?:an? "
            r"|the |some )?(?:\w+ )?(?:sentence|words|phrase|text|prose|statement|explanation|English"
            r"|language)s?",
            r"(?:begin|start|open|introduce|preface|precede|lead|prefix)(?:s|ing|ed)? (?:(?:your|the"
            r"|every|each|any|all|it|an?|repl\w+|answers?|responses?|outputs?|values?|results?|lists?"
            r"|numbers?|counts?) ){1,4}(?:with|by) (?:the|a|an|some|your)\b",
            r"(?:elaborate|be verbose|be talkative|comment|justify|explain)(?: on| about)? (?:the |your "
            r"|each |every )?(?:\w+ )?(?:answers?|results?|choice|value|solution|it|yourself)",
            r"(?:show|describe|write out|lay out|give|include|present|narrate) (?:\w+ )?(?:your|the)"
            r" (?:\w+ )?(?:reasoning|working|work|thoughts|thinking|thought process)",
            r"(?:accompan\w+|surround\w*|wrap\w*) (?:\w+ ){0,4}(?:by|with|in|of) (?:\w+ )*(?:words|text"
            r"|explanation|sentence|remark|comment)s?",
            r"[\"'\u201c\u2018`](?:the|so the|my|your) (?:\w+ )?(?:answer|result|sum|count|value|list"
            r"|number)\b(?: \w+)* (?:is|are|equals)\b",
            r"talk (?:the user|them|me) through",
            r"chatty|conversational(?:ly)?|verbosely|wordy",
        ),
        "any",
    ),
    Cue(
        "answer_format",
        "sentence",
        words(_EXTRA, rf"(?:more|longer|wordier) than {_THE}{_VALUE}"),
        "any",
        only_negated=True,
    ),
)
