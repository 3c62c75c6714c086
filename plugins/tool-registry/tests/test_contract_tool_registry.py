from autogenesis_core.testing import ToolContract


class TestFindResources(ToolContract):
    option = "tool/find_resources"


class TestLoadResource(ToolContract):
    option = "tool/load_resource"


class TestUseResource(ToolContract):
    option = "tool/use_resource"


class TestProposeEdit(ToolContract):
    option = "tool/propose_edit"
