"""What loops share: values carried from one iteration to the next, and results stacked up."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.graph import Graph, TensorType, Value
from edgewright.ops import require
from edgewright.ops.emit import Emit

ALIGNMENT = 16  # of what is kept in scratch

Carried = Sequence[tuple[Value, Value]]


def compatible(a: TensorType, b: TensorType) -> bool:
    """Whether bytes of one type may pass as the other; no scale fits every scale."""
    same = a.quant == b.quant or a.quant is None or b.quant is None
    return a.dtype is b.dtype and a.shape == b.shape and same


def check_carried(what: str, initial: Sequence[TensorType | None], carried: Carried) -> None:
    """The types of a carried value agree: the initial one, the region's input, its output."""
    require(len(initial) == len(carried), f"{what} has {len(initial)} initial values")
    for type, (inner, result) in zip(initial, carried, strict=True):
        for other in (inner.type, result.type):
            require(
                type is not None and compatible(type, other),
                f"{what} carries {inner} as {type}, {inner.type} and {result.type}",
            )


def carried(region: Graph, skip_inputs: int, skip_outputs: int, count: int) -> Carried:
    """(input of the next iteration, output of this one) of a region."""
    inner = region.inputs[skip_inputs : skip_inputs + count]
    results = region.outputs[skip_outputs : skip_outputs + count]
    return list(zip(inner, results, strict=True))


def _moved(pairs: Carried) -> list[tuple[Value, Value]]:
    """Pairs whose result is the region's own input at another place: a swap overwrites it."""
    inputs = {inner for inner, _ in pairs}
    return [(inner, result) for inner, result in pairs if result in inputs and result is not inner]


def _aligned(value: Value) -> int:
    return -(-value.type.max_bytes // ALIGNMENT) * ALIGNMENT


def carry_bytes(pairs: Carried) -> int:
    """Scratch that `emit_carry` needs."""
    return sum(_aligned(result) for _, result in _moved(pairs))


def emit_carry(e: Emit, pairs: Carried) -> None:
    """Hand the results of an iteration to the next one.

    Relies on the planner: inputs and results of a region have memory of their own for as long as
    the loop runs, so only a result that *is* an input can be overwritten before it is read. Those
    go through scratch.
    """
    moved, start = _moved(pairs), 0
    places: list[str] = []
    for _, result in moved:
        places.append(f"(char *){e.scratch()} + {start}")
        e.call("memcpy", places[-1], e.ptr(result), bytes_of(e, result))
        start += _aligned(result)
    for pair in pairs:
        if pair not in moved:
            e.copy(pair[1], pair[0])
    for (inner, _), place in zip(moved, places, strict=True):
        e.call("memcpy", e.ptr(inner), place, bytes_of(e, inner))


def bytes_of(e: Emit, value: Value) -> str:
    """The bytes of a value as a C expression."""
    return e.size(value.type.count * value.type.dtype.itemsize)


def emit_stack(e: Emit, item: Value, stack: Value, index: str) -> None:
    """Copy a result of an iteration to its place in the stacked one."""
    to = f"{e.ptr(stack)} + {index} * {e.count(item)}"
    e.call("memcpy", to, e.ptr(item), bytes_of(e, item))
