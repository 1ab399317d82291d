"""The reference of each operator, on the source runtime's tensors, against that runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import ops
from edgewright.errors import MissingPackage, OracleError
from edgewright.graph import Module, Node, Value
from edgewright.verify import oracles
from edgewright.verify.compare import compare
from edgewright.verify.oracles.litert_steps import PREFIX
from edgewright.verify.source import TIMEOUT_S, SourceFile

Array = npt.NDArray[Any]
FLOAT_LAYER_TOLERANCE = 1e-4
ROUNDING_STEPS = 1.0
#: in mode `float`, LiteRT's default kernels to the last bit (docs/reference/integer.md)
_EXACT = frozenset({"conv", "depthwise_conv", "fully_connected"})

_ORACLES: dict[tuple[str, str], tuple[oracles.Kind, ...]] = {
    ("tflite", "fixed"): ("litert_ref", "tflm"),
    ("tflite", "float"): ("litert_steps", "tflm"),
    ("onnx", "fixed"): ("onnxruntime",),
    ("onnx", "float"): ("onnxruntime",),
}


def layers_against_source(
    module: Module, source: SourceFile, sample: Mapping[str, Array]
) -> dict[str, tuple[float, float]]:
    """(error, tolerance) by each node's first output's name, where the runtime shows both ends.

    Integers are compared in steps of the last place. Mode `fixed` allows none; mode `float` allows
    none for convolution, depthwise convolution and fully connected, one for the others.
    """
    tensors, exact = _tensors(source, module.requantization, sample)
    return layer_errors(module, tensors, exact)


def layer_errors(
    module: Module, tensors: Mapping[str, Array], exact: bool
) -> dict[str, tuple[float, float]]:
    """The same for any runtime's tensors, by the names that they have in the source.

    Args:
        module: whose nodes are evaluated.
        tensors: every tensor that the runtime shows.
        exact: whether its integer arithmetic is the module's own.
    """
    found = {}
    for node in module.main.nodes:
        if node.regions or not node.outputs or node.op in ("read_state", "write_state"):
            continue
        result = _compare(module, node, tensors, exact)
        if result is not None:
            found[node.outputs[0].name] = result
    return found


def _tensors(
    source: SourceFile, mode: str, sample: Mapping[str, Array]
) -> tuple[dict[str, Array], bool]:
    """Every tensor of the source model by its name in the file, and whether mode `fixed` is its
    runtime's arithmetic.
    """
    free = [t for t in source.interface.inputs if t not in source.interface.tied]
    fed = {**dict(zip(free, sample.values(), strict=True)), **source.states}
    content, _ = source.content()
    for kind in _ORACLES[source.format, mode]:
        try:
            (tensors,) = oracles.run(kind, content, [fed], True, timeout_s=TIMEOUT_S)
        except (OracleError, MissingPackage):
            continue
        return {**tensors, **fed}, mode == "fixed" and kind != "onnxruntime"
    return {}, False


def _compare(
    module: Module, node: Node, tensors: Mapping[str, Array], exact: bool
) -> tuple[float, float] | None:
    inputs = [None if v is None else _read(v, tensors) for v in node.inputs]
    missing = any(a is None and v is not None for a, v in zip(inputs, node.inputs, strict=True))
    by_step = any(name.startswith(PREFIX) for name in tensors)
    if by_step and _is_fused(node):
        return None  # the source rounds in between, and no tensor of the reference run shows it
    alone = _read(node.outputs[0], tensors, PREFIX)
    expected = alone if alone is not None else _read(node.outputs[0], tensors)
    if missing or expected is None:
        return None
    call = ops.Call(
        inputs=[v.type if v else None for v in node.inputs],
        outputs=[v.type for v in node.outputs],
        requantization=module.requantization,
    )
    actual = ops.evaluate_node(node, inputs, call)[0]
    (difference,) = compare([{"y": actual}], [{"y": expected}])
    if difference.is_float:
        return difference.error, FLOAT_LAYER_TOLERANCE
    exact = exact or (alone is not None and node.op in _EXACT)
    return difference.error, 0.0 if exact else ROUNDING_STEPS


def _is_fused(node: Node) -> bool:
    """Whether the node is several of the source's: a convolution and the sum after it."""
    return node.op == "conv" and len(node.inputs) > 3 and node.inputs[3] is not None


def _read(value: Value, tensors: Mapping[str, Array], prefix: str = "") -> Array | None:
    """A value's content: its own data, or the source's tensor in our layout."""
    if value.data is not None:
        return value.data
    if value.source is None or prefix + value.source.tensor not in tensors:
        return None
    array = tensors[prefix + value.source.tensor]
    if value.source.perm:
        array = array.transpose(value.source.perm)
    if array.shape != value.type.shape or array.dtype != value.type.dtype.numpy:
        return None
    return np.ascontiguousarray(array)
