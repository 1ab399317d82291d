"""A region repeated under a trip count, a condition, or both (ONNX's Loop)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.errors import InvalidInput
from edgewright.graph import DType, Graph, Node, Size, TensorType, Value
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.regions import (
    Carried,
    carried,
    carry_bytes,
    check_carried,
    emit_carry,
    emit_stack,
)

CONTROL = 2  # inputs before the carried ones: trip count and condition


@op("loop")
class Loop(Op):
    """Inputs: trip count (int64 [] or none), condition (bool [] or none), initial carried values.

    The region takes the iteration number, the condition and the carried values; it returns the next
    condition, the carried values and any results to stack along a new first axis. Memory is planned
    ahead, so stacked results need `trips`, the number of iterations; run-time errors CAPACITY and
    SHAPE when there are more or fewer.
    """

    trips: Size | None = None

    def infer_node(self, node: Node) -> tuple[TensorType, ...]:
        require(len(node.regions) == 1, f"loop has {len(node.regions)} regions, not 1")
        (region,) = node.regions
        require(len(node.inputs) >= CONTROL, "loop needs a trip count and a condition, or none")
        require(
            len(region.inputs) == len(node.inputs)
            and len(region.outputs) > len(node.inputs) - CONTROL,
            f"the region of loop has {len(region.inputs)} inputs and {len(region.outputs)} results",
        )
        _check_control(node, region)
        pairs = self._pairs(node)
        check_carried("loop", [v.type if v else None for v in node.inputs[CONTROL:]], pairs)
        stacked = region.outputs[1 + len(pairs) :]
        require(
            not stacked or self.trips is not None,
            "loop stacks results, so the number of its iterations must be known ahead",
        )
        trips: Size = 0 if self.trips is None else self.trips
        return (
            *(inner.type for inner, _ in pairs),
            *(TensorType(v.type.dtype, (trips, *v.type.shape), v.type.quant) for v in stacked),
        )

    @staticmethod
    def _pairs(node: Node) -> Carried:
        return carried(node.regions[0], CONTROL, 1, len(node.inputs) - CONTROL)

    def reference(
        self, call: Call, limit: Array | None, condition: Array | None, *values: Array
    ) -> list[Array]:
        assert call.run is not None
        (region,) = call.regions
        trips = None if limit is None else int(limit.reshape(-1)[0])
        go = condition is None or bool(condition.reshape(-1)[0])
        stacks: list[list[Array]] = [[] for _ in region.outputs[1 + len(values) :]]
        held: Sequence[Array] = values
        count = 0
        while go and (trips is None or count < trips):
            results = call.run(region, [*_control(region, count, go), *held])
            go, held = bool(results[0].reshape(-1)[0]), results[1 : 1 + len(values)]
            for stack, item in zip(stacks, results[1 + len(values) :], strict=True):
                stack.append(item)
            count += 1
        if stacks and self.trips is not None and (count,) != call.sizes([self.trips]):
            raise InvalidInput(f"the loop ran {count} times; its results hold {self.trips}")
        types = call.outputs[len(values) :]
        return [*held, *(_stack(s, t) for s, t in zip(stacks, types, strict=True))]

    def emit(self, e: Emit) -> None:
        (region,) = e.node.regions
        pairs = self._pairs(e.node)
        for value, (inner, _) in zip(e.inputs[CONTROL:], pairs, strict=True):
            assert value is not None
            e.copy(value, inner)
        count, go, limit = e.unique("count"), e.unique("go"), e.unique("limit")
        e.line(f"const int64_t {limit} = {_read(e, e.inputs[0], 'INT64_MAX')};")
        e.line(f"int64_t {count} = 0;")
        e.line(f"int {go} = {_read(e, e.inputs[1], '1')} != 0;")
        e.line(f"for (; {go} && {count} < {limit}; ++{count}) {{")
        self._emit_body(e, region, pairs, count, go)
        e.line("}")
        stacked = region.outputs[1 + len(pairs) :]
        if stacked:
            e.fail_if(f"{count} != {e.size(self.trips)}", "EW_ERROR_SHAPE")
        for (inner, _), y in zip(pairs, e.outputs[: len(pairs)], strict=True):
            e.copy(inner, y)

    def _emit_body(self, e: Emit, region: Graph, pairs: Carried, count: str, go: str) -> None:
        stacked = region.outputs[1 + len(pairs) :]
        if stacked:
            e.fail_if(f"{count} >= {e.size(self.trips)}", "EW_ERROR_CAPACITY")
        e.line(f"*{e.ptr(region.inputs[0])} = {count};")
        e.line(f"*{e.ptr(region.inputs[1])} = (uint8_t){go};")
        e.region(region)
        e.line(f"{go} = *{e.ptr(region.outputs[0])} != 0;")
        for item, stack in zip(stacked, e.outputs[len(pairs) :], strict=True):
            emit_stack(e, item, stack, count)
        emit_carry(e, pairs)

    def scratch_bytes(self, node: Node, target: object) -> int:
        return carry_bytes(self._pairs(node))


def _check_control(node: Node, region: Graph) -> None:
    """Trip count, condition and their counterparts in the region are single int64s and bools."""
    wanted = (DType.INT64, DType.BOOL)
    for value, dtype in zip([*node.inputs[:2], *region.inputs[:2]], wanted * 2, strict=True):
        single = value is None or (value.type.dtype is dtype and value.type.count == 1)
        require(single, f"loop is controlled by {value!r}, not one {dtype.value}")
    go = region.outputs[0]
    require(
        go.type.dtype is DType.BOOL and go.type.count == 1,
        f"the condition is {go.type}, not one bool",
    )
    always = go is region.inputs[1] or (go.data is not None and bool(go.data.all()))
    require(node.inputs[0] is not None or not always, "the loop never ends")


def _control(region: Graph, count: int, go: bool) -> list[Array]:
    shapes = [value.type.dims for value in region.inputs[:CONTROL]]
    return [np.full(shapes[0], count, np.int64), np.full(shapes[1], go, np.bool_)]


def _stack(items: list[Array], type: TensorType) -> Array:
    if items:
        return np.stack(items)
    return np.empty((0, *type.dims[1:]), type.dtype.numpy)


def _read(e: Emit, value: Value | None, otherwise: str) -> str:
    return otherwise if value is None else f"*{e.ptr(value)}"
