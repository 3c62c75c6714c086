from autogenesis_core.testing import OptimizerContract


class TestEvolutionStrategy(OptimizerContract):
    option = "optimizer/evolution_strategy"
