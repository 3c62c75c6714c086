from autogenesis_core.testing import BenchmarkContract


class TestReasoningGym(BenchmarkContract):
    option = "benchmark/reasoning_gym"
