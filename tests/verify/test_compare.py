"""Differences: floats relative to the range, integers in steps, and no NaN slips through."""

from typing import Any

import numpy as np
import pytest

from edgewright.verify.compare import compare, worst


def error(got: Any, want: Any, dtype: type[np.generic] = np.float32) -> float:
    """The largest error of one output."""
    return worst(compare([{"y": np.array(got, dtype)}], [{"y": np.array(want, dtype)}]))


def test_floats_are_relative_to_the_range() -> None:
    assert error([0, 4.5, 10], [0, 5, 10]) == pytest.approx(0.05)


def test_integers_are_steps() -> None:
    assert error([1, 7], [1, 9], np.int8) == 2


@pytest.mark.parametrize(
    ("got", "want"),
    [(np.nan, 1), (1, np.nan), (np.inf, np.nan), (np.nan, np.inf), (-np.inf, np.inf)],
)
def test_what_is_not_finite_must_be_the_same(got: float, want: float) -> None:
    assert error([got, 2], [want, 2]) == np.inf
    assert error([got, 2], [got, 2]) == 0


def test_another_shape_is_no_answer() -> None:
    assert error([1, 2], [[1, 2]]) == np.inf
