"""The text form of graphs: reading it back.

Types may be left out of results when the caller passes `infer`, which tests and docstrings do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from edgewright.errors import InvalidGraph
from edgewright.graph.dims import Dim, Size, Symbol
from edgewright.graph.graph import Array, Graph, Module, Node, State, Value
from edgewright.graph.types import DType, Quant, TensorType

Infer = Callable[[Node], list[TensorType]]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<comment>\#[^\n]*)
    | (?P<name>%(?:"(?:[^"\\]|\\.)*"|[A-Za-z0-9_][A-Za-z0-9_./-]*))
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<sha>sha256:[0-9a-f]{64})
    | (?P<range>\.\.)
    | (?P<arrow>->)
    | (?P<number>-?(?:inf|nan|[0-9]+(?:\.(?!\.)[0-9]*)?(?:e[+-]?[0-9]+)?)\b|-?[0-9]+\.(?!\.))
    | (?P<floor>//)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<mark>[][(){}<>,:=*+-])
    )""",
    re.VERBOSE,
)


def parse_module(
    text: str, data: Mapping[str, Array] | None = None, infer: Infer | None = None
) -> Module:
    """Read a module. `data` maps SHA-256 to constants. Raises InvalidGraph with line and reason."""
    return _Parser(text, data or {}, infer).module()


def parse_graph(
    text: str, infer: Infer | None = None, data: Mapping[str, Array] | None = None
) -> Graph:
    """Read one graph, without the `module` line; `data` as `parse_module` takes it."""
    parser = _Parser(text, data or {}, infer)
    while parser.at("dim"):
        parser.dim()
    return parser.graph()


def parse_size(text: str, symbols: Mapping[str, Symbol]) -> Size:
    """Read one size, such as `3*h + 1`. Raises InvalidGraph."""
    parser = _Parser(text, {}, None)
    parser.dims = dict(symbols)
    return parser.size()


class _Parser:
    def __init__(self, text: str, data: Mapping[str, Array], infer: Infer | None) -> None:
        self.text, self.data, self.infer = text, data, infer
        self.tokens = list(self._tokenize())
        self.index = 0
        self.dims: dict[str, Symbol] = {}
        self.values: dict[str, Value] = {}

    def _tokenize(self) -> Iterator[tuple[str, str, int]]:
        """Kind, text and position of each token; the last one is `end`."""
        position, end = 0, len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if not match:
                position += len(self.text[position:]) - len(self.text[position:].lstrip())
                raise self._error(f"unexpected {self.text[position : position + 20]!r}", position)
            position, kind = match.end(), str(match.lastgroup)
            if kind != "comment":
                yield kind, match[kind], match.start(kind)
        yield "end", "", end

    def _error(self, what: str, position: int | None = None) -> InvalidGraph:
        if position is None:
            position = self.tokens[self.index][2]
        line = self.text.count("\n", 0, position) + 1
        return InvalidGraph(what, where=f"graph text, line {line}")

    def _wrong(self, what: str) -> InvalidGraph:
        """As `_error`, about what was read last."""
        return self._error(what, self.tokens[self.index - 1][2])

    def at(self, text: str) -> bool:
        return self.tokens[self.index][1] == text

    def kind(self) -> str:
        return self.tokens[self.index][0]

    def next(self) -> str:
        kind, token, _ = self.tokens[self.index]
        if kind == "end":
            raise self._error("the text ends too early")
        self.index += 1
        return token

    def accept(self, text: str) -> bool:
        if self.at(text):
            self.index += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise self._error(f"expected {text!r}, found {self.tokens[self.index][1]!r}")

    def integer(self) -> int:
        if not re.fullmatch(r"-?[0-9]+", self.tokens[self.index][1]):
            raise self._error(f"expected a whole number, found {self.tokens[self.index][1]!r}")
        return int(self.next())

    # -- grammar ----------------------------------------------------------------------------

    def module(self) -> Module:
        module = Module()
        self.expect("module")
        self.expect("requantization")
        self.expect("=")
        module.requantization = self.requantization()
        while self.at("dim"):
            self.dim()
        while self.accept("state"):
            name, type = self.typed_name()
            self.once(name, module.states, "state")
            self.expect("=")
            module.states[name] = State(name, type, self.constant_data(type))
        while self.at("graph"):
            graph = self.graph()
            self.once(graph.name, module.graphs, "graph")
            module.graphs[graph.name] = graph
        if self.kind() != "end":
            raise self._error(f"expected a graph, found {self.tokens[self.index][1]!r}")
        return module

    def requantization(self) -> str:
        mode = self.next().strip('"')
        if mode not in ("float", "fixed"):
            raise self._wrong(f"requantization is {mode!r}, not float or fixed")
        return mode

    def once(self, name: str, known: Mapping[str, object], what: str) -> None:
        if name in known:
            raise self._wrong(f"{what} {name} is defined twice")

    def dim(self) -> None:
        self.expect("dim")
        name = self.next()
        self.once(name, self.dims, "dim")
        self.expect(":")
        low = self.integer()
        self.expect("..")
        self.dims[name] = Symbol(name, low, self.integer())

    def graph(self, parent: Graph | None = None) -> Graph:
        self.next()
        if parent is None:
            self.values = {}
        graph = Graph(self.next(), parent)
        self.expect("(")
        while not self.accept(")"):
            name, type = self.typed_name()
            self.declare(graph.add_input(name, type), name)
            self.accept(",")
        self.expect("->")
        self.expect("(")
        outputs = []
        while not self.accept(")"):
            outputs.append(self.name())
            self.accept(",")
        self.expect("{")
        while not self.accept("}"):
            self.statement(graph)
        graph.outputs = [self.lookup(name) for name in outputs]
        return graph

    def statement(self, graph: Graph) -> None:
        if self.accept("const"):
            name, type = self.typed_name()
            self.expect("=")
            self.declare(graph.constant(name, self.constant_data(type), type), name)
        else:
            self.node(graph)

    def node(self, graph: Graph) -> None:
        names: list[tuple[str, TensorType | None]] = []
        while self.kind() == "name":
            name = self.name()
            names.append((name, self.type() if self.accept(":") else None))
            self.accept(",")
        if names:
            self.expect("=")
        node = Node(self.next(), [], [])
        self.expect("(")
        while not self.accept(")"):
            node.inputs.append(None if self.accept("none") else self.lookup(self.name()))
            self.accept(",")
        if self.accept("{"):
            node.attrs = self.attributes()
        while self.at("region"):
            node.regions.append(self.graph(graph))
        self.results(graph, node, names)
        graph.insert(node)

    def results(self, graph: Graph, node: Node, names: list[tuple[str, TensorType | None]]) -> None:
        inferred: list[TensorType] = []
        if any(type is None for _, type in names):
            if self.infer is None:
                raise self._wrong(f"the type of %{names[0][0]} is missing")
            inferred = self.infer(node)
            if len(inferred) != len(names):
                raise self._wrong(f"{node.op} has {len(inferred)} results, not {len(names)}")
        for index, (name, type) in enumerate(names):
            node.outputs.append(self.declare(graph.value(name, type or inferred[index]), name))

    def attributes(self) -> dict[str, Any]:
        attrs = {}
        while not self.accept("}"):
            key = self.next()
            self.expect("=")
            attrs[key] = self.literal()
            self.accept(",")
        return attrs

    def literal(self) -> Any:
        kind = self.kind()
        if kind == "mark" and self.accept("["):
            items = []
            while not self.accept("]"):
                items.append(self.literal())
                self.accept(",")
            return tuple(items)
        if kind == "string":
            return _unquote(self.next())
        multiplies = self.tokens[min(self.index + 1, len(self.tokens) - 1)][1] == "*"
        if kind == "number" and not multiplies:
            return _number(self.next())
        words = {"none": None, "true": True, "false": False}
        if self.tokens[self.index][1] in words:
            return words[self.next()]
        return self.size()

    def name(self) -> str:
        if self.kind() != "name":
            raise self._error(f"expected a %name, found {self.tokens[self.index][1]!r}")
        text = self.next()[1:]
        return _unquote(text) if text.startswith('"') else text

    def typed_name(self) -> tuple[str, TensorType]:
        name = self.name()
        self.expect(":")
        return name, self.type()

    def declare(self, value: Value, name: str) -> Value:
        if name in self.values:
            raise self._wrong(f"%{name} is defined twice")
        self.values[name] = value
        return value

    def lookup(self, name: str) -> Value:
        if name not in self.values:
            raise self._wrong(f"%{name} is not defined")
        return self.values[name]

    def type(self) -> TensorType:
        word = self.next()
        try:
            dtype = DType(word)
        except ValueError:
            raise self._wrong(f"unknown element type {word!r}") from None
        self.expect("[")
        shape: list[Size] = []
        while not self.accept("]"):
            shape.append(self.size())
            self.accept(",")
        quant = self.quant() if self.accept("<") else None
        return TensorType(dtype, tuple(shape), quant)

    def quant(self) -> Quant:
        axis = block = None
        if self.accept("axis"):
            self.expect("=")
            axis = self.integer()
        if self.accept("block"):
            self.expect("=")
            block = self.integer()
        scales, zeros = [], []
        while not self.accept(">"):
            if self.kind() != "number":
                raise self._error(f"expected a scale, found {self.tokens[self.index][1]!r}")
            scales.append(float(self.next()))
            self.expect(":")
            zeros.append(self.integer())
            self.accept(",")
        try:
            return Quant(tuple(scales), tuple(zeros), axis, block)
        except ValueError as error:
            raise self._wrong(f"quantisation: {error}") from None

    def size(self) -> Size:
        total = self.term()
        while True:
            if self.accept("+"):
                total = total + self.term()
            elif self.accept("-"):
                total = total - self.term()
            elif self.kind() == "number" and self.tokens[self.index][1].startswith("-"):
                total = total + self.integer()
            else:
                return total

    def term(self) -> Size:
        result = self.atom()
        while True:
            if self.accept("*"):
                result = result * self.atom()
            elif self.accept("//"):
                result = result // self.divisor()
            else:
                return result

    def divisor(self) -> int:
        number = self.integer()
        if number <= 0:
            raise self._wrong(f"a size is divided by {number}")
        return number

    def atom(self) -> Size:
        if self.accept("("):
            inner = self.size()
            self.expect(")")
            return inner
        if self.accept("-"):
            return self.atom() * -1
        token = self.tokens[self.index][1]
        if self.kind() == "number":
            return self.integer()
        if token not in self.dims:
            raise self._error(f"unknown size {token!r}")
        size: Dim = self.dims[self.next()]
        return size

    def constant_data(self, type: TensorType) -> Array:
        if self.kind() == "sha":
            key = self.next().removeprefix("sha256:")
            if key not in self.data:
                raise self._wrong(f"the data of constant {key[:12]}… is missing")
            return self.data[key]
        values = self.literal()
        try:
            return np.array(values, type.dtype.numpy).reshape(type.dims)
        except (ValueError, OverflowError, TypeError) as error:
            raise self._wrong(f"constant data: {error}") from None


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text[1:-1])


def _number(text: str) -> int | float:
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    value = float(text)
    return -math.inf if text == "-inf" else value
