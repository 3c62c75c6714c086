"""Whether capitals and small letters differ in order."""

from autogenesis_model_simulated.cues.cue import GAP, Cue
from autogenesis_model_simulated.vocabulary import words

_UPPER = r"(?:upper-?(?: )?case\w*|capital(?:s|i[sz]ed|i[sz]ation)?(?: letters?)?|big letters|majuscules?)"
_LOWER = r"(?:lower-?(?: )?case\w*|small(?: letters?| ones?)?|uncapitali[sz]ed|non-capital\w*|minuscules?)"
_CASE = (
    r"(?:(?:letter |upper or lower |upper and lower |upper/lower )?case|capitali[sz]ation"
    r"|capitals?(?: letters)?|casing|upper and lower ?case)(?! of)(?! by)"
)
_BEFORE = (
    r"(?:before|first|ahead of|ahead|preced\w+|prior to|earlier|in front|above|on top|lead|outranks?"
    r"|smaller than|less than|(?:priority|precedence) over|at the (?:front|top|start|beginning)|to the"
    r" (?:front|top)|start)"
)
_AFTER = r"(?:after|behind|follow\w*|below|last|later than|at the (?:end|bottom|back)|come later)"
SORT_ORDER: tuple[Cue, ...] = (
    Cue(
        "sort_order",
        "code_point",
        words(
            rf"{_UPPER}{GAP}\b(?P<h>{_BEFORE})(?: (?:an? |any |all |the |every |words? |in |with |beginning "
            rf"|starting )*{_LOWER})?",
            rf"{_LOWER}{GAP}\b(?P<h2>{_AFTER})(?: (?:an? |any |all |the |every |words? |in |with )*{_UPPER})?",
            r"(?:uppercase|capitals?|capitalised|capitalized)[- ]first",
        ),
    ),
    Cue(
        "sort_order",
        "code_point",
        words(
            r"[B-Z] (?:\w+ ){0,3}?(?:before|ahead of|precedes?|in front of) [a-z]",
            r"[a-z] (?:\w+ ){0,3}?(?:after|behind|follows?) [A-Z]",
            flags=0,
        ),
    ),
    Cue(
        "sort_order",
        "ignore_case",
        words(r"[a-z] (?:\w+ ){0,3}?(?:before|ahead of|precedes?|in front of) [B-Z]", flags=0),
    ),
    Cue(
        "sort_order",
        "ignore_case",
        words(
            rf"{_LOWER}{GAP}\b(?P<h>{_BEFORE})\b(?: (?:an? |any |all |the |every |words? |in )*{_UPPER})",
            rf"{_UPPER}{GAP}\b(?P<h2>{_AFTER})\b(?: (?:an? |any |all |the |every |words? |in )*{_LOWER})",
            r"case[- ]?insensitiv\w*|case[- ]?blind\w*|insensitive to case|case-agnostic\w*"
            r"|case-independent\w*",
            rf"(?:ignor\w+|disregard\w*|regardless of|irrespective of|overlook\w*|neglect\w*"
            rf"|forget\w*(?: about)?|fold\w*|independent(?:ly)? of|blind to|no regard (?:to|for)"
            rf"|no attention to|no heed to|no account of|indifferent to|drop\w*|level|erase"
            rf"|normali[sz]\w+|discard\w*|set aside|leav\w+ aside|pay no attention to|unaffected by)"
            rf" (?:the |any |all |whether |letter |differences? in |distinctions? of |of )*(?:{_CASE}"
            rf"|upper|lower)",
            r"as (?:if|though) (?:there were no|\w+ had no|without) (?:capital|upper)\w*",
            rf"(?:treat|handle|regard|consider|view)\w* (?:\w+ )?(?:{_UPPER}|{_LOWER})"
            rf" (?:\w+ )?(?:like|as) (?:\w+ )?(?:{_UPPER}|{_LOWER})",
            r"case[- ]?fold\w*|fold case",
            r"whether (?:they|it|words|letters|the \w+) (?:are|is|begin with|start with)"
            r" (?:in )?(?:an? )?(?:big|small|upper|lower|capital)\w*",
            rf"(?:{_CASE}|{_UPPER} and {_LOWER}|upper and lower|{_UPPER} or {_LOWER})"
            rf" (?:\w+ ){{0,3}}?(?:(?:is|are|be|as|being) (?:\w+ly )?(?:ignored|irrelevant|immaterial"
            rf"|disregarded|unimportant|of no (?:importance|consequence)|overlooked|left aside|folded"
            rf"|meaningless|neglected)(?P<h3>))",
            r"(?:a and A|A and a|b and B|B and b|upper(?:-? ?case)? and lower(?:-? ?case)?"
            r"|capitals? and small|small and capital|big and small|capital and lowercase"
            r"|upper-case and lower-case|both cases|lowercase and uppercase"
            r"|lower and upper)[^.;!?]{0,40}?(?:same|alike|equal(?:ly)?|equivalent|identical(?:ly)?|mixed"
            r"|mingled|interleaved|together|no difference|as one)",
            r"(?P<w>[a-z]\w*) and (?P=w)\b[^.;!?]{0,30}?(?:same|alike|equal(?:ly)?|equivalent"
            r"|identical(?:ly)?|as one)",
            rf"(?:mix|mingl|interleav|lump)\w* (?:\w+ ){{0,3}}?(?:{_UPPER}|{_LOWER})",
            rf"{_UPPER}{GAP}(?P<h6>mixed|mingled|interleaved|lumped)",
            r"(?:same|alike|equal|equivalent|identical|no difference)[^.;!?]{0,30}?(?:upper"
            r"|capital)[^.;!?]{0,15}?(?:lower|small)\w*",
            r"as (?:if|though) (?:they |all |every |the |it |everything |letters? |words? |each "
            r"|\w+ )*(?:were |was |had been |is |are )?(?:all |written |typed |in |entirely )*(?:lower"
            r"|small|upper|uncapital)\w*",
            r"(?:the way a|like a|like in a|as in a|like an ordinary|as a|as dictionaries"
            r"|like the index of a) (?:\w+ )?(?:dictionary|phone ?book|encyclop\w+|dictionary does"
            r"|telephone directory|lexicon|index)",
            r"dictionary (?:order|style|ordering|fashion|sorting)|dictionary-style|(?:as"
            r"|like) dictionaries do",
            r"(?:lower-?case|convert to lowercase|downcase|uncapitali[sz]e) (?:the |all |every |each "
            r"|both )*(?:words?|letters?|everything|them)? ?(?:before|when|prior to|for|while|first"
            r"|mentally)?[^.;!?]{0,20}?(?:sort|compar|order|alphabet)\w*",
            r"(?:compare|sort|order|arrange) (?:\w+ ){0,4}?(?:in lower-? ?case|by their lower-?case"
            r"|lowercased)",
            r"purely alphabetical\w*|alphabetical\w* (?:only|alone)",
        ),
    ),
    Cue(
        "sort_order",
        "code_point",
        words(
            r"ascii\w*|unicode|code[- ]?points?|ordinal|byte values?|byte order|bytewise|character codes?"
            r"|char codes?|raw (?:characters?|bytes?|strings?)|(?:the way|as|like) (?:an? )?(?:computer"
            r"|machine|program|python)\w*|code units?|character values?|code values?|utf-?8",
            rf"(?:depend\w* on|hinge\w* on|(?:affected|influenced|changed|swayed|determined|decided"
            rf"|guided) by) (?:the )?{_CASE}",
            r"case[- ]?sensitiv\w*|sensitive to case",
            rf"(?:respect\w*|heed\w*|consider\w*|observ\w+|mind|honou?r\w*|account for|distinguish\w*"
            rf"|differentiat\w+|look(?:ing)? at|regard (?:for|to)|attention to|aware of|sensitive to|note"
            rf"|notice|taking|take|discriminat\w+|tell\w* apart|separat\w+|care about|keep"
            rf"|paying attention to) (?:between |the |of |by |letter |into account |strictly |all "
            rf"|differences? in )*{_CASE}",
            rf"{_CASE}[^.;:!?]{{0,25}}? (?P<h>matter\w*|affect\w*|influenc\w*|counts?|significan\w*"
            rf"|relevan\w*|decid\w*|important|chang\w*|into account|role|difference|determin\w*"
            rf"|considered|respected|observed|honou?red|heeded|kept|taken into|bearing|effect|play"
            rf"|weigh\w*|alter\w*|impact\w*)\b",
            rf"(?:difference|distinction|distinguish|differentiate|discriminate)s? (?:between "
            rf"|of )(?:an? |the )?(?:{_UPPER}|{_LOWER}|upper|lower|capital|big|small|A and a|a and A)",
            r"[\"']?\bZ\b[\"']? (?:\w+ ){0,3}?(?P<h2>before|ahead of|precedes?|in front of"
            r"|first)\b[^.;!?]{0,12}?\ba\b",
            r"[\"']?\ba\b[\"']? (?:\w+ ){0,3}?(?P<h3>after|behind|follows?)\b[^.;!?]{0,8}?\bZ\b",
            r"A(?:-| to |\u2013)Z[^.;!?]{0,25}?(?:before|ahead of|precede)[^.;!?]{0,10}?a(?:-| to |\u2013)z",
        ),
    ),
)
