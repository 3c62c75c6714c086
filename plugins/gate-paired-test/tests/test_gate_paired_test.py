from autogenesis_core.testing import GateContract


class TestPairedTest(GateContract):
    option = "gate/paired_test"
