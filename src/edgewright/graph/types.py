"""Element types, quantisation and tensor types."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgewright.graph.dims import Size, evaluate, product, upper


class DType(enum.Enum):
    """An element type; the value is its name in the text form."""

    BOOL = "bool"
    INT4 = "int4"
    UINT4 = "uint4"
    INT8 = "int8"
    UINT8 = "uint8"
    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"

    @property
    def bits(self) -> int:
        """Bits that one element takes in memory."""
        return 8 if self is DType.BOOL else int("".join(c for c in self.value if c.isdigit()))

    @property
    def numpy(self) -> np.dtype[Any]:
        """The NumPy dtype that holds it; 4-bit values sit in bytes, bfloat16 in uint16."""
        held = {"int4": "int8", "uint4": "uint8", "bfloat16": "uint16"}.get(self.value, self.value)
        return np.dtype(held)

    @property
    def itemsize(self) -> int:
        """Bytes of one element in a C array."""
        return max(1, self.bits // 8)

    @property
    def c(self) -> str:
        """Its C type."""
        plain = {"bool": "uint8_t", "float32": "float", "float64": "double"}
        held = {"int4": "int8_t", "uint4": "uint8_t", "float16": "uint16_t", "bfloat16": "uint16_t"}
        return {**plain, **held}.get(self.value, f"{self.value}_t")

    @property
    def is_float(self) -> bool:
        """Whether it is a floating-point type."""
        return "float" in self.value

    @property
    def is_integer(self) -> bool:
        """Whether it is a signed or unsigned integer type (not bool)."""
        return "int" in self.value

    @classmethod
    def of(cls, dtype: np.dtype[Any] | type) -> DType:
        """The element type of a NumPy dtype. Raises ValueError for strings, objects, …"""
        return cls(np.dtype(dtype).name)


@dataclass(frozen=True)
class Quant:
    """real = scale * (stored - zero); one entry, or one per index along `axis`.

    `scale` entries are exact float32 values. `block` is the length of a block along the last axis
    for block-wise weights.
    """

    scale: tuple[float, ...]
    zero: tuple[int, ...]
    axis: int | None = None
    block: int | None = None

    def __post_init__(self) -> None:
        if len(self.scale) != len(self.zero) or not self.scale:
            raise ValueError(f"{len(self.scale)} scales for {len(self.zero)} zero points")
        if self.axis is None and len(self.scale) != 1:
            raise ValueError("several scales need an axis")

    @classmethod
    def per_tensor(cls, scale: float, zero: int = 0) -> Quant:
        """One scale (rounded to float32) and one zero point."""
        return cls((float(np.float32(scale)),), (int(zero),))


@dataclass(frozen=True)
class TensorType:
    """dtype, shape (ints or `Dim`s) and, for quantised tensors, what the integers mean."""

    dtype: DType
    shape: tuple[Size, ...]
    quant: Quant | None = None

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def count(self) -> Size:
        """Number of elements."""
        return product(self.shape)

    @property
    def max_bytes(self) -> int:
        """Bytes at the largest value of every run-time dim."""
        return upper(self.count) * self.dtype.itemsize

    @property
    def is_static(self) -> bool:
        """Whether every size is a plain number."""
        return all(isinstance(d, int) for d in self.shape)

    @property
    def dims(self) -> tuple[int, ...]:
        """The shape when it is static. Raises TypeError otherwise."""
        if not self.is_static:
            raise TypeError(f"{self} has run-time sizes")
        return tuple(d for d in self.shape if isinstance(d, int))

    def at(self, env: Mapping[str, int]) -> tuple[int, ...]:
        """The shape once the run-time dims have values."""
        return tuple(evaluate(d, env) for d in self.shape)

    def with_shape(self, *shape: Size) -> TensorType:
        """The same type with another shape."""
        return replace(self, shape=tuple(shape))

    def with_quant(self, quant: Quant | None) -> TensorType:
        """The same type with another quantisation."""
        return replace(self, quant=quant)

    def __str__(self) -> str:
        from edgewright.graph.text import type_text

        return type_text(self)
