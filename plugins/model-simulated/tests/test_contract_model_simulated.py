from autogenesis_core.testing import ModelContract


class TestSimulated(ModelContract):
    option = "model/simulated"
