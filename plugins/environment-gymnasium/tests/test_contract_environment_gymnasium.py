from autogenesis_core.testing import EnvironmentContract


class TestGymnasium(EnvironmentContract):
    option = "environment/gymnasium"
