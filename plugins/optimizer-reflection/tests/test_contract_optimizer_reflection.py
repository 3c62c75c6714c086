from autogenesis_core.testing import OptimizerContract


class TestReflection(OptimizerContract):
    option = "optimizer/reflection"
