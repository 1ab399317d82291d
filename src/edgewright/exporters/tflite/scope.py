"""What the nodes of one graph share while they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from edgewright.exporters.tflite.records import File, Operator, Subgraph, Tensor
from edgewright.graph import Array, DType, Graph, Module, Node, Quant, Size, TensorType, Value

Weights = Literal["as_is", "float16", "dynamic_range"]
#: constants with fewer elements are not worth an operator that decodes them
FEWEST_FLOAT16 = 64
FEWEST_INT8 = 1024
_HIGHEST_INT8 = 127
_HIGHEST_FLOAT16 = 65504.0


@dataclass
class Scope:
    """One graph on its way into one subgraph.

    Attributes:
        values: which tensor a value is.
        dropped: nodes that need no operator: transposes of the interface.
        sequences: LSTM nodes that keep their state, with the names of h and c.
        handles: the handles of resource variables by state.
        layouts: which values of the interface were turned, and how.
        sizes: run-time sizes that operators have computed, int32 [1].
        notes: what the user should know.
    """

    module: Module
    graph: Graph
    file: File
    subgraph: Subgraph
    weights: Weights
    notes: list[str]
    values: dict[Value, Tensor] = field(default_factory=dict)
    dropped: set[Node] = field(default_factory=set)
    sequences: dict[Node, tuple[str, str]] = field(default_factory=dict)
    layouts: dict[Tensor, tuple[Value, tuple[int, ...]]] = field(default_factory=dict)
    handles: dict[str, Tensor] = field(default_factory=dict)
    sizes: dict[Size, Tensor] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)
    _constants: dict[tuple[str, tuple[int, ...], bytes], Tensor] = field(default_factory=dict)

    def unique(self, name: str) -> str:
        """The name, or one with a number behind it where it is taken."""
        candidate, count = name, 0
        while candidate in self._names:
            count += 1
            candidate = f"{name}.{count}"
        self._names.add(candidate)
        return candidate

    def add(self, name: str, type: TensorType, data: Array | None = None) -> Tensor:
        """A new tensor of the subgraph."""
        tensor = Tensor(self.unique(name), type, data)
        self.subgraph.tensors.append(tensor)
        return tensor

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def tensor(self, value: Value) -> Tensor:
        """The tensor of a value; constants are made when first read."""
        if value not in self.values:
            if value.data is None:
                self.values[value] = self.add(value.name, value.type)
            else:
                self.values[value] = self.constant(value.name, value.data, value.type.quant)
        return self.values[value]

    def constant(self, name: str, data: Array, quant: Quant | None = None) -> Tensor:
        """A constant; large float32 ones are decoded from float16 where the user wants that."""
        type = TensorType(DType.of(data.dtype), data.shape, quant)
        if self.weights == "float16" and self._fits_float16(name, data):
            return self._decoded(name, data)
        return self.add(name, type, data)

    def shared(self, name: str, data: Array) -> Tensor:
        """A small constant of our own making, such as axes: one for all who need it."""
        key = (data.dtype.str, data.shape, data.tobytes())
        if key not in self._constants:
            self._constants[key] = self.add(
                name, TensorType(DType.of(data.dtype), data.shape), data
            )
        return self._constants[key]

    def _fits_float16(self, name: str, data: Array) -> bool:
        if data.dtype != np.float32 or data.size < FEWEST_FLOAT16:
            return False
        fits = bool(np.all(np.abs(data) <= _HIGHEST_FLOAT16))
        if not fits:
            self.note(f"constant '{name}' stays in float32: it has values beyond float16")
        return fits

    def _decoded(self, name: str, data: Array) -> Tensor:
        half = data.astype(np.float16)
        stored = self.add(f"{name}/float16", TensorType(DType.FLOAT16, data.shape), half)
        tensor = self.add(name, TensorType(DType.FLOAT32, data.shape))
        self.subgraph.operators.append(Operator("DEQUANTIZE", [stored], [tensor], {}))
        return tensor

    def weight(self, name: str, data: Array, quant: Quant | None, axis: int | None) -> Tensor:
        """The weight of a linear operator, in int8 with scales along `axis` if the user wants."""
        wanted = self.weights == "dynamic_range" and data.dtype == np.float32
        if not wanted or data.size < FEWEST_INT8:
            return self.constant(name, data, quant)
        stored, held = quantized(data, axis)
        return self.add(name, TensorType(DType.INT8, data.shape, held), stored)


def quantized(data: Array, axis: int | None) -> tuple[Array, Quant]:
    """float32 weights as int8: symmetric, -127 to 127, one scale per index along `axis` or one."""
    others = tuple(a for a in range(data.ndim) if a != axis)
    largest = np.abs(data).max(axis=None if axis is None else others, keepdims=True)
    scale = (largest / np.float32(_HIGHEST_INT8)).astype(np.float32)
    scale = np.where(scale > 0, scale, np.float32(1)).astype(np.float32)
    stored = np.clip(np.rint(data / scale), -_HIGHEST_INT8, _HIGHEST_INT8).astype(np.int8)
    scales = tuple(float(s) for s in scale.ravel())
    return stored, Quant(scales, (0,) * len(scales), axis if len(scales) > 1 else None)
