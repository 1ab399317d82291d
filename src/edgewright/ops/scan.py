"""A region run over the first axis of its inputs (ONNX's Scan)."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Node, Size, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.regions import (
    Carried,
    bytes_of,
    carried,
    carry_bytes,
    check_carried,
    compatible,
    emit_carry,
    emit_stack,
)

Directions = tuple[int, ...]


@op("scan")
class Scan(Op):
    """Inputs: initial carried values, then `num_scan_inputs` tensors that are read row by row.

    The region takes the carried values and one row of each; it returns the carried values and rows
    of the results, which are stacked. Directions: 0 forward, 1 backward, one per scanned input or
    result (none: forward). Only the first axis is scanned.
    """

    num_scan_inputs: int = 1
    scan_input_directions: Directions = ()
    scan_output_directions: Directions = ()

    def infer_node(self, node: Node) -> tuple[TensorType, ...]:
        require(len(node.regions) == 1, f"scan has {len(node.regions)} regions, not 1")
        (region,) = node.regions
        count = len(node.inputs) - self.num_scan_inputs
        require(
            self.num_scan_inputs >= 1 and count >= 0 and None not in node.inputs,
            f"scan of {self.num_scan_inputs} among {len(node.inputs)} inputs",
        )
        require(
            len(region.inputs) == len(node.inputs) and len(region.outputs) >= count,
            f"the region of scan has {len(region.inputs)} inputs and {len(region.outputs)} results",
        )
        pairs = carried(region, 0, 0, count)
        check_carried("scan", [v.type for v in node.arguments[:count]], pairs)
        length = self._check_rows(node, count)
        stacked = region.outputs[count:]
        for directions, total in (
            (self.scan_input_directions, self.num_scan_inputs),
            (self.scan_output_directions, len(stacked)),
        ):
            require(len(directions) in (0, total), f"{len(directions)} directions for {total}")
        return (
            *(inner.type for inner, _ in pairs),
            *(TensorType(v.type.dtype, (length, *v.type.shape), v.type.quant) for v in stacked),
        )

    def _check_rows(self, node: Node, count: int) -> Size:
        """The common length of the scanned inputs."""
        scanned = node.arguments[count:]
        require(all(v.type.rank >= 1 for v in scanned), "scan needs an axis to run over")
        length = scanned[0].type.shape[0]
        for value, row in zip(scanned, node.regions[0].inputs[count:], strict=True):
            require(
                value.type.shape[0] == length,
                f"{value.type} is scanned together with {length} rows",
            )
            expected = TensorType(value.type.dtype, value.type.shape[1:], value.type.quant)
            require(
                compatible(row.type, expected), f"a row of {value.type} is {row.type} in the region"
            )
        return length

    def reference(self, call: Call, *arrays: Array) -> list[Array]:
        assert call.run is not None
        (region,) = call.regions
        count = len(arrays) - self.num_scan_inputs
        held, scanned = list(arrays[:count]), arrays[count:]
        stacks = [np.empty(call.sizes(t.shape), t.dtype.numpy) for t in call.outputs[count:]]
        length = scanned[0].shape[0]
        for step in range(length):
            places = [
                _place(step, length, self.scan_input_directions, i) for i in range(len(scanned))
            ]
            rows = [x[place] for x, place in zip(scanned, places, strict=True)]
            results = call.run(region, [*held, *rows])
            held = results[:count]
            for index, item in enumerate(results[count:]):
                stacks[index][_place(step, length, self.scan_output_directions, index)] = item
        return [*held, *stacks]

    def _pairs(self, node: Node) -> Carried:
        return carried(node.regions[0], 0, 0, len(node.inputs) - self.num_scan_inputs)

    def emit(self, e: Emit) -> None:
        (region,) = e.node.regions
        pairs = self._pairs(e.node)
        initial, scanned = e.node.arguments[: len(pairs)], e.node.arguments[len(pairs) :]
        for value, (inner, _) in zip(initial, pairs, strict=True):
            e.copy(value, inner)
        step, length = e.unique("step"), e.dim(scanned[0], 0)
        e.line(f"for (int32_t {step} = 0; {step} < {length}; ++{step}) {{")
        rows = zip(scanned, region.inputs[len(pairs) :], strict=True)
        for index, (x, row) in enumerate(rows):
            place = _place_c(step, length, self.scan_input_directions, index)
            source = f"{e.ptr(x)} + {place} * {e.count(row)}"
            e.call("memcpy", e.ptr(row), source, bytes_of(e, row))
        e.region(region)
        results = zip(region.outputs[len(pairs) :], e.outputs[len(pairs) :], strict=True)
        for index, (item, stack) in enumerate(results):
            emit_stack(e, item, stack, _place_c(step, length, self.scan_output_directions, index))
        emit_carry(e, pairs)
        e.line("}")
        for (inner, _), y in zip(pairs, e.outputs[: len(pairs)], strict=True):
            e.copy(inner, y)

    def scratch_bytes(self, node: Node, target: object) -> int:
        return carry_bytes(self._pairs(node))


def _backward(directions: Directions, index: int) -> bool:
    return bool(directions) and directions[index] == 1


def _place(step: int, length: int, directions: Directions, index: int) -> int:
    return length - 1 - step if _backward(directions, index) else step


def _place_c(step: str, length: str, directions: Directions, index: int) -> str:
    return f"({length} - 1 - {step})" if _backward(directions, index) else step
