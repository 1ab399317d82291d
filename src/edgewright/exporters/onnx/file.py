"""What all graphs of one file share: the opset, names, constants, notes and problems."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx

from edgewright.errors import EdgewrightError, UnsupportedModel
from edgewright.exporters.onnx.layout import Perm, is_identity
from edgewright.graph import Array, DType, Value


class OlderOpset(UnsupportedModel):
    """The opset that the user asked for lacks something."""


ELEMENT_TYPES: dict[DType, int] = {
    DType.BOOL: onnx.TensorProto.BOOL,
    DType.INT8: onnx.TensorProto.INT8,
    DType.UINT8: onnx.TensorProto.UINT8,
    DType.INT16: onnx.TensorProto.INT16,
    DType.UINT16: onnx.TensorProto.UINT16,
    DType.INT32: onnx.TensorProto.INT32,
    DType.UINT32: onnx.TensorProto.UINT32,
    DType.INT64: onnx.TensorProto.INT64,
    DType.FLOAT16: onnx.TensorProto.FLOAT16,
    DType.BFLOAT16: onnx.TensorProto.BFLOAT16,
    DType.FLOAT32: onnx.TensorProto.FLOAT,
    DType.FLOAT64: onnx.TensorProto.DOUBLE,
    # 4-bit weights are stored a byte each, which every opset knows.
    DType.INT4: onnx.TensorProto.INT8,
    DType.UINT4: onnx.TensorProto.UINT8,
}


@dataclass
class File:
    """A file while it is written.

    Attributes:
        opset: of the operators.
        is_fixed: the user chose the opset.
        weights: how constants are stored (see `export`).
        needed: the oldest opset that has everything that was written.
        initializers: constants by name, in the order in which they were first needed.
        names: tensor of the file -> tensor of the source.
        layouts: tensor of the file -> permutation of the source's axes, where it is one.
        domains: operator sets beside ONNX's own, with their versions.
    """

    opset: int
    is_fixed: bool = False
    weights: str = "as_is"
    needed: int = 0
    initializers: dict[str, onnx.TensorProto] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    layouts: dict[str, Perm] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    problems: list[EdgewrightError] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)
    _numbers: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def unique(self, name: str) -> str:
        """`name`, or `name.1`, `name.2`, … where it is taken."""
        candidate, count = name or "value", 0
        while candidate in self._taken:
            count += 1
            candidate = f"{name}.{count}"
        self._taken.add(candidate)
        return candidate

    def reserve(self, name: str) -> None:
        """Keep a name for the interface."""
        self._taken.add(name)

    def note(self, text: str) -> None:
        """Say something to the user, once."""
        if text not in self.notes:
            self.notes.append(text)

    def needs(self, opset: int, why: str) -> None:
        """State the oldest opset that has what is written. Raises OlderOpset."""
        if self.is_fixed and opset > self.opset:
            raise OlderOpset(f"{why} needs opset {opset}, not {self.opset}",
                             help=f"choose --opset {opset} or newer")  # fmt: skip
        self.needed = max(self.needed, opset)

    def constant(self, name: str, array: Array, dtype: DType | None = None) -> str:
        """A new initializer; the name may get a suffix."""
        given = self.unique(name)
        held = np.ascontiguousarray(array).reshape(array.shape)
        tensor = onnx.TensorProto(name=given, dims=held.shape, raw_data=held.tobytes())
        tensor.data_type = ELEMENT_TYPES[dtype or DType.of(held.dtype)]
        self.initializers[given] = tensor
        return given

    def number(self, array: Array) -> str:
        """An initializer that has no name in the source: axes, shapes, bounds; shared."""
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self._numbers:
            self._numbers[key] = self.constant("const", array)
        return self._numbers[key]

    def record(self, tensor: str, value: Value, perm: Perm) -> None:
        """Remember which tensor of the source a tensor of the file is."""
        if value.source is None or value.is_constant:
            return
        before = value.source.perm or tuple(range(len(perm)))
        total = tuple(before[axis] for axis in perm)
        self.names[tensor] = value.source.tensor
        if not is_identity(total):
            self.layouts[tensor] = total
