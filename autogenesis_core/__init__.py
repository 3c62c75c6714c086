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
        ModelUnavailable,
        OptimizerFailed,
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
    from autogenesis_core.loading import Loaded, load
    from autogenesis_core.registry import Registry
    from autogenesis_core.rspl.context import Context, EpisodeRun
    from autogenesis_core.rspl.contract import Contract, contract
    from autogenesis_core.rspl.entity import Agent, Answer, Environment, EnvironmentSpec, Memory, Step, variable
    from autogenesis_core.rspl.function import FunctionAgent, call_function, keyword_variables
    from autogenesis_core.rspl.library import Library
    from autogenesis_core.rspl.manager import State
    from autogenesis_core.rspl.prompt import Prompt, parse_prompt
    from autogenesis_core.rspl.reader import Proposal
    from autogenesis_core.rspl.record import Installed, Record, Source
    from autogenesis_core.rspl.retrieval import Found
    from autogenesis_core.rspl.skill import Skill, read_skill
    from autogenesis_core.rspl.template import inputs_of
    from autogenesis_core.rspl.tool import Annotations, Tool, ToolContext, ToolResult, tool
    from autogenesis_core.rspl.toolbox import Toolbox, ToolSet, ToolUse
    from autogenesis_core.runtime import Runtime
    from autogenesis_core.sepl.context import Round, SeplContext
    from autogenesis_core.sepl.evaluation import (
        SPLITS,
        Benchmark,
        Cell,
        Cost,
        Episode,
        Evaluation,
        Failed,
        Outcome,
        Question,
        Score,
        Scored,
        Split,
    )
    from autogenesis_core.sepl.patch import Patch, apply_patches
    from autogenesis_core.sepl.pool import Member
    from autogenesis_core.sepl.sequential import detectable, planned_looks, sequential
    from autogenesis_core.sepl.spaces import Assessment, Candidate, Decision, Edit, Hypothesis, Trace, Verdict, Vote
    from autogenesis_core.sepl.splits import split_by_content
    from autogenesis_core.sepl.statistics import interval, paired
    from autogenesis_core.sepl.variables import Variable
    from autogenesis_core.services.client import ModelClient
    from autogenesis_core.services.model import (
        Message,
        Model,
        ModelAnswer,
        ModelRequest,
        Price,
        ToolCall,
        Usage,
        estimate_tokens,
    )
    from autogenesis_core.services.secrets import SecretText, redact
    from autogenesis_core.structuring import structure
    from autogenesis_core.terminal import visible
    from autogenesis_core.userfile import load_function

__version__ = "0.1.0"

_MODULES = {
    "errors": (
        "AuthenticationFailed AutogenesisError BadRequest BudgetExceeded ConfigurationError Conflict "
        "ContextExceeded InputError InvalidAnswer InvalidRecord LifecycleError ModelError ModelTimeout "
        "ModelUnavailable OptimizerFailed Overloaded PluginError RateLimited Refused RetryableModelError StoreError "
        "TemplateError TransportError UnknownName did_you_mean unknown"
    ),
    "evolution": "evolve",
    "hookspecs": "hookimpl",
    "identity": "JSON canonical derive digest",
    "loading": "Loaded load",
    "registry": "Registry",
    "rspl.context": "Context EpisodeRun",
    "rspl.contract": "Contract contract",
    "rspl.entity": "Agent Answer Environment EnvironmentSpec Memory Step variable",
    "rspl.function": "FunctionAgent call_function keyword_variables",
    "rspl.library": "Library",
    "rspl.manager": "State",
    "rspl.prompt": "Prompt parse_prompt",
    "rspl.reader": "Proposal",
    "rspl.record": "Installed Record Source",
    "rspl.retrieval": "Found",
    "rspl.skill": "Skill read_skill",
    "rspl.template": "inputs_of",
    "rspl.tool": "Annotations Tool ToolContext ToolResult tool",
    "rspl.toolbox": "ToolSet ToolUse Toolbox",
    "runtime": "Runtime",
    "sepl.context": "Round SeplContext",
    "sepl.evaluation": "Benchmark Cell Cost Episode Evaluation Failed Outcome Question SPLITS Score Scored Split",
    "sepl.patch": "Patch apply_patches",
    "sepl.pool": "Member",
    "sepl.sequential": "detectable planned_looks sequential",
    "sepl.spaces": "Assessment Candidate Decision Edit Hypothesis Trace Verdict Vote",
    "sepl.splits": "split_by_content",
    "sepl.statistics": "interval paired",
    "sepl.variables": "Variable",
    "services.client": "ModelClient",
    "services.model": "Message Model ModelAnswer ModelRequest Price ToolCall Usage estimate_tokens",
    "services.secrets": "SecretText redact",
    "structuring": "structure",
    "terminal": "visible",
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
    "Contract",
    "Cost",
    "Decision",
    "Edit",
    "Environment",
    "EnvironmentSpec",
    "Episode",
    "EpisodeRun",
    "Evaluation",
    "Failed",
    "Found",
    "FunctionAgent",
    "Hypothesis",
    "InputError",
    "Installed",
    "InvalidAnswer",
    "InvalidRecord",
    "Library",
    "LifecycleError",
    "Loaded",
    "Member",
    "Memory",
    "Message",
    "Model",
    "ModelAnswer",
    "ModelClient",
    "ModelError",
    "ModelRequest",
    "ModelTimeout",
    "ModelUnavailable",
    "OptimizerFailed",
    "Outcome",
    "Overloaded",
    "Patch",
    "PluginError",
    "Price",
    "Prompt",
    "Proposal",
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
    "SecretText",
    "SeplContext",
    "Skill",
    "Source",
    "Split",
    "State",
    "Step",
    "StoreError",
    "TemplateError",
    "Tool",
    "ToolCall",
    "ToolContext",
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
    "apply_patches",
    "call_function",
    "canonical",
    "contract",
    "derive",
    "detectable",
    "did_you_mean",
    "digest",
    "estimate_tokens",
    "evolve",
    "hookimpl",
    "inputs_of",
    "interval",
    "keyword_variables",
    "load",
    "load_function",
    "paired",
    "parse_prompt",
    "planned_looks",
    "read_skill",
    "redact",
    "sequential",
    "split_by_content",
    "structure",
    "tool",
    "unknown",
    "variable",
    "visible",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'autogenesis_core' has no attribute '{name}'")
    value = getattr(import_module(f"autogenesis_core.{_HOME[name]}"), name)
    globals()[name] = value
    return value
