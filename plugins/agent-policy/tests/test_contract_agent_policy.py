from autogenesis_core.testing import AgentContract


class TestPolicy(AgentContract):
    option = "agent/policy"
    task = None
