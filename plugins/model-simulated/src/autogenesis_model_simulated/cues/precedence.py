"""Whether operators have precedence."""

from autogenesis_model_simulated.cues.cue import GAP, Cue
from autogenesis_model_simulated.vocabulary import words

_TIMES = r"(?:multipl\w+|divi(?:de|des|ding|sions?|ded)|products?|quotients?|times|\*(?: and /| or /|, /)?|/|\u00d7)"
_PLUS = r"(?:add(?:s|ing|ed|itions?|itive)?|subtract\w*|sums?|plus|minus|differences?|\+(?: and -| or -)?)"
_AHEAD = (
    r"(?:before|first|ahead of|prior to|preced\w+|over|tighter|higher|outranks?|beats?|priority|earlier"
    r"|stronger|strongest|prece?dence|ranks? above|come ahead|wins?|firstly|initially|to begin with"
    r"|trumps?|followed by|and (?:only )?then|preference)"
)
PRECEDENCE: tuple[Cue, ...] = (
    Cue(
        "precedence",
        "standard",
        words(
            rf"(?:leave|keep|save|postpone|defer|delay|hold off"
            rf"|put off)[^.;:!?]{{0,25}}?{_PLUS}[^.;:!?]{{0,25}}?(?:until|till"
            rf"|for|to|after)\b",
            rf"{_PLUS}{GAP}waits?\b",
        ),
    ),
    Cue(
        "precedence",
        "left_to_right",
        words(
            r"(?:equal|same|identical|no different|flat) (?:\w+ )?(?:priority|precedence|rank|weight"
            r"|footing|importance|level|status)",
            rf"(?<![*/\u00d7] and )(?<![*/\u00d7] or ){_PLUS}{GAP}\b(?P<h>before|until|till|ahead of|prior to"
            rf"|(?:precedence|priority) over|outranks?)\b[^.;:!?]{{0,40}}?{_TIMES}",
            rf"{_TIMES}{GAP}\b(?P<h2>(?:only )?after|last|behind|wait)\b(?: (?:\w+ ){{0,4}}{_PLUS})?(?!"
            rf" (?:you|multipl))",
        ),
    ),
    Cue(
        "precedence",
        "standard",
        words(
            rf"{_TIMES}{GAP}(?P<h>{_AHEAD})\b",
            rf"(?:first|start with|begin with|before anything else|perform|do|resolve|carry out"
            rf"|handle)[^.;:!?]{{0,25}}?{_TIMES}{GAP}(?:then|before|first|next|and after|afterwards|last"
            rf"|later){GAP}",
            rf"{_PLUS}{GAP}(?P<h3>after|last|afterwards|later|follows?|come second|second|wait|behind"
            rf"|at the end|for the end|for last|once)\b",
            rf"(?:priority|preference|precedence|first place) (?:to|for|of) {_TIMES}",
            rf"{_TIMES}\b[^.;:]{{0,25}}?\bthen (?:the |all |only )?{_PLUS}",
            rf"{_TIMES}{GAP}\b(?P<h9>stronger|higher|superior|more important)\b",
            rf"before (?:\w+ ){{0,3}}?{_PLUS}\b[^.;:!?]{{0,40}}?{_TIMES}",
            rf"(?:once|after|when|only when) (?:\w+ ){{0,3}}?{_TIMES}\b[^.;:!?]{{0,40}}?{_PLUS}",
            rf"{_TIMES}{GAP}(?P<h4>bind\w*|rank\w*|take priority|go first|come first)\b",
        ),
    ),
    Cue(
        "precedence",
        "left_to_right",
        words(
            r"left[- ]to[- ](?:the )?right",
            r"from (?:the )?left(?: side)?(?: (?:on(?:wards?)?|to the right|to right|through))?",
            r"(?:in|by) (?:the |exactly the |strictly the )?(?:same |written |reading |given "
            r"|textual )?(?:order|sequence) (?:in which |that |as |of )?(?:they|it|the operat\w+|each"
            r"|operat\w+)?(?: are| is)? ?(?:appear\w*|occurs?|stand|written|come|comes|given|found"
            r"|printed|typed|listed|shown|appearance|writing|reading|read|encountered)",
            r"in (?:written|reading|textual|the given|the written|reading) order",
            r"as (?:they|it) (?:come|comes|appear|appears|stand|stands|occur|is written|are written|is read)",
            r"as written|as you (?:read|meet|encounter|find|go|reach|see) (?:it|them)?",
            r"operator (?:by|after) operator|one operat(?:or|ion) after (?:the other|another)"
            r"|(?:strictly )?sequential(?:ly)?",
            r"(?:all|every|each) (?:the )?operat(?:ors?|ions?)[^.;:!?]{0,20}? (?:alike|equally|equal"
            r"|the same|identically)",
            r"(?:like|as) (?:a )?(?:simple|cheap|basic|pocket|primitive) (?:pocket )?(?:calculator"
            r"|adding machine)",
            r"in (?:sequence|succession)|successively",
            r"operat(?:or|ion)s?[^.;:]{0,25}?(?:one by one|one at a time|one after|in turn)",
            r"(?:beginning|starting|start|begin) (?:at|on|from|with) the (?:far )?left\w*",
            r"(?:leftmost|whichever operat\w+ comes) first",
            r"(?:ignor\w+|disregard\w*|overlook\w*|flout\w*|forget\w*(?: about)?|neglect\w*|violat\w+"
            r"|pay no attention to|pay no heed to|set aside|break) (?:\w+ ){0,4}?(?:precedence|priorit\w+"
            r"|order of operations|pemdas|bodmas|bidmas|hierarchy|ranking)",
        ),
        "free",
    ),
    Cue(
        "precedence",
        "standard",
        words(
            r"precedence",
            r"order of (?:arithmetic |mathematical )?operat(?:ions?|ors?)",
            r"pemdas|bodmas|bidmas|bedmas|gemdas",
            r"operator(?:s'|'s)? (?:priorit(?:y|ies)|ranking|hierarchy|rank)",
            r"(?:priority|hierarchy|rank|ranking) (?:rules? )?of (?:the |arithmetic )?operat(?:ors|ions)",
            r"(?:usual|standard|conventional|normal|proper|mathematical|school|textbook|algebraic"
            r"|correct) (?:mathematical |arithmetic |algebraic )?(?:priorit(?:y|ies)|order|rules"
            r"|hierarchy|conventions?)(?: rules)?(?: of (?:arithmetic|algebra|mathematics|maths?"
            r"|evaluation))",
            r"(?:point|dot) before (?:line|dash)",
            r"operat(?:or|ion)s?[^.;:!?]{0,20}?(?:has|have|gets?|enjoys?|takes?|given?) (?:\w+ )?priority",
        ),
        "free",
    ),
)
