"""Control flow, without operators of control: loops are unrolled, both branches computed.

Delegates and microcontrollers know no IF and WHILE. What is refused is refused here, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Tensor
from edgewright.exporters.tflite.rule import rule, rules
from edgewright.graph import Graph, Value

#: more iterations would make files that take minutes to load
MOST_ITERATIONS = 256
CONTROL = 2  # inputs of a loop before the carried ones


def write_region(node: ExportedNode, region: Graph, given: Sequence[Tensor]) -> list[Tensor]:
    """Append a region's operators once more, on these inputs; returns its results."""
    scope = node.scope
    scope.values.update(zip(region.inputs, given, strict=True))
    for inner in region.nodes:
        for value in inner.outputs:
            scope.values.pop(value, None)
        rules()[inner.op](ExportedNode(scope, inner))
    return [scope.tensor(value) for value in region.outputs]


@rule("scan")
def scan(node: ExportedNode) -> None:
    """The region once for each row."""
    op, (region,) = node.attrs, node.node.regions
    count = len(node.node.inputs) - op.num_scan_inputs
    rows = [_rows(node, i, op.scan_input_directions, i - count) for i in
            range(count, len(node.node.inputs))]  # fmt: skip
    held = [node.input(i) for i in range(count)]
    stacks: list[list[Tensor]] = [[] for _ in region.outputs[count:]]
    for step in zip(*rows, strict=True):
        results = write_region(node, region, [*held, *step])
        held = results[:count]
        for stack, result in zip(stacks, results[count:], strict=True):
            stack.append(result)
    for place, stack in enumerate(stacks):
        if _is_backward(op.scan_output_directions, place):
            stack.reverse()
    _finish(node, held, stacks)


def _is_backward(directions: Sequence[int], place: int) -> bool:
    return bool(directions) and directions[place] == 1


def _rows(node: ExportedNode, index: int, directions: Sequence[int], place: int) -> list[Tensor]:
    """An input row by row, in the order in which they are read."""
    x = node.input(index)
    length = x.type.shape[0]
    if not isinstance(length, int) or not 0 < length <= MOST_ITERATIONS:
        raise node.fail(f"a scan over {length} rows")
    rows = [node.temporary(x.type.with_shape(*x.type.shape[1:]), "row") for _ in range(length)]
    node.add("UNPACK", [x], rows, axis=0, num=length)
    return rows[::-1] if _is_backward(directions, place) else rows


@rule("loop")
def loop(node: ExportedNode) -> None:
    """The region once for each iteration, if their number is known."""
    (region,) = node.node.regions
    trips = _trips(node)
    held = [node.input(i) for i in range(CONTROL, len(node.node.inputs))]
    stacks: list[list[Tensor]] = [[] for _ in region.outputs[1 + len(held) :]]
    go = node.scope.shared("go", np.asarray(True))
    for step in range(trips):
        number = node.scope.shared("iteration", np.asarray(step, np.int64))
        results = write_region(node, region, [number, go, *held])
        held = results[1 : 1 + len(held)]
        for stack, result in zip(stacks, results[1 + len(held) :], strict=True):
            stack.append(result)
    _finish(node, held, stacks)


def _trips(node: ExportedNode) -> int:
    """The number of iterations: it is constant, and nothing ends the loop before."""
    (region,) = node.node.regions
    limit, condition = node.optional_value(0), node.optional_value(1)
    if limit is None or limit.data is None:
        raise node.fail("a loop whose number of iterations only run time tells")
    runs = condition is None or _holds(condition)
    goes_on = region.outputs[0] is region.inputs[1] or _holds(region.outputs[0])
    node.require(runs and goes_on, "a loop that a condition may end")
    trips = int(limit.data.reshape(-1)[0])
    node.require(0 < trips <= MOST_ITERATIONS, f"a loop of {trips} iterations")
    return trips


def _holds(condition: Value) -> bool:
    return condition.data is not None and bool(np.all(condition.data))


def _finish(node: ExportedNode, held: Sequence[Tensor], stacks: Sequence[list[Tensor]]) -> None:
    """The results that are read: the last carried values, and rows stacked up."""
    for place in filter(node.is_read, range(len(node.node.outputs))):
        output = node.output(place)
        if place < len(held):
            node.copy(held[place], output)
        else:
            stack = stacks[place - len(held)]
            node.add("PACK", stack, output, axis=0, values_count=len(stack))


@rule("if")
def if_(node: ExportedNode) -> None:
    """Both branches, and a SELECT of their results."""
    writes = any(n.op == "write_state" for region in node.node.regions for n in region.walk())
    node.require(not writes, "a branch that writes a state")
    node.scope.note("both branches of an if are computed, and one is selected")
    condition = node.reshape(node.input(0), 1)
    branches = [write_region(node, region, []) for region in node.node.regions]
    for place, pair in enumerate(zip(*branches, strict=True)):
        output = node.output(place)
        node.add("SELECT_V2", [condition, *pair], output)


@rule("tree_ensemble")
def tree_ensemble(node: ExportedNode) -> None:
    """Refused: there are no trees among the builtin operators."""
    raise node.fail("there is no builtin operator for decision trees")
