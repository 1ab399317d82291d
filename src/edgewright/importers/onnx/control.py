"""Nodes with graphs inside: If, Loop, Scan."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from edgewright.graph import DType, Graph, TensorType, Value
from edgewright.importers.onnx.node import SourceNode
from edgewright.importers.onnx.rule import rule


@rule("If")
def choose(n: SourceNode) -> list[Value]:
    """One of two graphs; where the condition is known, that graph's nodes take the If's place."""
    condition = n.input(0)
    branches = [n.body(name) for name in ("then_branch", "else_branch")]
    if condition.data is not None:
        return n.scope.branch(branches[0 if bool(condition.data.reshape(-1)[0]) else 1])
    names = ("then", "else")
    regions = [n.scope.region(b, [], name) for b, name in zip(branches, names, strict=True)]
    for index, (a, b) in enumerate(zip(*(r.outputs for r in regions), strict=True)):
        n.require(
            (a.type.dtype, a.type.shape) == (b.type.dtype, b.type.shape),
            f"result {index} is {a.type} in one branch and {b.type} in the other",
            "memory is planned ahead, so give both branches the same types",
        )
    return n.add_all("if", [condition], regions)


@rule("Loop")
def loop(n: SourceNode) -> list[Value]:
    """A graph repeated under a trip count, a condition, or both."""
    body, carried = n.body("body"), n.inputs[2:]
    values = [n.input(i + 2) for i in range(len(carried))]
    types = [TensorType(DType.INT64, ()), TensorType(DType.BOOL, ())]
    _same_count(n, body, len(values) + 2)
    region = n.scope.region(body, [*types, *(v.type for v in values)], "body")
    _same_types(n, values, region.outputs[1:])
    stacks = n.outputs[len(values) :] if len(region.outputs) > 1 + len(values) else ()
    control = [n.optional(0), n.optional(1)]
    return n.add_all("loop", [*control, *values], [region], trips=_trips(n, stacks))


def _trips(n: SourceNode, stacks: Sequence[str]) -> int | None:
    """The number of iterations where results are stacked: the constant trip count, or the length
    that the file declares for a result. Loops that run otherwise end in a run-time error.
    """
    limit = n.optional(0)
    if not stacks:
        return None
    if limit is None or n.builder.known_sizes(limit) is None:
        graph = n.scope.file.model.graph
        for info in [*graph.output, *graph.value_info]:
            dims = info.type.tensor_type.shape.dim
            if info.name in stacks and len(dims) and dims[0].dim_value > 0:
                return int(dims[0].dim_value)
    return n.numbers(0, "the trip count")[0]


def _same_count(n: SourceNode, body: onnx.GraphProto, count: int) -> None:
    if len(body.input) != count:
        n.invalid(f"the body takes {len(body.input)} values, the node gives {count}")


def _same_types(n: SourceNode, values: list[Value], results: list[Value]) -> None:
    """Refuse values that change their type from one iteration to the next."""
    for before, after in zip(values, results, strict=False):
        n.require(
            (before.type.dtype, before.type.shape) == (after.type.dtype, after.type.shape),
            f"a carried value goes from {before.type} to {after.type}",
            "memory is planned ahead, so carried values must keep their types",
        )


@rule("Scan", since=9)
def scan(n: SourceNode) -> list[Value]:
    """A graph run along an axis of its operands; the axis is brought to the front."""
    body, count = n.body("body"), n.integer("num_scan_inputs", 0)
    states = len(n.inputs) - count
    if count < 1 or states < 0:
        n.invalid(f"{count} scan inputs among {len(n.inputs)}")
    _same_count(n, body, len(n.inputs))
    values = [n.input(i) for i in range(states)]
    scanned = _to_front(n, [n.input(i) for i in range(states, len(n.inputs))])
    rows = [v.type.with_shape(*v.type.shape[1:]) for v in scanned]
    region = n.scope.region(body, [*(v.type for v in values), *rows], "body")
    _share_quant(n, values, region)
    _same_types(n, values, region.outputs)
    results = n.add_all(
        "scan",
        [*values, *scanned],
        [region],
        num_scan_inputs=count,
        scan_input_directions=n.integers("scan_input_directions") or (),
        scan_output_directions=n.integers("scan_output_directions") or (),
    )
    return [*results[:states], *_from_front(n, results[states:])]


def _to_front(n: SourceNode, values: list[Value]) -> list[Value]:
    axes = n.integers("scan_input_axes") or (0,) * len(values)
    moved = []
    for value, axis in zip(values, axes, strict=True):
        axis, rank = n.axis(axis, value.type.rank), value.type.rank
        moved.append(n.transpose(value, (axis, *(i for i in range(rank) if i != axis))))
    return moved


def _from_front(n: SourceNode, values: list[Value]) -> list[Value]:
    axes = n.integers("scan_output_axes") or (0,) * len(values)
    moved = []
    for value, axis in zip(values, axes, strict=True):
        axis, rank = n.axis(axis, value.type.rank), value.type.rank
        order = list(range(1, rank))
        order.insert(axis, 0)
        moved.append(n.transpose(value, order))
    return moved


def _share_quant(n: SourceNode, values: list[Value], region: Graph) -> None:
    """Carried integers mean outside what the body takes them for."""
    for value, inner in zip(values, region.inputs, strict=False):
        if inner.type.quant is not None and value.type.quant is None:
            value.type = value.type.with_quant(inner.type.quant)


@rule("Scan", since=8)
def scan_of_batches(n: SourceNode) -> Value:
    """The first Scan had a batch axis and sequence lengths."""
    n.refuse("Scan of opset 8", "convert the model to opset 9 or newer with onnx.version_converter")
