"""One graph of a file while it is written: its nodes, and the tensors that stand for values.

A value may be held in several orders of axes, each in a tensor of its own. A rule asks for the
order that it needs; a transpose is written only when no tensor has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from edgewright.exporters.onnx.file import File
from edgewright.exporters.onnx.layout import (
    Perm,
    arranged,
    between,
    identity,
    moves,
)
from edgewright.graph import Array, DType, Quant, Size, Symbol, TensorType, Value
from edgewright.graph.dims import Quotient, Sum

#: bytes; smaller constants are not worth a conversion
LARGE_CONSTANT = 1024


class Writer:
    """Nodes of one graph. A region sees the tensors of the graphs around it."""

    def __init__(self, file: File, parent: Writer | None = None) -> None:
        self.file, self.parent = file, parent
        self.nodes: list[onnx.NodeProto] = []
        self.forms: dict[Value, dict[Perm, str]] = {}
        #: the names of the outputs, and the order of axes in which they leave
        self.results: dict[Value, tuple[str, Perm]] = {}
        #: flattened values whose elements lie in the order of a transposed operand: its shape, perm
        self.shuffles: dict[Value, tuple[tuple[int, ...], Perm]] = {}
        self._shuffled: dict[Value, str] = {}
        #: the tensor that each state is by now
        self.states: dict[str, str] = {} if parent is None else parent.states
        self.stem = ""
        self.sizes: dict[Symbol, tuple[Value, int]] = {} if parent is None else parent.sizes
        self._reals: dict[tuple[Value, Perm], str] = {}
        self._used: set[str] = set()
        self._fresh: dict[str, list[onnx.NodeProto]] = {}
        self._dims: dict[Size, str] = {}

    # -- nodes ------------------------------------------------------------------------------

    def emit(self, op: str, inputs: Sequence[str | None], **attrs: Any) -> str:
        """A node with one result, whose name `define` may still change."""
        (name,) = self.emit_many(op, inputs, [f"{self.stem}/{op}"], **attrs)
        return name

    def emit_many(
        self, op: str, inputs: Sequence[str | None], outputs: Sequence[str], **attrs: Any
    ) -> list[str]:
        """A node with any number of results, those without a name absent."""
        names = [self.file.unique(o) if o else "" for o in outputs]
        node = self.emit_named(op, inputs, names, **attrs)
        for name in filter(None, names):
            self._fresh[name] = [node]
        return names

    def emit_named(
        self, op: str, inputs: Sequence[str | None], outputs: Sequence[str], **attrs: Any
    ) -> onnx.NodeProto:
        """A node whose results have names that are theirs for good."""
        given = [i or "" for i in inputs]
        while given and not given[-1]:
            given.pop()
        domain = attrs.pop("domain", "")
        present = {k: v for k, v in attrs.items() if v is not None}
        node = helper.make_node(op, given, list(outputs), domain=domain, **present)
        node.name = next(o for o in outputs if o)
        for name in given:
            if name in self._fresh:
                self._fresh[name].append(node)
        self.nodes.append(node)
        return node

    def number(self, array: Any, dtype: DType | None = None) -> str:
        """A nameless constant."""
        return self.file.number(np.asarray(array, dtype.numpy if dtype else None))

    def integers(self, values: Sequence[int]) -> str:
        """A constant int64 list: axes, pads, repeats."""
        return self.number(list(values), DType.INT64)

    # -- values -----------------------------------------------------------------------------

    def define(self, value: Value, tensor: str, perm: Perm | None = None) -> None:
        """Let a tensor stand for a value; a tensor just made takes the value's name."""
        order = identity(value.type.rank) if perm is None else perm
        name = tensor
        if tensor in self._fresh:
            name = self._name(value, order)
            self._rename(tensor, name)
        self.forms.setdefault(value, {}).setdefault(order, name)
        self.file.record(name, value, order)

    def _name(self, value: Value, perm: Perm) -> str:
        name, order = self.results.get(value, ("", ()))
        if name and perm == order and name not in self._used:
            self._used.add(name)
            return name
        return self.file.unique(value.name)

    def _rename(self, old: str, new: str) -> None:
        """Give a tensor another name wherever it was used; what was made first comes first."""
        maker, *readers = self._fresh.pop(old)
        if maker.name == old:
            maker.name = new
        maker.output[:] = [new if o == old else o for o in maker.output]
        for node in readers:
            node.input[:] = [new if i == old else i for i in node.input]

    def orders(self, value: Value) -> dict[Perm, str]:
        """The orders of axes in which a value is held, here or in a graph around."""
        outer = self.parent.orders(value) if self.parent else {}
        return {**self.forms.get(value, {}), **outer}

    def held(self, value: Value) -> Perm:
        """The order in which a value was made; constants have none of their own."""
        return next(iter(self.orders(value)), identity(value.type.rank))

    def tensor(self, value: Value, perm: Perm | None = None) -> str:
        """The tensor of a value in an order of axes, made where there is none."""
        order = identity(value.type.rank) if perm is None else perm
        found = self.orders(value).get(order)
        if found is not None:
            return found
        if value.data is not None:
            made = self.stored(value, value.data.transpose(order), value.name)
        else:
            made = self._moved(value, order)
        self.forms.setdefault(value, {})[order] = made
        if value.data is None:
            self.file.record(made, value, order)
        return made

    def stored(self, value: Value, array: Array, name: str) -> str:
        """A constant with the numbers of a value, in whatever arrangement."""
        halved = self.file.weights == "float16" and array.nbytes >= LARGE_CONSTANT
        if halved and array.dtype == np.float32 and value.type.quant is None:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if np.isfinite(half).all():
                held = self.file.constant(f"{name}/float16", half)
                return self.emit("Cast", [held], to=int(onnx.TensorProto.FLOAT))
        return self.file.constant(name, array, value.type.dtype)

    def _moved(self, value: Value, wanted: Perm) -> str:
        """Another order of a value: a reshape where only unit axes move, else a transpose."""
        forms = self.orders(value)
        assert forms, f"{value} was not written"
        for held, tensor in forms.items():
            if not moves(arranged(value.type.shape, held), between(held, wanted)):
                return self.reshaped(tensor, arranged(value.type.shape, wanted))
        held, tensor = next(iter(forms.items()))
        made = self.emit("Transpose", [tensor], perm=list(between(held, wanted)))
        name = self._name(value, wanted)
        self._rename(made, name)
        return name

    # -- quantisation -----------------------------------------------------------------------

    def real(self, value: Value, perm: Perm | None = None) -> str:
        """The real numbers that a value stands for: itself, or behind a DequantizeLinear."""
        if value.type.quant is None:
            return self.tensor(value, perm)
        order = identity(value.type.rank) if perm is None else perm
        found = self._real(value, order)
        if found is None:
            found = self.dequantized(self.tensor(value, order), value.type, order, value.name)
            self._reals[value, order] = found
        return found

    def _real(self, value: Value, perm: Perm) -> str | None:
        found = self._reals.get((value, perm))
        return self.parent._real(value, perm) if found is None and self.parent else found

    def dequantized(self, tensor: str, type: TensorType, perm: Perm, name: str) -> str:
        """(q - zero) * scale of a tensor whose quantisation is that of `type`, transposed."""
        assert type.quant is not None
        axis = None if type.quant.axis is None else perm.index(type.quant.axis)
        self.needs_16_bits(type.dtype)
        operands = [tensor, *self.scale_and_zero(type.quant, type.dtype, name)]
        return self.emit("DequantizeLinear", operands, axis=axis)

    def quantized(self, tensor: str, type: TensorType, name: str) -> str:
        """round(x / scale) + zero."""
        assert type.quant is not None
        self.needs_16_bits(type.dtype)
        return self.emit("QuantizeLinear", [tensor, *self.scale_and_zero(type.quant, type.dtype,
                                                                         name)])  # fmt: skip

    def needs_16_bits(self, dtype: DType) -> None:
        """16-bit quantisation came late."""
        if dtype in (DType.INT16, DType.UINT16):
            self.file.needs(21, "16-bit quantisation")

    def scale_and_zero(self, quant: Quant, dtype: DType, name: str) -> list[str | None]:
        """The operands of QuantizeLinear and DequantizeLinear; int32 has no zero point."""
        one = quant.axis is None
        scale, zero = np.array(quant.scale, np.float32), np.array(quant.zero, dtype.numpy)
        held = self.file.constant(f"{name}/scale", scale.reshape(()) if one else scale)
        if dtype is DType.INT32 and not any(quant.zero):
            return [held, None]
        return [
            held,
            self.file.constant(f"{name}/zero_point", zero.reshape(()) if one else zero, dtype),
        ]

    def state(self, name: str) -> str:
        """The tensor that a state is by now."""
        return self.states[name]

    def write_state(self, name: str, tensor: str) -> None:
        """Let a tensor be what a state is from here on."""
        self.states[name] = tensor

    def shuffle(self, value: Value, tensor: str, shape: tuple[int, ...], perm: Perm) -> None:
        """Let a tensor stand for a flattened value [N,K], its columns in another order."""
        name = self.file.unique(value.name)
        self._rename(tensor, name)
        self.shuffles[value], self._shuffled[value] = (shape, perm), name

    def shuffled(self, value: Value) -> str:
        """The real numbers of a value that `shuffle` made."""
        tensor = self._shuffled[value]
        if value.type.quant is None:
            return tensor
        return self.dequantized(tensor, value.type, (0, 1), value.name)

    # -- sizes ------------------------------------------------------------------------------

    def reshaped(self, tensor: str, shape: Sequence[Size]) -> str:
        """A reshape to sizes, of which one that is chosen at run time is left to ONNX."""
        unknown = [i for i, size in enumerate(shape) if not isinstance(size, int)]
        if len(unknown) == 1 and 0 not in shape:
            return self.emit(
                "Reshape",
                [tensor, self.integers([s if isinstance(s, int) else -1 for s in shape])],
            )
        return self.emit("Reshape", [tensor, self.shape(shape)])

    def shape(self, sizes: Sequence[Size]) -> str:
        """An int64 list of sizes, computed from the shapes of the inputs where need be."""
        if all(isinstance(size, int) for size in sizes):
            return self.integers([int(str(s)) for s in sizes])
        parts = [self.emit("Unsqueeze", [self._size(s), self.integers([0])])
                 if not isinstance(s, int) else self.integers([s]) for s in sizes]  # fmt: skip
        return self.emit("Concat", parts, axis=0) if len(parts) > 1 else parts[0]

    def _size(self, size: Size) -> str:
        """One size as an int64 number."""
        if isinstance(size, int):
            return self.number(size, DType.INT64)
        if size not in self._dims:
            self._dims[size] = self._computed(size)
        return self._dims[size]

    def _computed(self, size: Size) -> str:
        if isinstance(size, Symbol):
            value, axis = self.sizes[size]
            shape = self.emit("Shape", [self.tensor(value)])
            return self.emit("Gather", [shape, self.number(axis, DType.INT64)], axis=0)
        if isinstance(size, Quotient):
            parts = [self._size(size.numerator), self._size(size.denominator)]
            return self.emit("Div", parts)
        assert isinstance(size, Sum)
        total = self._size(size.constant) if size.constant else None
        for atoms, coefficient in size.terms:
            term = self._size(atoms[0])
            for atom in atoms[1:]:
                term = self.emit("Mul", [term, self._size(atom)])
            if coefficient != 1:
                term = self.emit("Mul", [term, self._size(coefficient)])
            total = term if total is None else self.emit("Add", [total, term])
        assert total is not None
        return total
