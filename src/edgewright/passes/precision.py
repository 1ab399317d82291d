"""Weights in fewer bits, where the user asks for it: an option, not one of the rewrites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewright.errors import InvalidOption
from edgewright.graph import DType, Graph, Module, Node, TensorType, Value
from edgewright.ops import storage

#: what `--precision` takes
PRECISIONS = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Narrowing:
    """How float weights are stored. Raises InvalidOption for what there is not."""

    precision: str = "float32"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise InvalidOption(f"precision is {self.precision!r}",
                                help=f"use one of {', '.join(PRECISIONS)}")  # fmt: skip

    @property
    def asked(self) -> bool:
        """Whether it is not what the model itself says."""
        return self.precision != "float32"

    def __str__(self) -> str:
        return f"precision {self.precision}"


#: operators whose kernels read weights of 16 bits, and which of their operands these are
WEIGHTS = {"conv": (1,), "depthwise_conv": (1,), "fully_connected": (1,)}


def store_weights(module: Module, narrowing: Narrowing) -> int:
    """Store the float32 weights of a module in 16 bits; activations and sums stay float32.

    Args:
        module: optimised; changed in place.
        narrowing: how.

    Returns:
        How many weights were changed.

    Raises:
        InvalidOption: a weight is too large for float16.
    """
    if narrowing.precision == "float32":
        return 0
    dtype, held = DType(narrowing.precision), dict[Value, Value]()
    for graph in module.graphs.values():
        for node in graph.walk():
            for index in WEIGHTS.get(node.op, ()):
                _store(graph, node, index, dtype, held)
    return len(held)


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
