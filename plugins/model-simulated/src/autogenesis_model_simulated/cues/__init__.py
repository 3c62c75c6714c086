"""What the intents are called in English.

Cues of one intent stand in order of strength: of two in a sentence that disagree, the earlier one is believed.
"""

from autogenesis_model_simulated.cues.answer_format import ANSWER_FORMAT
from autogenesis_model_simulated.cues.conversion import CONVERSION
from autogenesis_model_simulated.cues.counting import COUNTING
from autogenesis_model_simulated.cues.cue import Cue
from autogenesis_model_simulated.cues.digits import DIGITS
from autogenesis_model_simulated.cues.precedence import PRECEDENCE
from autogenesis_model_simulated.cues.sort_order import SORT_ORDER
from autogenesis_model_simulated.cues.verify import VERIFY

__all__ = ["CUES", "Cue"]

CUES: tuple[Cue, ...] = (
    *ANSWER_FORMAT,
    *PRECEDENCE,
    *SORT_ORDER,
    *COUNTING,
    *CONVERSION,
    *DIGITS,
    *VERIFY,
)
