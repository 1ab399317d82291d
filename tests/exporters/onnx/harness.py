"""Export one operator, run it in ONNX Runtime, and compare with its reference.

Each operator is tried twice: on plain operands, and on operands that come in another order of axes
behind a transpose, with a transpose behind the result, so that the rule has to follow that order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort

from edgewright import ops
from edgewright.exporters import Exported
from edgewright.exporters.onnx import export
from edgewright.graph import DType, Graph, Module, Node, Quant, TensorType, Value, verify_module
from edgewright.ops.interpreter import Interpreter
from edgewright.passes.editing import inverse

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Constant:
    """An operand that is known ahead of time."""

    array: Array
    quant: Quant | None = None


@dataclass(frozen=True)
class Stored:
    """An operand of integers with a quantisation."""

    array: Array
    quant: Quant


Operand = Array | Constant | Stored | None


def type_of(array: Array, quant: Quant | None = None) -> TensorType:
    """The type of an array."""
    return TensorType(DType.of(array.dtype), array.shape, quant)


def single(
    op: str,
    operands: Sequence[Operand],
    results: Sequence[Quant | TensorType | None] = (),
    *,
    turned: bool = False,
    mode: str = "float",
    **attrs: Any,
) -> tuple[Module, dict[str, Array]]:
    """A module of one node (and transposes around it), and its inputs.

    `results` gives each result's quantisation, or its type where the operands do not decide it.
    """
    graph, fed = Graph("main"), dict[str, Array]()
    values = [_operand(graph, i, o, fed, turned) for i, o in enumerate(operands)]
    node = Node(op, values, [], attrs)
    types = [r for r in results if isinstance(r, TensorType)] or ops.infer(node)
    for index, type in enumerate(types):
        quant = results[index] if index < len(results) else type.quant
        held = type.with_quant(quant) if not isinstance(quant, TensorType) else type
        node.outputs.append(graph.value(f"y{index}", held))
    graph.insert(node)
    for value in node.outputs:
        graph.outputs.append(_turned_back(graph, value) if turned else value)
    module = Module({"main": graph}, requantization=mode)
    verify_module(module, ops.infer)
    return module, fed


def perm_of(rank: int) -> tuple[int, ...]:
    """How an operand that comes channels first is turned."""
    return (0, *range(2, rank), 1) if rank > 2 else tuple(reversed(range(rank)))


def _operand(
    graph: Graph, index: int, operand: Operand, fed: dict[str, Array], turned: bool
) -> Value | None:
    if operand is None:
        return None
    if isinstance(operand, Constant):
        array = np.ascontiguousarray(operand.array)
        return graph.constant(f"c{index}", array, type_of(array, operand.quant))
    array, quant = (
        (operand.array, operand.quant) if isinstance(operand, Stored) else (operand, None)
    )
    name, rank = f"x{index}", array.ndim
    if not turned or rank < 2:
        fed[name] = array
        return graph.add_input(name, type_of(array, quant))
    perm = perm_of(rank)
    back = inverse(perm)
    fed[name] = np.ascontiguousarray(array.transpose(back))
    given = graph.add_input(name, type_of(fed[name], quant))
    return _transpose(graph, given, perm)


def _transpose(graph: Graph, value: Value, perm: tuple[int, ...]) -> Value:
    node = Node("transpose", [value], [], {"perm": perm})
    (type,) = ops.infer(node)
    node.outputs = [graph.value(f"{value.name}/turned", type)]
    graph.insert(node)
    return node.output


def _turned_back(graph: Graph, value: Value) -> Value:
    rank = value.type.rank
    return _transpose(graph, value, inverse(perm_of(rank))) if rank > 1 else value


def run(exported: Exported, inputs: Sequence[Array]) -> list[Array]:
    """What ONNX Runtime makes of a file, without optimisation, by position."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(exported.data, options)
    fed = dict(zip(exported.inputs, inputs, strict=True))
    return [np.asarray(a) for a in session.run(list(exported.outputs), fed)]


def compare(module: Module, fed: dict[str, Array], tolerance: float, **options: Any) -> Exported:
    """Export, run, compare with the reference: `tolerance` of the range, or one step."""
    exported = export(module, **options)
    onnx.checker.check_model(onnx.ModelProto.FromString(exported.data))
    expected = Interpreter(module).run(fed)
    for want, got in zip(expected.values(), run(exported, list(fed.values())), strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        if want.dtype.kind == "f":
            span = max(float(np.ptp(want)), float(np.abs(want).max()), 1e-6) if want.size else 1.0
            np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * span)
        else:
            steps = np.abs(got.astype(np.int64) - want.astype(np.int64))
            assert int(steps.max(initial=0)) <= (1 if tolerance else 0)
    return exported


def check(
    op: str,
    *operands: Operand,
    results: Sequence[Quant | TensorType | None] = (),
    tolerance: float = 1e-5,
    opset: int | None = None,
    weights: str = "as_is",
    mode: str = "float",
    **attrs: Any,
) -> list[str]:
    """Both ways; returns the operators of the plain file."""
    found: list[str] = []
    for turned in (True, False):
        module, fed = single(op, operands, results, turned=turned, mode=mode, **attrs)
        exported = compare(module, fed, tolerance, opset=opset, weights=weights)
        found = operators(exported)
    return found


def operators(exported: Exported) -> list[str]:
    """The operators of a file, in order."""
    return [node.op_type for node in onnx.ModelProto.FromString(exported.data).graph.node]


def count(exported: Exported, name: str) -> int:
    """How often an operator occurs."""
    return Counter(operators(exported))[name]


def normal(*shape: int, seed: int = 0) -> Array:
    """float32, with deviation 1."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def stored(*shape: int, scale: float = 0.05, zero: int = 3, seed: int = 0) -> Stored:
    """int8 with one scale."""
    codes = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    return Stored(codes, Quant.per_tensor(scale, zero))
