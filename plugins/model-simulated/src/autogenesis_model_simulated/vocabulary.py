"""The words of the grammar: families, tools, negations, and where a sentence falls into clauses.

What the intents are called in English stands in `cues.py`; how the words are put together in `grammar.py`.
All of it is matched against lowercase text, but for the few cues in which case is the message (`ff`, not `FF`).
"""

import re


def words(*alternatives: str, flags: int = re.IGNORECASE) -> re.Pattern[str]:
    """A pattern that matches any of `alternatives` as whole words."""
    return re.compile(r"(?<![\w])(?:" + "|".join(alternatives) + r")(?![\w])", flags)


FAMILY_WORDS = {
    "arithmetic": words(
        r"arithmetic\w*",
        r"calculat(?:e|es|ed|ing|ion|ions)",
        r"re-?calculat\w+",
        r"sums?",
        r"expressions?",
        r"comput(?:ation|ations|e|es|ed|ing|ational)",
        r"maths?",
        r"mathematic\w*",
        r"equations?",
        r"formulas?|formulae",
        r"multipl\w+",
        r"(?<!repeated )divisions?",
        r"(?<!in )additions?",
        r"subtract\w*",
        r"operators?",
        r"evaluat(?:e|es|ed|ing|ion|ions)",
        r"number crunching",
        r"numerical (?:problems?|questions?|tasks?)",
        r"products? and sums?",
        r"precedence|pemdas|bodmas|bidmas|bedmas|order of operations",
    ),
    "sorting": words(
        r"(?:re-)?sort(?:s|ed|ing)?(?! of)",
        r"alphabeti\w+",
        r"(?:order|arrang|rank)\w* (?:\w+ ){0,3}?(?:words|lists?|terms|entries|items)",
        r"(?:put|bring|place|set)(?:ting|s)? (?:\w+ ){0,4}?in(?:to)? (?:\w+ )?order",
        r"words? (?:\w+ ){0,4}?in(?:to)? (?:\w+ )?order",
        r"word[- ]?(?:list|order|sequence)\w*",
        r"words (?:are|is|get|that are|to be) (?:\w+ )?(?:ordered|arranged|ranked|compared)",
        r"compar\w+ (?:\w+ ){0,2}?words",
        r"lists? of words",
        r"comma-separated",
        r"order(?:ed|ing)(?: \w+)? (?:words|lists?)",
        r"(?:order|ordering|sequence) of (?:the |any |all |these |those )?(?:words|lists?)",
        r"word ordering",
        r"list(?:ing)? (?:the )?words",
        r"(?:the|a|each|every|your|any|sorted) lists?",
    ),
    "counting": words(
        r"(?:letter|character)[- ]?(?:count|tall|frequenc)\w*",
        r"(?:re-?)?count(?:s|ed|ing)?(?! on\b)(?! as (?:the|an?|one|equal)\b)(?! for)",
        r"how many",
        r"how often",
        r"number of (?:times|letters|occurrences|matches|characters)",
        r"frequenc(?:y|ies) of (?:the |a |each )?(?:letter|character)s?",
        r"occurrences?",
        r"(?:letter|character)s? (?:occurs?|appears?|shows? up)",
        r"tall(?:y|ies|ying)",
    ),
    "conversion": words(
        r"(?:re-?)?conver(?:t|ts|ted|ting|sion|sions)",
        r"(?:number )?bases?(?! on\b)",
        r"base[- ]\w+",
        r"hex",
        r"hexadecimals?",
        r"radix\w*|radices",
        r"binary|octal",
        r"number(?:al)? systems?|numeral systems?",
        r"(?:digits?|numerals?) (?:above|over|beyond|greater|larger|higher|bigger|past|from ten|from 10"
        r"|after)\b",
        r"letter digits|digit letters",
        r"place[- ]values?",
        r"converter",
    ),
}
EVERYTHING = words(
    r"everything",
    r"(?:all|every|each|any) (?:kinds? of |sorts? of |types? of |single )?(?:questions?|tasks?|problems?"
    r"|requests?)",
    r"whatever (?:the|you|is|kind)",
    r"no matter what|in all cases|whatsoever",
    r"every time",
    r"all (?:your )?(?:answers|replies|responses)",
)

# How people call a tool without its name; any tool is also known by its own name.
TOOL_WORDS = {
    "calculator": r"calculators?|calculation tool|arithmetic tool|calculating tool",
    "sort_words": r"sort_words|(?:word[- ])?sorting (?:tool|function)|(?:the|a) (?:word[- ])?sorter|word[- ]sorter",
    "count_letters": r"count_letters|(?:letter[- ])?counting (?:tool|function)|letter[- ]counter|(?:the|a) counter",
    "convert_base": r"convert_base|(?:base[- ])?conver(?:sion|ting) (?:tool|function)|(?:base[- ]|the |a )converter",
}
ANY_TOOL = words(r"tools?", r"tooling", r"tool (?:calls?|use)", r"functions? calls?", r"helper functions?")

USE_VERBS = (
    r"us(?:e|es|ed|ing)|(?:mis|re)use|usage|call(?:s|ed|ing)?|invok(?:e|es|ed|ing)|invocation|employ(?:ed"
    r"|ing|s)?|run(?:ning)?"
    r"|appl(?:y|ied|ying)|consult(?:ed|ing|s)?|rel(?:y|ied|ying)|depend(?:ing)?|delegat\w+|hand(?:ed|ing|s)?"
    r"|pass(?:ed|ing|es)?|giv(?:e|en|ing)|send(?:ing)?|sent|feed(?:ing)?|fed|let(?:ting)?|leav(?:e|ing)"
    r"|left|trust(?:ed|ing)?"
    r"|reach(?:ing)?|turn(?:ed|ing)?|resort(?:ed|ing)?|go(?:es|ing)?|tak(?:e|en|ing)|touch(?:ed|ing)?"
    r"|prefer(?:red|ring|s)?"
    r"|query|querying|quer(?:y|ied)|submit(?:ted)?|rout(?:e|ed|ing)|forward(?:ed|ing)?|entrust(?:ed|ing)?"
    r"|assign(?:ed)?"
    r"|do(?:ne|ing)?|solv(?:e|ed|ing)|perform(?:ed|ing)?|handl(?:e|ed|ing)|work(?:ed|ing)? out|try"
    r"|get(?:ting)?|pick(?:ing)?"
    r"|choos(?:e|ing)|enter(?:ed)?|type|put|plug|key|outsourc\w+|ask(?:ed|ing)?|bring|make|obtain(?:ed)?"
    r"|access|offload\w*"
    r"|comput(?:e|ed|ing)|calculat(?:e|ed|ing)|evaluat(?:e|ed|ing)|sort(?:ed|ing)?|count(?:ed|ing)?"
    r"|convert(?:ed|ing)?"
    r"|answer(?:ed|ing)?|repl(?:y|ied)|settle|determin(?:e|ed)|find|proceed|throw|fire up|open|grab|lean"
    r"|stick|fall back"
    r"|come|comes|belongs?|check(?:ed|ing)?|verif(?:y|ied)|need(?:ed|s)?|requir(?:e|ed|es)|allowed"
    r"|permitted|necessary"
    r"|mandatory|obligatory|compulsory|job|via|with|through|by means of|help of|aid of|required"
)
USING = words(USE_VERBS)
# "calculator please", "sort_words for lists": a tool's name that is itself the instruction.
BARE_BEFORE = re.compile(r"^[\s,]*(?:(?:and|then|always|first|only|the|a|your|please)\s+)*$", re.IGNORECASE)
BARE_AFTER = re.compile(
    r"\S+(?: tool| function)?(?:,? please)?\s*(?:(?:first|always|for|on|when|if|whenever)\b[^.]*)?[.!]*\s*$",
    re.IGNORECASE,
)
# "If there is a tool for it, use it."
TAKE_IT = re.compile(
    r"[^.;]*,\s*(?:always |then |please )?(?:use|call|take|apply|let|choose|prefer) (?:it|them|one|that)\b",
    re.IGNORECASE,
)
FOR = re.compile(r"(?: tool| function)? (?:for|on|when|to|if|in)\b", re.IGNORECASE)
SENDING = re.compile(
    r"\b(?:send|pass|hand|feed|submit|give|route|forward|enter|put|throw|type|bring"
    r"|take)\w*\s[^,;:]{2,50}?\s(?:in)?to (?:the )?$",
    re.IGNORECASE,
)
DIGITS = words(r"digits")
CAPITALS = words(r"upper-? ?case\w*|capital\w*")

# Words that stand between a subject and what is said of it, and ask for nothing.
NARRATIVE = words(
    r"(?:was|were|had|did|has been|have been|used to)",
    r"(?:some|most|many|few|several) (?:users|people|questions|words|tools|numbers|answers|models"
    r"|students|teachers)",
    r"(?:users|people|teachers|students|children|computers|models|mathematicians|programmers|libraries"
    r"|dictionaries|they) (?:often|sometimes|usually|may|might|can|like|find|tend|will|love|prefer|learn"
    r"|use|count|sort|convert|write)",
    r"usually|typically|historically|traditionally|originally|sometimes",
    r"the (?:user|person|customer|developer|team|author)s? (?!(?:asks|wants|gives|sends|needs))\w+",
    r"(?:is|are) (?:called|known|named|said|defined|the (?:art|science|branch|study|system|number system))",
    r"there (?:is|are) (?!no\b|to\b)(?:\w+ ){0,2}(?:families|kinds|types|sorts|questions|tools|ways|words"
    r"|letters|digits|many|several)",
    r"last (?:year|month|week|spring|summer|autumn|winter)|yesterday|century|years ago",
    r"(?:means|comes from|stands for|refers to|dates)",
)
DIRECTIVE = words(
    r"(?:should|must|shall|ought|has to|have to|needs? to|please|always|never|only|just|do not|don't"
    r"|needn't|mustn't|shouldn't)",
    r"to be",
    r"(?:is|are) (?:required|forbidden|prohibited|mandatory|obligatory|compulsory|a must|unnecessary"
    r"|unwanted|needed|not optional)",
    r"(?:is|are) (?:the|your) (?:\w+ )?(?:way|choice|means|method|place|right tool)",
)

# Verbs that begin a new instruction after "and", "then" or a comma.
IMPERATIVE = (
    r"use|call|invoke|employ|consult|answer|reply|respond|give|return|write|output|print|put|sort|order"
    r"|arrange|count|convert"
    r"|state|say|tell|report|show|present|provide|send|let|check|re-?check|double-?check|verify|confirm"
    r"|validate|review"
    r"|recount|explain|add|include|keep|leave|make|go|work|treat|ignore|respect|follow|obey|apply|evaluate"
    r"|calculate|compute"
    r"|do|look|compare|estimate|guess|spell|tally|inspect|trust|rely|hand|pass|feed|turn|stick|wrap"
    r"|express|format|multiply first"
    r"|omit|skip|avoid|drop|refrain|forget|note|mark|deliver|take|submit|phrase|place|proceed|test|jump"
    r"|ensure|finish|stop|start|begin"
)
NEGATED_START = (
    r"do not|don't|never|no|not|without|avoid|skip|nor|refrain|rather than|instead of|there is no"
    r"|there's no|leaving|omitting"
)
ADVERB = (
    r"(?:just|simply|always|please|then|also|instead|only|now|finally|first|afterwards|directly|at the end"
    r"|in the end|for every\w*|briefly|quickly|carefully)"
)
BOUNDARY = re.compile(
    r"\s*[;:!?]\s+|\s+[\u2014\u2013-]{1,2}\s+|[\u2014\u2013]|\s*[()]\s*"
    rf"|,\s+(?:(?:and|but|then|so|or|yet)\s+)?(?:{ADVERB}\s+)*(?=(?:{NEGATED_START}|{IMPERATIVE})\b)"
    rf"|\s+(?:and|then|so)\s+(?:{ADVERB}\s+)*(?=(?:{NEGATED_START}|{IMPERATIVE})\b)"
    r"|,?\s+(?:but|yet|while|because|since)\s+|,\s+",
    re.IGNORECASE,
)
# A comma or an "and" inside "no greetings, explanations or units" ends nothing.
LISTING = re.compile(
    r"(?:,\s+(?!(?:just|only|simply|always|instead)\b)(?:an? |the |any )?[\w'-]+(?: [\w'-]+)?)*,?\s+(?:or"
    r"|nor)\s",
)
NOUN_LIST = re.compile(
    r"(?:,\s+(?:an? |the |any )?[\w'-]+(?: [\w'-]+)?){1,4}(?:,?\s+and\s+(?:an? |the "
    r"|any )?[\w'-]+(?: [\w'-]+)?)?\s*$"
)
LEADING = re.compile(
    r"^\s*(?:(?:and|but|also|finally|please),?\s+)?(?:for|when|whenever|if|in|on|with|once|after|before"
    r"|as for|while|where|during|given|to|as soon as|concerning|regarding)\b[^,;:]*[,:]",
    re.IGNORECASE,
)
# A sentence that begins with a verb asks for something, whatever else it tells.
COMMANDING = re.compile(
    rf"^[\s\"'(]*(?:(?:\w+ly|please|then|also|and|now|when \w+ing[^,]*),? )?(?:{IMPERATIVE})\b", re.IGNORECASE
)

# What looks like a negation and is none.
HARMLESS = re.compile(
    r"not only|nothing (?:but|else|more|other|except|beyond|besides|apart|aside|further|less)"
    r"|no (?:more|less|fewer|other) than"
    r"|no matter|whether or not|without fail"
    r"|why not|without (?:exception|question|doubt|hesitation|delay)|no doubt|or not|no later than"
    r"|no sooner|if not|no-nonsense"
    r"|not (?:least|uncommon)|no one|nobody|not optional|don't worry|do not worry|without further ado"
    r"|if you cannot|if you can't|never mind",
    re.IGNORECASE,
)
NEGATORS = words(
    r"(?:do|does|did|is|are|was|were|should|must|need|can|could|would|have|has|wo|ca|ought"
    r"|might)n['\u2019]t(?: bother(?: to| with)?| waste (?:any )?(?:time|effort|tokens|energy)(?: on"
    r"| with)?)?",
    r"(?:do )?not (?:bother(?: to| with)?|waste (?:any )?(?:time|effort|tokens|energy)(?: on| with)?)",
    r"cannot",
    r"not",
    r"never",
    r"no (?:need|reason|point|use)(?: to| in| for| of)?",
    r"no longer",
    r"no",
    r"without",
    r"avoid(?:s|ed|ing)?",
    r"skip(?:s|ped|ping)?",
    r"refrain(?:s|ing)?",
    r"abstain(?:s|ing)?",
    r"desist",
    r"keep (?:away |clear )?from",
    r"(?:stay|keep|steer|shy|stays) (?:away|clear|off)(?: from| of)?",
    r"keep (?:your )?hands off",
    r"hands off",
    r"instead of",
    r"in(?: the)? place of",
    r"in lieu of",
    r"as opposed to",
    r"rather than",
    r"omit(?:s|ted|ting)?",
    r"leav(?:e|ing) (?:out|off|away|aside|alone)",
    r"leave(?= (?:the |any |all |your )?(?:[\w-]+ ){1,3}(?:alone|aside|out|off|away|unused|untouched|idle)\b)",
    r"(?:drop|cut|ditch|strip|dropping)(?: out| away| off)?",
    r"(?:do|doing) (?:away with|without)",
    r"dispense with",
    r"forgo|forego|forgoing",
    r"forget(?:ting)?(?: about| to)?",
    r"fail(?:ing)? to",
    r"neglect(?:ing)?(?: to)?",
    r"hesitate(?: to)?",
    r"(?:be )?(?:afraid|shy|reluctant|hesitant|wary|ashamed|lazy|slow) (?:to|of|about|with|in)",
    r"spare (?:me|us|yourself|the user|the reader)",
    r"save yourself",
    r"nor|neither|none of",
    r"free (?:of|from)|devoid of|minus|bar",
    r"(?:stop|quit|cease)(?= \w+ing)",
    r"forbid|ban|prohibit|resist|reject|disable|shun|eschew|bypass|decline|abandon|spurn|ignor(?:e|ing)"
    r"|disregard(?:ing)?",
    r"(?:put|lay)(?= (?:the |any |your )?(?:[\w-]+ ){1,2}(?:away|aside|down))",
    r"(?:apart|aside) from",
    r"under no circumstances?|by no means|on no account|in no case|at no (?:time|point)",
    r"(?:beware of|guard against)",
    r"better than|more than(?= an?\b)|(?<=prefer )over",
)
POST_NEGATORS = words(
    r"(?:is|are|be|being|as|get|remain|stays?|seems?|counts? as) (?:\w+ly |strictly |also "
    r"|all )?(?:forbidden|prohibited|banned|avoided|omitted|skipped|left (?:out|off|away|aside)"
    r"|unnecessary|superfluous|pointless|unwanted|unwelcome|off[- ]limits|taboo|out of the question"
    r"|disallowed|undesirable"
    r"|discouraged|redundant|a waste\b|too (?:much|long|little|short|terse|curt|bare)|wrong|useless"
    r"|dropped|ruled out|a mistake|an error"
    r"|ignored|disregarded|needless|overkill|inappropriate|insufficient|unacceptable|incorrect|of no use"
    r"|excluded|barred|frowned upon|neglected|overlooked"
    r"|inadequate|out of bounds|unneeded|irrelevant|immaterial)",
    r"(?:(?:is|are|be|do|does|will|would|must|should|may|can|need) not (?:be )?|(?:is|are|do|does|wo"
    r"|would|must|should|need)n['\u2019]t (?:be )?)(?:\w+ly )?(?:needed|required|allowed|permitted|necessary"
    r"|wanted|welcome|enough|acceptable|sufficient|ok|okay|fine|called for|asked for|suffice|do|desired"
    r"|good enough|tolerated|an option)",
    r"(?:have|has) no place",
    r"(?:must|should|shall|may|can|need|ought|are|is|will) (?:not|never)(?: to)? (?:be|get|appear|occur"
    r"|accompany|surround|enter|come|go|precede|follow)(?: \w+ed)?",
    r"(?:must|should|need|ca|are|is|wo)n['\u2019]t (?:be|get|appear|occur|accompany|surround|enter|come"
    r"|go)(?: \w+ed)?",
    r"(?:are|is) (?:not|never) (?:to be )?\w+ed",
    r"cannot be \w+",
    r"to yourself",
    r"nothing|nowhere",
    r"out of (?:your |the |any |all |it\b|every )?(?:\w+ )?(?:repl\w+|answers?|responses?|outputs?|results?)",
    r"(?:is|are) to stay (?:out|away)",
    r"(?:stay|stays|remain|remains|is|are|be) (?:unused|untouched|idle|off|switched off|closed|shut|out)",
    r"(?:is|are|looks?|seems?|sounds?|feels?) (?:\w+ly |too )?(?:rude|impolite|unhelpful|cold|blunt|curt"
    r"|unfriendly|abrupt|harmful|risky|dangerous|misleading|lazy|a nuisance|a distraction)",
)
PASSIVE = re.compile(r"\b(?:not|never|nothing|nowhere)\b|n't", re.IGNORECASE)
# A negation that says something of a subject: not an instruction such as "do not", nor one to "you".
SAID_OF = re.compile(
    r"(?!(?:you|we|i|they|it|and|but|or|then|please|also|just|so|that|to|always|if|when|which|who)\b)\b\w+,? "
    r"(?:does|do|is|are|must|should|shall|may|can|need|needs|will|ought|has|have)(?: not|n't| never)(?: to)?$",
    re.IGNORECASE,
)
WITHOUT = re.compile(r"[\s,]*(?:without|instead of|rather than)\b", re.IGNORECASE)
SCOPING = re.compile(r"[\s,]*(?:for|when|whenever|if|in|with|once|after|as soon as|where|while)\b", re.IGNORECASE)
# The sentence goes on, the negation does not: "don't answer until you have checked".
SCOPE_END = words(
    r"until|till|unless|when|whenever|except|but|only after",
    r"before(?! (?:the )?(?:final )?(?:answer|value|result|number|list))",
)
PREFERENCE = re.compile(
    r"\b(?:prefer|preferred|preferable|favou?r|choose)\b(?! to\b)[^,;.]{2,60}?\b(to|over"
    r"|above)\b",
    re.IGNORECASE,
)
