"""The C of a graph's nodes: what `ops/` see as `Emit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import ops
from edgewright.codegen.names import identifier
from edgewright.codegen.weights import Weights
from edgewright.errors import EdgewrightError, InternalError, InvalidGraph, UnsupportedModel
from edgewright.graph import Dim, Graph, Node, Size, Value
from edgewright.graph.dims import Quotient, Sum, Symbol
from edgewright.ops import parts
from edgewright.ops.emit import Packing
from edgewright.plan import Plan

# Kernels state what they take by what they read: a dtype, a scale that is not there.
_NO_KERNEL = (
    ArithmeticError, AssertionError, InvalidGraph, LookupError, TypeError, ValueError,
)  # fmt: skip


def size_text(size: Size) -> str:
    """An int or a `Dim` as a C expression over the locals `d_NAME`."""
    if isinstance(size, int):
        return str(size)
    if isinstance(size, Symbol):
        return f"d_{size.name}"
    if isinstance(size, Quotient):
        return f"({size_text(size.numerator)} / {size.denominator})"
    assert isinstance(size, Sum)
    parts = []
    for atoms, coefficient in size.terms:
        factors = [size_text(a) for a in atoms]
        parts.append(" * ".join([str(coefficient), *factors] if coefficient != 1 else factors))
    if size.constant:
        parts.append(str(size.constant))
    return "(" + " + ".join(parts).replace("+ -", "- ") + ")"


@dataclass
class Program:
    """What the functions of one model share."""

    target: Packing
    weights: Weights
    requantization: str
    state_offsets: dict[str, int]
    headers: list[str] = field(default_factory=list)
    definitions: dict[str, str] = field(default_factory=dict)
    constants: dict[Value, str] = field(default_factory=dict)
    #: what the patches of one layer share: the same node of the source, and the same constants
    patches: dict[tuple[Any, ...], tuple[npt.NDArray[Any], str]] = field(default_factory=dict)
    problems: list[EdgewrightError] = field(default_factory=list)


@dataclass
class Function:
    """One entry point while it is written."""

    program: Program
    plan: Plan
    fields: dict[tuple[str, int], str]
    lines: list[str] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    step: int = 0

    def nodes(self, graph: Graph, indent: str = "  ") -> None:
        """Write the nodes of a graph or region in their planned order."""
        for node in self.plan.order[graph]:
            self.node(node, indent)

    def node(self, node: Node, indent: str) -> None:
        """A comment that says what the node is, then its code."""
        out = NodeEmit(self, node, indent)
        self.lines.append(f"{indent}/* {_describe(node)} */")
        start = len(self.lines)
        if ops.of(node).is_view:
            out.copy(node.input(0), node.output)
        else:
            self.emit(node, out)
        if out.statements > 1:  # locals of one node must not meet those of another
            body = ["  " + line for line in self.lines[start:]]
            self.lines[start:] = [f"{indent}{{", *body, f"{indent}}}"]

    def emit(self, node: Node, out: NodeEmit) -> None:
        """The code of a node; what has no code is noted, so that all of it can be named at once."""
        origin = str(node.origin) if node.origin else None
        try:
            parts.emit(out)
        except UnsupportedModel as error:
            error.where = error.where or origin
            self.program.problems.append(error)
        except _NO_KERNEL as error:
            types = ", ".join(str(v.type) for v in node.arguments)
            problem = UnsupportedModel(
                f"{node.op} of {types} has no kernel", origin, "use float32, or 8-bit quantisation"
            )
            problem.__cause__ = error
            self.program.problems.append(problem)


def _describe(node: Node) -> str:
    def short(value: Value) -> str:
        shape = ",".join(str(d) for d in value.type.shape)
        return f"{value.type.dtype.value}[{shape}]"

    name = node.origin.tensor or node.origin.node if node.origin else ""
    text = f"{node.op}" + (f" '{_short_name(name)}'" if name else "")
    text += " -> " + ", ".join(short(v) for v in node.outputs) if node.outputs else ""
    return text.replace("*/", "* /").replace("\n", " ").replace("/*", "/ *")


def _short_name(name: str, limit: int = 60) -> str:
    """The first of the names that a fused tensor carries, with its end if it is long."""
    first = name.split(";", maxsplit=1)[0]
    return first if len(first) <= limit else "..." + first[-limit:]


class NodeEmit:
    """Implements `ops.Emit` for one node."""

    def __init__(self, function: Function, node: Node, indent: str) -> None:
        self.function, self.node, self.indent = function, node, indent
        self.program = function.program
        self.statements = 0
        self.weights = 0
        self.inputs: list[Value | None] = list(node.inputs)
        self.outputs: list[Value] = list(node.outputs)
        self.target = self.program.target
        self.requantization = self.program.requantization

    def ptr(self, value: Value | None) -> str:
        if value is None:
            return "NULL"
        if value.data is not None:
            return self._constant(value)
        place = self.function.plan.places[value]
        if place.kind == "arena":
            return f"A({value.type.dtype.c}, {place.offset})"
        field = self.function.fields[place.kind, place.offset]
        return f"({field} + {place.start // value.type.dtype.itemsize})" if place.start else field

    def _constant(self, value: Value) -> str:
        known = self.program.constants
        if value not in known:
            assert value.data is not None
            known[value] = self._store(value.data, value.type.dtype.c)
        return known[value]

    def _store(self, array: npt.NDArray[Any], c_type: str) -> str:
        owner = self.node.outputs[0].name if self.node.outputs else self.node.op
        offset, _ = self.program.weights.add(array, owner)
        return f"W({c_type}, {offset})"

    def weight(self, array: npt.NDArray[Any]) -> str:
        from edgewright.graph import DType

        constants = tuple(id(v) for v in self.node.arguments if v.is_constant)
        key = (self.node.op, id(self.node.origin), constants, self.weights)
        self.weights += 1
        stored = self.program.patches.get(key) if constants else None
        if stored is None or not np.array_equal(stored[0], array):
            stored = (array, self._store(array, DType.of(array.dtype).c))
            self.program.patches.setdefault(key, stored)
        return stored[1]

    def dim(self, value: Value, axis: int) -> str:
        return size_text(value.type.shape[axis])

    def count(self, value: Value) -> str:
        return size_text(value.type.count)

    def size(self, size: int | Dim) -> str:
        return size_text(size)

    def scratch(self) -> str:
        if self.node not in self.function.plan.scratch:
            if self.function.plan.scratch_bytes.get(self.node, 0) == 0:
                return "NULL"
            raise InternalError(f"{self.node.op} has no scratch in the plan")
        return f"A(void, {self.function.plan.scratch[self.node]})"

    def state(self, name: str) -> str:
        return f"((char *)io->state + {self.program.state_offsets[name]})"

    def header(self, name: str) -> None:
        if name not in self.program.headers:
            self.program.headers.append(name)

    def define(self, name: str, text: str) -> None:
        if self.program.definitions.setdefault(name, text) != text:
            raise InternalError(f"{name} is defined in two ways")

    def line(self, text: str) -> None:
        self.statements += 1
        self.function.lines.append(self.indent + text)

    def call(self, function: str, *args: str | int) -> None:
        self.statements += 1
        self.function.lines += _wrapped(self.indent, function, [str(a) for a in args])

    def fail_if(self, condition: str, error: str) -> None:
        self.line(f"if ({condition}) return {error};")

    def unique(self, stem: str) -> str:
        count = self.function.names.get(stem, 0)
        self.function.names[stem] = count + 1
        return f"{identifier(stem)}_{count}"

    def region(self, graph: Graph) -> None:
        self.function.nodes(graph, self.indent + "  ")

    def is_part(self, part: Value, whole: Value, start: int) -> bool:
        if part.is_constant or whole.is_constant:
            return False
        places = self.function.plan.places
        return places[part] == places[whole].at(start)

    def copy(self, source: Value, target: Value) -> None:
        here, there = self.ptr(source), self.ptr(target)
        if here != there:
            bytes_ = f"(size_t)({self.count(target)}) * {target.type.dtype.itemsize}"
            self.line(f"memcpy({there}, {here}, {bytes_});")


def _wrapped(indent: str, function: str, args: Sequence[str], width: int = 100) -> list[str]:
    """A call over as many lines as it needs."""
    line = f"{indent}{function}("
    lines = []
    for index, arg in enumerate(args):
        piece = arg + (");" if index == len(args) - 1 else ",")
        if len(line) + len(piece) + 1 > width and line.strip() != function + "(":
            lines.append(line.rstrip())
            line = indent + "    "
        line += piece + " "
    return [*lines, line.rstrip() if args else f"{line});"]
