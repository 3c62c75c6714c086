from autogenesis_core.testing import ToolContract


class TestSortWords(ToolContract):
    option = "tool/sort_words"
    arguments = {"words": ["b", "a", "B"]}
    result = '["B","a","b"]'


class TestCountLetters(ToolContract):
    option = "tool/count_letters"
    arguments = {"text": "Banana", "letter": "a"}
    result = "3"


class TestConvertBase(ToolContract):
    option = "tool/convert_base"
    arguments = {"number": "255", "from_base": 10, "to_base": 16}
    result = "ff"
