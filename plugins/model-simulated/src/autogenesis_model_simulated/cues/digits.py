"""In which case digits above nine are to be written."""

from autogenesis_model_simulated.cues.cue import Cue
from autogenesis_model_simulated.vocabulary import words

DIGITS: tuple[Cue, ...] = (
    Cue(
        "digits",
        "lowercase",
        words(
            r"lower-?(?: )?cas\w+|small letters?|small (?:hex )?(?:digits|ones|alphabet\w*)"
            r"|uncapitali[sz]ed|minuscules?|non-capital\w*|little letters?|small(?= a\b|[.,;]|$)",
            r"(?:de-?capitali[sz]e|downcase)",
        ),
        "own",
    ),
    Cue(
        "digits",
        "uppercase",
        words(r"upper-?(?: )?cas\w+|capital\w*|big letters?|majuscules?|caps|all-caps|shouted"),
        "own",
    ),
    Cue(
        "digits",
        "lowercase",
        words(
            r"(?:ff|a ?(?:-|\u2013|to|through|\.\.) ?[fz]|a, b(?:,| and) c|(?:0x)?[0-9]+[a-f]+"
            r"|[a-f]+[0-9]+[a-f0-9]*|abc\w*|ab|ef|af|a (?:for|means|is|stands for) (?:ten|10))",
            flags=0,
        ),
    ),
    Cue(
        "digits",
        "uppercase",
        words(
            r"(?:FF|A ?(?:-|\u2013|to|through|\.\.) ?[FZ]|A, B(?:,| and) C|(?:0x)?[0-9]+[A-F]+"
            r"|[A-F]+[0-9]+[A-F0-9]*|ABC\w*|AB|EF|AF|A (?:for|means|is|stands for) (?:ten|10))",
            flags=0,
        ),
    ),
)
