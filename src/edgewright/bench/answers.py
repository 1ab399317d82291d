"""Whether two runtimes that are timed compute the same thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def difference(ours: Path, theirs: Path) -> float:
    """The largest difference between the sorted values of two runtimes' results, over the range.

    Sorting makes it independent of the layout and of the order of the outputs: it is there to
    catch a runtime that computes something else, not to state an accuracy.
    """
    first, second = _values(ours), _values(theirs)
    if first.size != second.size:
        return float("inf")
    spread = float(first.max() - first.min()) or 1.0
    return float(np.abs(first - second).max()) / spread


def _values(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    with np.load(path) as file:
        parts = [file[k].astype(np.float64).reshape(-1) for k in file.files]
    return np.sort(np.concatenate(parts))
