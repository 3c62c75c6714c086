"""JSON a line: the same text as json's own encoder."""

import json
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogenesis_core.services import lines
from autogenesis_core.services.lines import line_encoder

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
WAYS = [(", ", ": "), (",", ":")]


@pytest.mark.parametrize("separators", WAYS)
@given(value=VALUES)
def test_a_line_is_what_json_writes(value, separators):
    assert line_encoder(separators)(value) == json.JSONEncoder(separators=separators, default=str).encode(value)


def test_what_is_no_json_is_its_text():
    assert line_encoder()([PurePosixPath("a/b"), {1: None}]) == '["a/b", {"1": null}]'


def test_without_the_c_encoder_it_is_the_same(monkeypatch):
    monkeypatch.setattr(lines, "c_make_encoder", None)
    assert line_encoder((",", ":"))(["ü", 1.5, PurePosixPath("a")]) == '["\\u00fc",1.5,"a"]'


@pytest.mark.parametrize("value", [{("a", "b"): 1}])
def test_a_key_that_is_no_text_is_an_error(value):
    with pytest.raises(TypeError):
        line_encoder()(value)
