from autogenesis_core.testing import AgentContract


class TestCallable(AgentContract):
    option = "agent/callable"
    settings = ("agent.path=app.py:run",)
    task = None
