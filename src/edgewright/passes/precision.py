"""Weights in fewer bits, where the user asks for it: an option, not one of the rewrites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewright.errors import InvalidOption
from edgewright.graph import DType, Graph, Module, Node, TensorType, Value, upper
from edgewright.graph.text import values_of
from edgewright.ops import block_scales, storage
from edgewright.passes.editing import become, insert
from edgewright.passes.stored import StoredRows

#: what `--precision` takes, and how weights are stored then; `bfloat16-math` rounds the activations
#: of large products, too
PRECISIONS = {
    "float32": DType.FLOAT32,
    "float16": DType.FLOAT16,
    "bfloat16": DType.BFLOAT16,
    "bfloat16-math": DType.BFLOAT16,
}
#: what `--weights` takes, and for how many numbers there is a scale; 0: for each output channel.
#: 4 bits are too few for a whole channel, whose largest weight would leave most others at 0.
INTEGERS = {"int8": 0, "int4": 32}


#: the least numbers of channels and of rows where products of bfloat16 pay for rounding
LEAST_SIDE, LEAST_ROWS = 16, 8


@dataclass(frozen=True)
class Narrowing:
    """How float weights are stored. Raises InvalidOption for what there is not."""

    precision: str = "float32"
    weights: str | None = None

    def __post_init__(self) -> None:
        if self.weights is not None and self.weights not in INTEGERS:
            raise InvalidOption(f"weights is {self.weights!r}",
                                help=f"use one of {', '.join(INTEGERS)}")  # fmt: skip
        if self.precision not in PRECISIONS:
            raise InvalidOption(f"precision is {self.precision!r}",
                                help=f"use one of {', '.join(PRECISIONS)}")  # fmt: skip

    @property
    def asked(self) -> bool:
        """Whether it is not what the model itself says."""
        return self.precision != "float32" or self.weights is not None

    @property
    def rounds(self) -> bool:
        """Whether products are of numbers that are rounded before."""
        return self.precision == "bfloat16-math"

    def __str__(self) -> str:
        of_products = f", {self.weights} weights of products" if self.weights else ""
        return f"precision {self.precision}{of_products}"


#: operators whose kernels read weights of 16 bits, and which of their operands these are
WEIGHTS = {"conv": (1,), "depthwise_conv": (1,), "fully_connected": (1,), "lstm": (1, 2)}


def store_weights(module: Module, narrowing: Narrowing) -> int:
    """Store the float32 weights of a module in fewer bits; sums stay float32.

    Activations do so, too, but for those that `Narrowing.rounds` asks for.

    Args:
        module: optimised; changed in place.
        narrowing: how.

    Returns:
        How many weights were changed.

    Raises:
        InvalidOption: a weight is too large for float16.
    """
    changed = _store_products(module, narrowing.weights) if narrowing.weights else 0
    if narrowing.precision == "float32":
        return changed
    dtype, held = PRECISIONS[narrowing.precision], dict[Value, Value]()
    for graph in module.graphs.values():
        for node in graph.walk():
            for index in WEIGHTS.get(node.op, ()) if _is_wide(node) else ():
                _store(graph, node, index, dtype, held)
        if narrowing.rounds:
            _round_activations(graph)
    return changed + len(held)


def _round_activations(graph: Graph) -> None:
    """Let large products read their activations in bfloat16, each of them rounded once."""
    rounded: dict[Value, Value] = {}
    graph.reserve(values_of(graph))
    for node in list(graph.walk()):
        if node.graph is None or not _gains(node):
            continue
        x = node.input(0)
        known = rounded.get(x)
        if known is None or known.producer is None or known.producer.graph is not node.graph:
            attrs = {"to": DType.BFLOAT16.value}
            known = rounded[x] = insert(node.graph, node, "cast", [x], attrs, like=x)
        node.graph.set_input(node, 0, known)


def _gains(node: Node) -> bool:
    """Whether a product is faster in bfloat16 where a CPU has it: two numbers at a time.

    Single rows wait for weights, not for products; few results cost less than rounding x does.
    """
    if node.op not in ("conv", "fully_connected"):
        return False
    w, x, y = node.input(1).type, node.input(0).type, node.output.type
    depth, rows = w.dims[-1], upper(y.count) // w.dims[0]
    columns = w.dims[0] // node.attrs.get("groups", 1)
    is_float = w.dtype is DType.BFLOAT16 and x.dtype is DType.FLOAT32
    return is_float and depth % 2 == 0 and min(depth, columns) >= LEAST_SIDE and rows >= LEAST_ROWS


def _store_products(module: Module, weights: str) -> int:
    """Store the weights of `fully_connected` in 8 or 4 bits; returns how many."""
    changed = 0
    for graph in module.graphs.values():
        graph.reserve(values_of(graph))
        for node in graph.walk():
            changed += node.op == "fully_connected" and _quantize(node, DType(weights))
    return changed


def _quantize(node: Node, dtype: DType) -> bool:
    """Give a product of float32 rows integer weights, where they are constant and finite."""
    graph, weight = node.graph, node.input(1)
    finite = weight.data is not None and bool(np.isfinite(weight.data).all())
    if graph is None or weight.type.dtype is not DType.FLOAT32 or not finite:
        return False
    assert weight.data is not None
    depth = weight.data.shape[1]
    block = min(INTEGERS[dtype.value] or depth, depth)
    w, scale = block_scales.quantized(weight.data, dtype, block)
    rows = StoredRows(w, dtype, scale, None, block)
    x, bias = node.input(0), node.inputs[2] if len(node.inputs) > 2 else None
    operands = [x, *rows.values(graph, weight.name), bias]
    attrs = {"block": block, **node.attrs}
    become(graph, node, insert(graph, node, "fully_connected_blocks", operands, attrs,
                               like=node.output))  # fmt: skip
    return True


def _is_wide(node: Node) -> bool:
    """Whether all weights of an operator are constant float32 matrices, not single columns."""
    weights = [node.input(i) for i in WEIGHTS.get(node.op, ())]
    plain = all(w.is_constant and w.type.dtype is DType.FLOAT32 for w in weights)
    return plain and (node.op != "lstm" or all(w.type.dims[1] > 1 for w in weights))


def _store(graph: Graph, node: Node, index: int, dtype: DType, held: dict[Value, Value]) -> None:
    """Let a node read one of its weights in 16 bits."""
    weight = node.input(index)
    if weight.data is None or weight.type.dtype is not DType.FLOAT32:
        return
    if weight not in held:
        held[weight] = _stored(graph, node, weight, dtype)
    assert node.graph is not None
    node.graph.set_input(node, index, held[weight])


def _stored(graph: Graph, node: Node, weight: Value, dtype: DType) -> Value:
    assert weight.data is not None
    array = storage.narrowed(weight.data, dtype)
    finite = np.isfinite(storage.widened(array, dtype))
    if not np.all(finite | ~np.isfinite(weight.data)):
        largest = float(np.abs(weight.data[~finite]).max())
        raise InvalidOption(
            f"{weight} holds {largest:g}, which {dtype.value} cannot hold",
            where=str(node.origin) if node.origin else None,
            help="use bfloat16, whose range is that of float32",
        )
    stored = graph.constant(weight.name, array, TensorType(dtype, weight.type.shape))
    stored.source = weight.source
    return stored
