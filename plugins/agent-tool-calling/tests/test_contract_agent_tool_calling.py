from autogenesis_core.testing import AgentContract


class TestToolCalling(AgentContract):
    option = "agent/tool_calling"
