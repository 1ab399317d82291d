"""A way replaces the default only where it is faster beyond the noise."""

import numpy as np
import pytest

from edgewright.tuning.decide import decide, wins_again

ROUNDS = 15


def times(*means: float, noise: float = 0.0) -> np.ndarray:
    """[ways, rounds] in microseconds: all but the default go up and down by `noise`."""
    factors = 1 + noise * np.resize([-1.0, 0.0, 1.0], (len(means), ROUNDS))
    factors[0] = 1
    return np.array(means)[:, None] * factors


@pytest.mark.parametrize(
    ("means", "noise", "index"),
    [
        ((100, 90, 95), 0.0, 1),
        ((100, 99, 98.5), 0.0, 0),  # less than two per cent
        ((100, 95, 94), 0.2, 0),  # the spread is larger
        ((100, 60, 94), 0.05, 1),
        ((100, 110), 0.0, 0),
        ((100,), 0.0, 0),
    ],
)
def test_the_fastest_beyond_the_noise(means: tuple[float, ...], noise: float, index: int) -> None:
    found = decide(times(*means, noise=noise))
    assert found.index == index
    assert found.ratio == pytest.approx(means[index] / means[0], rel=0.1)


def test_a_slow_round_slows_both() -> None:
    """Ways are compared within a round: what disturbs a whole one disturbs no ratio."""
    taken = times(100, 90)
    taken[:, ::3] *= 4
    assert decide(taken).index == 1


def test_what_won_by_luck_does_not_win_again() -> None:
    default, better, same = times(100, 97, 99.5)
    assert wins_again(default, better)
    assert not wins_again(default, same)
