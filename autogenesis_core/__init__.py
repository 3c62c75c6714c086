"""Autogenesis: agents that get better by themselves, and can prove it, undo it and explain it.

The public names of the core. Each is imported when it is first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autogenesis_core.errors import (
        AuthenticationFailed,
        AutogenesisError,
        BadRequest,
        BudgetExceeded,
        ConfigurationError,
        Conflict,
        ContextExceeded,
        InputError,
        InvalidAnswer,
        InvalidRecord,
        LifecycleError,
        ModelError,
        ModelTimeout,
        Overloaded,
        PluginError,
        RateLimited,
        Refused,
        RetryableModelError,
        StoreError,
        TemplateError,
        TransportError,
        UnknownName,
        did_you_mean,
        unknown,
    )
    from autogenesis_core.evolution import evolve
    from autogenesis_core.hookspecs import hookimpl
    from autogenesis_core.identity import JSON, canonical, derive, digest
    from autogenesis_core.registry import Registry
    from autogenesis_core.rspl.context import Context, EpisodeRun
    from autogenesis_core.rspl.entity import Agent, Answer, Environment, EnvironmentSpec, Memory, Step, variable
    from autogenesis_core.rspl.function import FunctionAgent, keyword_variables
    from autogenesis_core.rspl.prompt import Prompt, parse_prompt
    from autogenesis_core.rspl.record import Installed, Record, Source
    from autogenesis_core.rspl.tool import Annotations, Tool, ToolResult, tool
    from autogenesis_core.rspl.toolbox import Toolbox, ToolSet, ToolUse
    from autogenesis_core.runtime import Runtime
    from autogenesis_core.sepl.context import Round, SeplContext
    from autogenesis_core.sepl.evaluation import (
        SPLITS,
        Benchmark,
        Cell,
        Episode,
        Evaluation,
        Failed,
        Outcome,
        Question,
        Score,
        Scored,
        Split,
    )
    from autogenesis_core.sepl.spaces import Assessment, Candidate, Decision, Edit, Hypothesis, Trace, Verdict, Vote
    from autogenesis_core.sepl.statistics import interval, paired
    from autogenesis_core.sepl.variables import Variable
    from autogenesis_core.services.client import ModelClient
    from autogenesis_core.services.model import Message, Model, ModelAnswer, ModelRequest, Price, ToolCall, Usage
    from autogenesis_core.structuring import structure
    from autogenesis_core.userfile import load_function

__version__ = "0.1.0"

_MODULES = {
    "errors": (
        "AuthenticationFailed AutogenesisError BadRequest BudgetExceeded ConfigurationError Conflict "
        "ContextExceeded InputError InvalidAnswer InvalidRecord LifecycleError ModelError ModelTimeout "
        "Overloaded PluginError RateLimited Refused RetryableModelError StoreError TemplateError "
        "TransportError UnknownName did_you_mean unknown"
    ),
    "evolution": "evolve",
    "hookspecs": "hookimpl",
    "identity": "JSON canonical derive digest",
    "registry": "Registry",
    "rspl.context": "Context EpisodeRun",
    "rspl.entity": "Agent Answer Environment EnvironmentSpec Memory Step variable",
    "rspl.function": "FunctionAgent keyword_variables",
    "rspl.prompt": "Prompt parse_prompt",
    "rspl.record": "Installed Record Source",
    "rspl.tool": "Annotations Tool ToolResult tool",
    "rspl.toolbox": "ToolSet ToolUse Toolbox",
    "runtime": "Runtime",
    "sepl.context": "Round SeplContext",
    "sepl.evaluation": "SPLITS Benchmark Cell Episode Evaluation Failed Outcome Question Score Scored Split",
    "sepl.spaces": "Assessment Candidate Decision Edit Hypothesis Trace Verdict Vote",
    "sepl.statistics": "interval paired",
    "sepl.variables": "Variable",
    "services.client": "ModelClient",
    "services.model": "Message Model ModelAnswer ModelRequest Price ToolCall Usage",
    "structuring": "structure",
    "userfile": "load_function",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = [
    "JSON",
    "SPLITS",
    "Agent",
    "Annotations",
    "Answer",
    "Assessment",
    "AuthenticationFailed",
    "AutogenesisError",
    "BadRequest",
    "Benchmark",
    "BudgetExceeded",
    "Candidate",
    "Cell",
    "ConfigurationError",
    "Conflict",
    "Context",
    "ContextExceeded",
    "Decision",
    "Edit",
    "Environment",
    "EnvironmentSpec",
    "Episode",
    "EpisodeRun",
    "Evaluation",
    "Failed",
    "FunctionAgent",
    "Hypothesis",
    "InputError",
    "Installed",
    "InvalidAnswer",
    "InvalidRecord",
    "LifecycleError",
    "Memory",
    "Message",
    "Model",
    "ModelAnswer",
    "ModelClient",
    "ModelError",
    "ModelRequest",
    "ModelTimeout",
    "Outcome",
    "Overloaded",
    "PluginError",
    "Price",
    "Prompt",
    "Question",
    "RateLimited",
    "Record",
    "Refused",
    "Registry",
    "RetryableModelError",
    "Round",
    "Runtime",
    "Score",
    "Scored",
    "SeplContext",
    "Source",
    "Split",
    "Step",
    "StoreError",
    "TemplateError",
    "Tool",
    "ToolCall",
    "ToolResult",
    "ToolSet",
    "ToolUse",
    "Toolbox",
    "Trace",
    "TransportError",
    "UnknownName",
    "Usage",
    "Variable",
    "Verdict",
    "Vote",
    "__version__",
    "canonical",
    "derive",
    "did_you_mean",
    "digest",
    "evolve",
    "hookimpl",
    "interval",
    "keyword_variables",
    "load_function",
    "paired",
    "parse_prompt",
    "structure",
    "tool",
    "unknown",
    "variable",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'autogenesis_core' has no attribute '{name}'")
    value = getattr(import_module(f"autogenesis_core.{_HOME[name]}"), name)
    globals()[name] = value
    return value
