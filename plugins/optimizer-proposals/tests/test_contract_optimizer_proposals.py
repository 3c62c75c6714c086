from autogenesis_core.testing import OptimizerContract


class TestProposals(OptimizerContract):
    option = "optimizer/proposals"
