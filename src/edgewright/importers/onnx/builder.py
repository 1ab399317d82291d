"""Adds IR nodes, folding what is known while importing: small constants and symbolic sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import (
    Array,
    DType,
    Graph,
    Location,
    Node,
    Quant,
    Size,
    Source,
    TensorType,
    Value,
    upper,
)
from edgewright.importers.onnx import known

#: Constants whose folding would grow them beyond this stay for a pass, which has its own bounds.
FOLD_BYTES: Final = 1 << 16
#: Their operands keep their quantisation, so that a pass can fuse them into integer operators.
NEVER_FOLDED: Final = frozenset(
    {"quantize", "dequantize", "dequantize_blocks", "read_state", "write_state"}
)
#: Operators that move elements without looking at them.
MOVEMENT: Final = frozenset(
    {"cast", "concat", "expand", "gather", "gather_nd", "reshape", "slice", "split", "tile",
     "transpose", "if", "loop", "scan", "shape"}
)  # fmt: skip


class Builder:
    """Appends to one graph; the table of known integer tensors is shared with its regions."""

    def __init__(self, graph: Graph, sizes: dict[Value, Array] | None = None) -> None:
        self.graph = graph
        self.sizes = {} if sizes is None else sizes

    def region(self, name: str) -> Builder:
        """A builder for a region of this graph."""
        return Builder(Graph(name, parent=self.graph), self.sizes)

    def add(
        self,
        op: str,
        inputs: Sequence[Value | None],
        *,
        attrs: dict[str, Any],
        name: str,
        origin: Location,
        regions: Sequence[Graph] = (),
        types: Sequence[TensorType] | None = None,
    ) -> list[Value]:
        """Append a node and return its results, which are constants where that is cheap.

        Raises InvalidGraph when the operands do not fit.
        """
        _refuse_bfloat16(op, inputs)
        node = Node(op, list(inputs), [], attrs, list(regions), origin)
        held = list(types) if types is not None else ops.infer(node)
        if any(upper(size) < 0 for t in held for size in t.shape):
            raise InvalidGraph(f"{op} would make {', '.join(map(str, held))}")
        node.outputs = [Value("", t) for t in held]
        folded = self._fold(node, name)
        if folded is not None:
            return folded
        for value in node.outputs:
            value.name = self.graph.unique(name)
        self.graph.insert(node)
        for value, sizes in zip(node.outputs, known.evaluate(node, self.sizes) or [], strict=False):
            self.sizes[value] = sizes
        return node.outputs

    def constant(self, name: str, array: Array, type: TensorType | None = None) -> Value:
        """A constant of this graph."""
        return self.graph.constant(name, array, type)

    def known_sizes(self, value: Value) -> Array | None:
        """The elements of an integer tensor as ints and `Dim`s where they are known."""
        if value.data is not None:
            return value.data.astype(object) if value.type.dtype.is_integer else None
        return self.sizes.get(value)

    def set_known(self, value: Value, sizes: Sequence[Size]) -> None:
        """Record the elements of a one-dimensional integer tensor."""
        held = np.empty(len(sizes), object)
        held[:] = sizes
        self.sizes[value] = held

    def _fold(self, node: Node, name: str) -> list[Value] | None:
        """The results as constants, or None when they are not known or would be large."""
        if node.op in NEVER_FOLDED or node.regions or not node.arguments:
            return None
        symbolic = known.evaluate(node, self.sizes)
        if symbolic is not None and all(known.is_plain(a) for a in symbolic):
            return self._constants(node, name, symbolic)
        if not all(v.is_constant for v in node.arguments) or not _is_small(node):
            return None
        call = ops.Call(
            [v.type if v else None for v in node.inputs], [v.type for v in node.outputs]
        )
        arrays = [None if v is None else v.data for v in node.inputs]
        return self._constants(node, name, ops.evaluate_node(node, arrays, call))

    def _constants(self, node: Node, name: str, arrays: Sequence[Array]) -> list[Value]:
        made = []
        for value, array in zip(node.outputs, arrays, strict=True):
            held = np.ascontiguousarray(array.astype(value.type.dtype.numpy)).reshape(array.shape)
            made.append(self.constant(name, held, value.type))
        return made


def _refuse_bfloat16(op: str, inputs: Sequence[Value | None]) -> None:
    """Refuse arithmetic on bfloat16: it is a storage format here."""
    stored = any(v is not None and v.type.dtype is DType.BFLOAT16 for v in inputs)
    if stored and op not in MOVEMENT:
        raise InvalidGraph(f"{op} of bfloat16, which can only be stored, moved and cast")


def _is_small(node: Node) -> bool:
    if not all(v.type.is_static for v in node.outputs):
        return False
    given = sum(v.type.max_bytes for v in node.arguments)
    return sum(v.type.max_bytes for v in node.outputs) <= max(FOLD_BYTES, given)


def permuted(quant: Quant | None, perm: Sequence[int]) -> Quant | None:
    """The quantisation of a tensor whose axes are reordered."""
    if quant is None or quant.axis is None:
        return quant
    return Quant(quant.scale, quant.zero, list(perm).index(quant.axis), quant.block)


def composed(source: Source | None, perm: Sequence[int]) -> Source | None:
    """The source of a transposition of a value that has a source."""
    if source is None:
        return None
    before = source.perm or tuple(range(len(perm)))
    total = tuple(before[p] for p in perm)
    return Source(source.tensor, () if total == tuple(range(len(perm))) else total)
