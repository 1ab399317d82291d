"""Medians, quartiles, and what counts as noise."""

import pytest

from edgewright.bench.statistics import Timing, summarize


def test_median_and_half_the_distance_of_the_quartiles() -> None:
    found = summarize([1.0, 2.0, 3.0, 4.0, 100.0])
    assert (found.median, found.spread, found.best, found.count) == (3.0, 1.0, 1.0, 5)


@pytest.mark.parametrize(("other", "differs"), [(11.0, False), (13.5, True), (6.5, True)])
def test_medians_within_the_spreads_are_noise(other: float, differs: bool) -> None:
    one = Timing(median=10.0, spread=1.0, best=9.0, count=50)
    assert one.differs_from(Timing(other, 2.0, other - 2, 50)) is differs
