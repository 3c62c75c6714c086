from autogenesis_core.testing import ToolContract


class TestCalculator(ToolContract):
    option = "tool/calculator"
    arguments = {"expression": "17 * 23"}
    result = "391"
