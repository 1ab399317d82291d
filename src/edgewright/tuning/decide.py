"""From times to a choice: a way replaces the default only where it is faster beyond the noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

#: A share of the default's time that no difference may be smaller than. The same code, placed
#: elsewhere in memory, differs by as much.
LEAST_GAIN = 0.02
#: By how much a way has to win again in the net that it was chosen for.
LEAST_AGAIN = 0.01

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """Which way won: its index, and its time as a share of the default's."""

    index: int
    ratio: float


def ratios(times: Times) -> tuple[Times, Times]:
    """Each way against the first, in turns.

    Args:
        times: [ways, rounds]; the ways of one round were run one after another.

    Returns:
        The median of the rounds' ratios [ways], and half the distance of their quartiles [ways].
    """
    low, middle, high = np.percentile(times / times[:1], [25, 50, 75], axis=1)
    return middle, (high - low) / 2


def decide(times: Times) -> Decision:
    """The fastest way that is faster than the default by LEAST_GAIN and by its own spread.

    Args:
        times: [ways, rounds], the default first.
    """
    middle, spread = ratios(times)
    wins = middle < 1 - np.maximum(LEAST_GAIN, spread)
    index = int(np.argmin(np.where(wins, middle, 1.0))) if wins.any() else 0
    return Decision(index, float(middle[index]))


def wins_again(default: Times, chosen: Times) -> bool:
    """Whether a way is faster than the default in a second measurement, [rounds] each."""
    return float(np.median(chosen / default)) < 1 - LEAST_AGAIN
