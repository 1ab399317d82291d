"""Operators that threads share by rows: the same code for a part of the result, run in chunks.

An operator says which axes of its result are independent (`Op.divided`). Its C is then written once
for some of the leading rows, with types and pointers of that part, as a task that runs for every
chunk (kernels/parallel.h). Kernels know nothing of it.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from edgewright.graph import DType, Node, Size, Value
from edgewright.graph.dims import Symbol
from edgewright.ops import Array, Emit, Packing, of
from edgewright.ops.packing import round_up
from edgewright.ops.parallel import ALIGNMENT, LEAST_MACS

if TYPE_CHECKING:
    import numpy.typing as npt

#: Bytes that are read and written from which on an operator is shared. One core moves 20 to 50 in
#: a nanosecond: this takes 1.3 to 3 microseconds. Handing a piece of it to a thread that is awake,
#: and waiting for it, takes 0.3.
LEAST_BYTES = 64 * 1024
#: Elements of vectors that are handed out at a time: no two threads write to one cache line.
VECTOR = 64


@dataclass(frozen=True)
class Division:
    """How a node is divided.

    Attributes:
        rows: the product of the leading axes that are divided together.
        cut: for each input whether it is divided along the same axes, or needed whole.
    """

    rows: int
    cut: tuple[bool, ...]


def division(node: Node, target: Packing) -> Division | None:
    """How the node is divided between threads; None where it is computed as a whole."""
    values = [*node.arguments, *node.outputs]
    if target.chunks == 1 or target.lean_step or node.regions or not node.outputs:
        return None
    if not all(value.type.is_static for value in values) or not _is_large(node):
        return None
    found = _leading(node)
    return found if found is not None and found.rows > 1 else None


def scratch(node: Node, target: Packing, needed: int) -> int:
    """Bytes of scratch of a node whose kernel needs `needed` for each chunk."""
    if division(node, target) is None:
        return needed
    return target.chunks * round_up(needed, ALIGNMENT)


def _is_large(node: Node) -> bool:
    moved = [v for v in node.arguments if not v.is_constant] + node.outputs
    is_moved = sum(v.type.max_bytes for v in moved) >= LEAST_BYTES
    return is_moved or of(node).macs(node) >= LEAST_MACS


def _leading(node: Node) -> Division | None:
    """The longest run of leading axes that are divided in the same way."""
    rows, cut = 1, None
    for axis, size in enumerate(node.outputs[0].type.dims):
        if size == 1:
            continue
        found = _cut(node, axis)
        if found is None or (cut is not None and found != cut):
            break
        rows, cut = rows * size, found
    return Division(rows, cut) if cut is not None else None


def _cut(node: Node, axis: int) -> tuple[bool, ...] | None:
    """Which inputs are divided with an axis of the output; None where it cannot be divided."""
    axes = of(node).divided(node, axis)
    if axes is None:
        return None
    rows = math.prod(node.outputs[0].type.dims[: axis + 1])
    for value, own in zip(node.inputs, axes, strict=True):
        if own is not None and (value is None or math.prod(value.type.dims[: own + 1]) != rows):
            return None  # it has not all of the axes before
    return tuple(own is not None for own in axes)


def open_part(e: Emit) -> Part | None:
    """The node's own part of the code, if threads share it; `Part.close` ends it."""
    found = division(e.node, e.target)
    if found is None:
        return None
    is_vector = all(value.type.count == found.rows for value in e.outputs)
    part = Part(e, found.rows, VECTOR if is_vector else 1)
    part.divide(found)
    return part


def open_rows(e: Emit, rows: Size, moved: Size, step: int = 1) -> Part | None:
    """Part of the rows of a loop, for operators that write their own: see `Part.pointer`.

    Args:
        e: the node.
        rows: how many there are.
        moved: bytes that are read and written.
        step: rows that are handed out at a time.
    """
    if not isinstance(rows, int) or not isinstance(moved, int) or e.target.lean_step:
        return None
    if e.target.chunks == 1 or moved < LEAST_BYTES or rows < e.target.chunks * step:
        return None
    return Part(e, rows, step)


class Part:
    """An `Emit` for some of the rows of a node, whose C becomes a task.

    Attributes:
        first: the first row, at run time.
        rows: how many: a number where all chunks have as many.
    """

    def __init__(self, e: Emit, rows: int, step: int) -> None:
        """Divide `rows`, which are handed out `step` at a time."""
        self._whole, self._total, self._step = e, rows, step
        self.node, self.inputs, self.outputs = e.node, list(e.inputs), list(e.outputs)
        chunks = e.target.chunks
        self.first = Symbol("first", 0, rows)
        self.rows: Size = Symbol("rows", 0, rows)
        if rows % (step * chunks) == 0:
            self.rows = rows // chunks
        self._originals: dict[Value, tuple[Value, int]] = {}
        self._addresses: list[str] = []
        self._lines: list[str] = []
        self._names: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def divide(self, found: Division) -> None:
        """Let operands and results be those of the part."""
        cut = zip(self.inputs, found.cut, strict=True)
        self.inputs = [self._divided(v) if v and is_cut else v for v, is_cut in cut]
        self.outputs = [self._divided(value) for value in self.outputs]
        self.node = replace(self.node, inputs=self.inputs, outputs=self.outputs)

    def _divided(self, value: Value) -> Value:
        """The rows of a value, whose leading axes become one."""
        dims = value.type.dims
        merged = next(i for i in range(len(dims) + 1) if math.prod(dims[:i]) == self._total)
        rest = dims[merged:]
        part = Value(value.name, replace(value.type, shape=(self.rows, *rest)), data=value.data)
        self._originals[part] = value, math.prod(rest)
        return part

    # -- Emit -------------------------------------------------------------------------------

    def ptr(self, value: Value | None) -> str:
        """As `Emit.ptr`, to the part's own first element."""
        if value is None:
            return "NULL"
        original, stride = self._originals.get(value, (value, 0))
        start = self.pointer(self._whole.ptr(original), value.type.dtype.c)
        return f"({start} + (ptrdiff_t)d_first * {stride})" if stride else start

    def pointer(self, expression: str, c: str) -> str:
        """What an expression of the function points to, of a C type, as the task sees it."""
        if expression == "NULL":
            return expression
        if expression not in self._addresses:
            self._addresses.append(expression)
        return f"(({c} *)at[{self._addresses.index(expression)}])"

    def weight(self, array: npt.NDArray[Any]) -> str:
        """As `Emit.weight`."""
        held: Array = array
        return self.pointer(self._whole.weight(held), DType.of(held.dtype).c)

    def scratch(self) -> str:
        """A scratch of each chunk's own: see `parts.scratch`."""
        start = self._whole.scratch()
        if start == "NULL":
            return start
        node = self._whole.node
        each = of(node).scratch_bytes(node, self._whole.target) // self._whole.target.chunks
        return f"(void *)({self.pointer(start, 'char')} + chunk * {each})"

    def line(self, text: str) -> None:
        """A line of the task."""
        self._lines.append("  " + text)

    def call(self, function: str, *args: str | int) -> None:
        """A call in the task."""
        self.line(f"{function}({', '.join(map(str, args))});")

    def unique(self, stem: str) -> str:
        """A name that the task does not have yet."""
        count = self._names.get(stem, 0)
        self._names[stem] = count + 1
        return f"{stem}_{count}"

    def close(self) -> None:
        """Define the task, and run it for all chunks."""
        e = self._whole
        e.header("parallel.h")
        name, text = self._task()
        e.define(name, text)
        e.call(
            "ew_parallel_parts", "env", name, f"(const void *[]){{{', '.join(self._addresses)}}}"
        )

    def _task(self) -> tuple[str, str]:
        """A function that is named after what it does, for all nodes that do the same."""
        start = f"ew_chunk_start({self._total}, {self._step}, "
        lines = [f"  const int32_t d_first = {start}chunk);"]
        if not isinstance(self.rows, int):
            lines += [f"  const int32_t d_rows = {start}chunk + 1) - d_first;",
                      "  if (d_rows == 0) return;"]  # fmt: skip
        body = "\n".join(["  const void *const *const at = context;", *lines, *self._lines, ""])
        name = f"{self.node.op}_{hashlib.sha256(body.encode()).hexdigest()[:8]}"
        return name, f"static void {name}(void *context, int32_t chunk) {{\n{body}}}\n"


def emit(e: Emit) -> None:
    """The C of a node, in parts where threads share it."""
    part = open_part(e)
    of(e.node).emit(cast("Emit", part) if part else e)
    if part:
        part.close()
