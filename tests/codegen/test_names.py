"""Tensor names become C identifiers by one rule: valid, unique, stable."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.codegen.names import MAX_LENGTH, identifier, identifiers, is_reserved


def test_examples() -> None:
    assert identifier("serving_default_x:0") == "serving_default_x_0"
    assert identifier("1/y") == "t1_y"
    assert identifier("while") == "while_"
    assert identifier("") == "t"
    assert identifier("ärger") == "rger"


@given(st.lists(st.text(max_size=80), max_size=8))
def test_identifiers_are_valid_and_unique(names: list[str]) -> None:
    found = identifiers(names)
    assert len(found) == len(names)
    assert len({f.upper() for f in found}) == len(names)
    for name in found:
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert not is_reserved(name)
        assert len(name) <= MAX_LENGTH + 8
    assert found == identifiers(names)


def test_repeated_names_are_numbered() -> None:
    assert identifiers(["x", "x", "X"]) == ["x", "x_2", "X_3"]
    assert identifiers(["x"], reserved=["X"]) == ["x_2"]


@pytest.mark.parametrize("name", ["ew", "EW", "ew_conv", "ew:0"])
def test_our_own_prefix_is_ours(name: str) -> None:
    assert not is_reserved(identifier(name))
