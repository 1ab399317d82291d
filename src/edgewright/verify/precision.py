"""What fewer bits cost: a model's outputs against those of the same model in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgewright import numerics
from edgewright.verify.compare import compare

Array = npt.NDArray[np.generic]
Outputs = Mapping[str, Array]


@dataclass(frozen=True)
class Cost:
    """The error of one output over all samples, as a share of its range.

    `same_top` is the share of rows whose largest entry stayed where it was; None for outputs that
    are not [rows, classes].
    """

    output: str
    rms_error: float
    max_error: float
    same_top: float | None


def costs(actual: Sequence[Outputs], wanted: Sequence[Outputs]) -> list[Cost]:
    """Costs by output; integers count in their own units."""
    found = []
    for difference in compare(actual, wanted):
        name = difference.output
        pairs = [(a[name], w[name]) for a, w in zip(actual, wanted, strict=True)]
        found.append(_cost(name, difference.error, pairs))
    return found


def _cost(output: str, largest: float, pairs: Sequence[tuple[Array, Array]]) -> Cost:
    errors = np.concatenate([np.subtract(a, w, dtype=np.float64).ravel() for a, w in pairs])
    size = float(np.abs(errors).max(initial=0.0))
    scale = largest / size if size > 0 else 0.0
    mean = float(numerics.sum(errors * errors)) / max(errors.size, 1)
    return Cost(output, float(np.sqrt(mean)) * scale, largest, _same_top(pairs))


def _same_top(pairs: Sequence[tuple[Array, Array]]) -> float | None:
    """Share of rows with the same largest entry."""
    if any(w.ndim != 2 or w.shape[1] < 2 or w.dtype.kind != "f" for _, w in pairs):
        return None
    same = [a.argmax(axis=1) == w.argmax(axis=1) for a, w in pairs]
    return float(np.mean(np.concatenate(same)))
