"""Whether results are to be checked."""

from autogenesis_model_simulated.cues.cue import Cue
from autogenesis_model_simulated.vocabulary import words

_RESULT = (
    r"(?:answer|result|value|sum|list|count|number|conversion|output|solution|calculation|work|working"
    r"|total|order|figures?|it|them|everything|expression|that|order|ordering|tally|arithmetic|outcome"
    r"|each|every|all|reply|once|twice|again|for|whether|if|before|against|by|with|how|thing)s?"
)
VERIFY: tuple[Cue, ...] = (
    Cue(
        "verify",
        "dont",
        words(
            r"(?:first|initial) (?:answers?|results?|values?|counts?|attempts?|tr(?:y|ies)|calculation"
            r"|thought|version|sort|number|pass|one|go|figure)[^.;!?]{0,25}?(?:(?:is|are)"
            r" (?:\w+ )?(?:good enough|final|enough|sufficient|fine|definitive|the last)|stands?"
            r"|suffices?|will do|as (?:it|they) (?:is|are|stands?)|as final|counts?)",
            r"(?:trust|stick (?:to|with)|keep|go with|accept|settle for|stand by|rely on|submit|leave"
            r"|send|take|report|give|use|return) (?:\w+ )?(?:your |the )?(?:very )?(?:first|initial)"
            r" (?:answer|result|value|count|attempt|try|calculation|guess|thought|version|number|one"
            r"|figure)s?",
            r"(?:one|a single|a) (?:pass|calculation|attempt|try|count|look|run|computation|go|conversion"
            r"|round|evaluation)(?: \w+){0,4}? (?:is|will|suffices|must|should|does)(?: (?:enough"
            r"|sufficient|do|suffice|be enough|fine|plenty|it))*",
            r"(?:only|just|exactly|no more than) once|once is enough|once and (?:only once|move on"
            r"|once only)|once only",
            r"(?:accept|take|send|report|give) (?:whatever|what) (?:\w+ ){1,4}first",
            r"(?:unchecked|unverified|unreviewed)",
            r"move (?:straight )?on (?:without|at once|immediately|right away)",
            r"trust (?:your|the) (?:answer|result|calculation|work|output|conversion|count)s?",
        ),
        "any",
    ),
    Cue(
        "verify",
        "do",
        words(
            r"(?:re-?|double-?|cross-?|counter-?|triple-?|spot-?|sanity[- ])\s?check\w*",
            rf"check(?:s|ed|ing)?(?! off)(?! (?:each|every|all) (?:single )?(?:the )?(?:letter|character|digit)s?)"
            rf"(?:,)? (?:\w+ing )?(?:that |whether |on |over |through "
            rf"|up on )?(?:the |your |its |each |every |any |all |a |both |my |this "
            rf"|these )?(?:\w+ )?{_RESULT}",
            r"(?:second|final|quick|last|another|additional|extra|further|closing|thorough|proper|any|no"
            r"|a|self|brief|careful|explicit) check(?:s|ing|up)?(?! what| which)",
            r"check(?:s|ed|ing)?(?=[,.;]|$| and | before| after| in any)",
            r"(?:re-?)?verif(?:y|ies|ied|ying|ication|ications)",
            r"confirm(?:s|ed|ing|ation)?",
            r"checking(?! account)|(?:the|your|no|any|these) checks?"
            r"|checks(?= (?:are|is|should|must|will|can|may|of|on))"
            r"|twice(?! as)|second-guess\w*"
            r"|doubt\w*|(?:dis|mis)trust\w*",
            r"(?:result|answer|count|sum|list|it) (?:\w+ )?(?:holds(?: up| true)?|adds up|checks out)",
            r"re-sort(?:ing|ed|s)?",
            r"validat\w+|proof-?read\w*|re-?read (?:your|the (?:answer|result|list|reply))\w*"
            r"|re-?examin\w+|re-?inspect\w*|scrutini\w+|re-?validat\w*",
            r"re-?(?:count|comput|calculat|evaluat|convert|do|work|run|check|test|view|verify|trac"
            r"|think|order|consider)(?:e|es|ed|ing|s)?(?: it| them| everything)?",
            r"(?:review|inspect|audit|revisit|proof|revise|examine|test)(?:ing|s|ed)? (?:the |your |each "
            r"|every |it|its )(?:\w+ )?(?:answers?|results?|value|list|count|conversion|calculation|work"
            r"|sum|output|it|them|once|number|steps)?",
            r"(?:make (?:sure|certain)|ensure|be (?:sure|certain)|see to it|satisfy yourself|convince yourself"
            r"|see) (?:that |whether |if )?(?:it|the|your|they|each|every|everything|its|all"
            r"|you)(?: \w+){0,4}? (?:is|are|was|were|it) (?:\w+ )?(?:right|correct|accurate|true|sound"
            r"|valid|in order|good|exact)",
            r"(?:a |for a )(?:second|another) (?:time|look|pass|go|round|opinion)|second (?:look|pass"
            r"|time|count|calculation|attempt|run|opinion|evaluation|conversion|round)|one more time"
            r"|once more|once again",
            r"(?:look|go|run|read|think|pass|glance)(?:ing)? (?:\w+ )?(?:back )?(?:over"
            r"|through)(?: \w+){0,4}? (?:again|once more|a second time|before|twice|for errors"
            r"|for mistakes)",
            r"(?:count|compute|calculate|evaluate|sort|convert|work (?:\w+ )?out|do|solve|go over|look"
            r"|try|add|run|redo|order|test)(?:ing|s|ed)?(?: \w+){0,4}? (?P<h>again|twice|two times|anew"
            r"|afresh)",
            r"(?:convert|turn|change|translate)(?:ing|ed)? (?:\w+ ){0,3}?back",
            r"(?:look|hunt|search|watch)(?:ing)? (?:\w+ )?for (?:errors|mistakes|slips)|proof of (?:the"
            r"|your)",
            r"(?:go|going|look|looking) back over|look back at|two independent|in two (?:different )?ways"
            r"|by a second method|the other way round|the reverse",
            r"compare (?:\w+ )?(?:both|the two|your two) \w+",
        ),
        "any",
    ),
)
