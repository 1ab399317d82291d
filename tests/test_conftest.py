"""The golden fixture fails on a difference and on a missing file."""

from collections.abc import Callable

import pytest


def test_golden_text_is_compared(
    golden: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    golden("two\nlines\n")
    if request.config.getoption("--update-golden"):
        pytest.skip("it would be rewritten")
    with pytest.raises(AssertionError, match="differs from"):
        golden("two\nother lines\n")


def test_a_missing_golden_file_fails(
    golden: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--update-golden"):
        pytest.skip("it would be written")
    with pytest.raises(AssertionError, match="is missing"):
        golden("anything", suffix=".never")
