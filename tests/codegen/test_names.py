"""Identifiers are short enough to be file names, and unique."""

import re

from hypothesis import given
from hypothesis import strategies as st

from edgewright.codegen.names import MAX_LENGTH, identifier, identifiers


@given(st.text(max_size=300))
def test_identifiers_are_c(name: str) -> None:
    made = identifier(name)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", made)
    assert len(made) <= MAX_LENGTH + 1  # a keyword gets a `_`
    assert identifier(made) == made


def test_long_names_stay_apart() -> None:
    """Converters name a fused tensor after all that went into it."""
    first, second = identifiers(["model/conv;" * 40 + "a", "model/conv;" * 40 + "b"])
    assert first != second
