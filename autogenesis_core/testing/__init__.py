"""What plugin authors test with: a contract for each kind of plugin, and models that need no provider.

::

    from autogenesis_core.testing import ToolContract

    class TestDice(ToolContract):
        option = "tool/dice"
"""

from autogenesis_core.testing.contracts import (
    AgentContract,
    BenchmarkContract,
    EnvironmentContract,
    GateContract,
    MemoryContract,
    ModelContract,
    OptimizerContract,
    PluginContract,
    ToolContract,
)
from autogenesis_core.testing.models import FunctionModel, ScriptedModel

__all__ = [
    "AgentContract",
    "BenchmarkContract",
    "EnvironmentContract",
    "FunctionModel",
    "GateContract",
    "MemoryContract",
    "ModelContract",
    "OptimizerContract",
    "PluginContract",
    "ScriptedModel",
    "ToolContract",
]
