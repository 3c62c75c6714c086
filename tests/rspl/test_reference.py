"""How resources, versions and variables are named."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import InputError, UnknownName
from autogenesis_core.rspl.reference import Reference

NAMES = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=64).filter(lambda n: n[0].isalpha())
AT = st.just("") | st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=10)
KINDS = st.sampled_from(["prompt", "agent", "tool", "environment", "memory"])


@settings(max_examples=100, deadline=None)
@given(st.builds(Reference, KINDS, NAMES, AT, AT))
def test_a_reference_reads_back_what_it_prints(reference):
    assert reference == Reference.parse(str(reference))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("prompt/tool_calling", ("prompt", "tool_calling", "", "")),
        ("prompt/tool_calling@1.0.3", ("prompt", "tool_calling", "1.0.3", "")),
        ("prompt/x@champion", ("prompt", "x", "champion", "")),
        ("agent/policy#weights.CartPole-v1", ("agent", "policy", "", "weights.CartPole-v1")),
        ("tool/dates@demo#source", ("tool", "dates", "demo", "source")),
    ],
)
def test_a_reference_has_a_kind_a_name_a_version_and_a_path(text, parts):
    found = Reference.parse(text)
    assert parts == (found.kind, found.name, found.at, found.path)
    assert f"{parts[0]}/{parts[1]}" == found.id


@pytest.mark.parametrize(
    "text", ["", "prompt", "prompt/", "/x", "x@1.0.0", "prompt/X", "prompt/x@", "prompt/x#", "prompt/x y", "prompt/x\n"]
)
def test_what_names_no_resource_is_answered_with_the_form(text):
    with pytest.raises(InputError, match=r"names no resource\n.*prompt/tool_calling@1\.0\.0"):
        Reference.parse(text)


def test_a_misspelt_kind_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="no kind 'promt'; did you mean prompt"):
        Reference.parse("promt/x")
