"""How far two answers are apart, per output."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Outputs = Mapping[str, Array]
_FLOOR = 1e-6


@dataclass(frozen=True)
class Difference:
    """One output over all samples.

    `error` is relative to the output's range for floats (max - min of the expected values over all
    samples, at least a tenth of the largest magnitude), and in units of the last place for
    integers; `mismatches` counts elements that are not the same bits.
    """

    output: str
    exact: bool
    error: float
    mismatches: int
    elements: int
    is_float: bool


def compare(actual: Sequence[Outputs], expected: Sequence[Outputs]) -> list[Difference]:
    """Differences by output. Shapes must agree; outputs of the same position correspond."""
    names = list(expected[0]) if expected else []
    return [
        _difference(name, [a[name] for a in actual], [e[name] for e in expected]) for name in names
    ]


def _difference(name: str, actual: Sequence[Array], expected: Sequence[Array]) -> Difference:
    for got, want in zip(actual, expected, strict=True):
        if got.shape != want.shape:
            return Difference(name, False, np.inf, want.size, want.size, want.dtype.kind == "f")
    got = np.concatenate([a.ravel() for a in actual])
    want = np.concatenate([e.ravel() for e in expected])
    different = _different(got, want)
    is_float = want.dtype.kind == "f"
    error = 0.0
    if different.any():
        error = _relative(got, want) if is_float else _steps(got, want)
    count = int(different.sum())
    return Difference(name, not count, error, count, int(want.size), is_float)


def _different(got: Array, want: Array) -> npt.NDArray[np.bool_]:
    if want.dtype.kind != "f":
        return np.asarray(got != want)
    return np.asarray((got != want) & ~(np.isnan(got) & np.isnan(want)))


def _steps(got: Array, want: Array) -> float:
    return float(np.abs(got.astype(np.float64) - want.astype(np.float64)).max())


def _relative(got: Array, want: Array) -> float:
    finite = np.isfinite(want)
    if (finite != np.isfinite(got)).any() or _different(got[~finite], want[~finite]).any():
        return np.inf
    if not finite.any():
        return 0.0
    real = want[finite].astype(np.float64)
    span = max(real.max() - real.min(), 0.1 * np.abs(real).max(), _FLOOR)
    return float(np.abs(got[finite].astype(np.float64) - real).max() / span)


def worst(differences: Iterable[Difference]) -> float:
    """The largest error; 0 when there is nothing to compare."""
    return max((d.error for d in differences), default=0.0)


def crc32(outputs: Iterable[Outputs]) -> str:
    """CRC32 over all outputs in order, as `main.c` prints it."""
    value = 0
    for sample in outputs:
        for array in sample.values():
            value = zlib.crc32(np.ascontiguousarray(array).tobytes(), value)
    return f"{value:08x}"
