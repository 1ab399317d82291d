"""Constants that are stored in fewer bits than they are computed with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgewright.graph import DType, TensorType

Array = npt.NDArray[np.generic]
Float32 = npt.NDArray[np.float32]

#: what float32 numbers may be stored as
HALVES = (DType.FLOAT16, DType.BFLOAT16)


def is_half(type: TensorType | None) -> bool:
    """Whether a tensor is stored in 16-bit floats."""
    return type is not None and type.dtype in HALVES


def narrowed(array: Array, dtype: DType) -> Array:
    """float32 numbers as float16, or as bfloat16 in uint16: the nearest, halves to even.

    What is too large becomes infinity.
    """
    values = np.asarray(array, np.float32)
    if dtype is DType.FLOAT16:
        with np.errstate(over="ignore"):
            return values.astype(np.float16)
    bits = values.view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.where(np.isnan(values), (bits >> 16) | 0x40, rounded).astype(np.uint16)


def widened(array: Array, dtype: DType) -> Float32:
    """16-bit floats as float32, exactly; float32 comes back as it is."""
    if dtype is DType.BFLOAT16:
        return (np.asarray(array, np.uint32) << 16).view(np.float32)
    return np.asarray(array, np.float32)
