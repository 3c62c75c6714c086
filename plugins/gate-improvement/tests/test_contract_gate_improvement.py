from autogenesis_core.testing import GateContract


class TestImprovement(GateContract):
    option = "gate/improvement"
