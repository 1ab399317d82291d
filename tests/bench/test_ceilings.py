"""The roofline: bounds follow from ceilings, and the measured ones are those of a real machine."""

import pytest

from edgewright import targets
from edgewright.bench.ceilings import Ceilings, measure


def test_the_slower_of_arithmetic_and_memory_bounds() -> None:
    limits = Ceilings(float32=100e9, int8=400e9, bytes=10e9)
    assert limits.bound_us(50_000_000, 0, is_int8=False) == pytest.approx(1000)
    assert limits.bound_us(50_000_000, 0, is_int8=True) == pytest.approx(250)
    assert limits.bound_us(1, 10_000_000, is_int8=False) == pytest.approx(1000)


def test_measured_once_and_not_optimised_away() -> None:
    level = targets.levels_here(targets.get("host"))[-1].name
    limits = measure(level)
    assert 1e8 < limits.float32 < 1e12  # one core: a folded loop would be far above
    assert limits.float32 / 4 < limits.int8 < limits.float32 * 10
    assert 1e8 < limits.bytes < 1e12
    assert measure(level) == limits
