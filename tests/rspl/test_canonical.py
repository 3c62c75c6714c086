"""Canonical JSON, digests over it, and seeds derived from it."""

import json
import math
import os
import subprocess
import sys
from collections import OrderedDict
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogenesis_core import InvalidRecord, canonical, derive, digest
from autogenesis_core.identity import derive_each

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


def reordered(value):
    """The same value with the keys of its mappings in the opposite order, and tuples in place of lists."""
    if isinstance(value, dict):
        return {key: reordered(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        return tuple(reordered(item) for item in value)
    return value


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_canonical_json_reads_back_to_the_same_value(value):
    assert value == json.loads(canonical(value))


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_the_order_of_keys_and_the_kind_of_sequence_do_not_matter(value):
    assert canonical(value) == canonical(reordered(value))
    assert digest(value) == digest(reordered(value))


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_what_was_canonical_once_stays_so(value):
    assert canonical(value) == canonical(json.loads(canonical(value)))


def test_canonical_json_is_sorted_dense_and_not_escaped():
    assert canonical({"b": "ü\n", "a": [1, 2.5, None, True]}) == '{"a":[1,2.5,null,true],"b":"ü\\n"}'


@pytest.mark.parametrize("mapping", [OrderedDict(a=1), MappingProxyType({"a": 1})])
def test_any_mapping_is_an_object(mapping):
    assert canonical(mapping) == '{"a":1}'


def test_true_is_not_one():
    assert digest(True) != digest(1)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        [1, {"a": math.nan}],
        {1: "a number as a key"},
        {"a": {None: 1}},
        {True: 1},
        b"bytes",
        {"a", "set"},
        object(),
        "a lone surrogate \ud800",
        {"\udfff": 1},
        1 + 2j,
    ],
    ids=lambda value: type(value).__name__,  # a repr may differ between the processes of one run
)
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(InvalidRecord, match="no JSON"):
        canonical(value)


def test_a_value_that_contains_itself_is_refused():
    value: list[object] = []
    value.append(value)
    with pytest.raises(InvalidRecord, match="no JSON"):
        canonical(value)


def test_a_digest_is_the_sha_256_of_the_utf_8_of_the_canonical_form():
    # Computed with sha256sum: stored digests must outlive this code.
    assert digest({"ü": 1}) == "963b1a04dfa30efb70b1b50a4b7a4cb3d7908564106760f28ee3f05a7c082a88"
    assert digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


def test_digests_and_seeds_are_the_same_in_another_process():
    code = "from autogenesis_core import derive, digest; print(digest({'b': [1], 'a': 'ü'}), derive(7, 'val', 'x'))"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        assert f"{digest({'a': 'ü', 'b': [1]})} {derive(7, 'val', 'x')}" == done.stdout.strip()


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS | st.integers(), max_size=4), st.lists(TEXTS | st.integers(), max_size=4))
def test_a_seed_is_a_function_of_its_parts_alone(first, second):
    assert 0 <= derive(*first) < 2**63
    same = [str(part) for part in first] == [str(part) for part in second]
    assert same == (derive(*first) == derive(*second))


def test_parts_of_a_seed_do_not_run_together():
    assert derive("ab", "c") != derive("a", "bc")


@given(st.lists(st.one_of(TEXTS, st.integers()), min_size=1), st.lists(TEXTS))
def test_seeds_of_many_are_those_of_each(parts, last):
    assert derive_each(parts, last) == [derive(*parts, item) for item in last]
