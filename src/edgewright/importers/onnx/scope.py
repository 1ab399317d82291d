"""Walks the nodes of a graph, a region or a function body, and applies the rules to them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import onnx

from edgewright.errors import (
    EdgewrightError,
    InvalidGraph,
    InvalidInput,
    InvalidModel,
    UnsupportedModel,
)
from edgewright.graph import DType, Graph, Location, Source, TensorType, Value
from edgewright.importers.onnx import expand, rule
from edgewright.importers.onnx.builder import Builder
from edgewright.importers.onnx.clean_up import origin_of
from edgewright.importers.onnx.node import SourceNode, source_of
from edgewright.importers.onnx.tensors import DTYPES, array_of
from edgewright.importers.options import ImportOptions

#: Stands for the result of a node that was refused, so that the nodes after it are still looked at.
BROKEN = Value("<refused>", TensorType(DType.FLOAT32, ()))


class File:
    """What all scopes of one file share: its name, its functions, and what is wrong with it."""

    def __init__(
        self,
        name: str,
        model: onnx.ModelProto,
        options: ImportOptions,
        tensors: frozenset[str],
    ) -> None:
        self.name, self.model, self.options = name, model, options
        self.tensors = tensors  # the names in the file itself, before any clean-up
        self.problems: list[EdgewrightError] = []
        self.functions = {(f.domain, f.name): f for f in model.functions}

    @functools.cached_property
    def stated(self) -> dict[str, TensorType]:
        """Types that the file itself states, for what follows a node that was refused.

        onnx's own inference would know more, but it crashes the process on damaged attributes.
        """
        found = {}
        for info in self.model.graph.value_info:
            held = info.type.tensor_type
            sizes = [d.dim_value for d in held.shape.dim]
            if held.elem_type in DTYPES and held.HasField("shape") and all(s > 0 for s in sizes):
                found[info.name] = TensorType(DTYPES[held.elem_type], tuple(sizes))
        return found


class Scope:
    """The tensor names that are visible at one place, and the graph that is being built there."""

    def __init__(
        self,
        file: File,
        builder: Builder,
        opsets: Mapping[str, int],
        parent: Scope | None = None,
        origin: Location | None = None,
    ) -> None:
        self.file, self.builder, self.opsets = file, builder, dict(opsets)
        self.parent = parent
        self.origin = origin
        self.values: dict[str, Value | None] = {}

    def opset(self, domain: str) -> int:
        """The version of an operator set that the model asks for; 1 when it does not say."""
        return self.opsets.get("" if domain == "ai.onnx" else domain, 1)

    def lookup(self, name: str, where: Location) -> Value | None:
        """The value of a tensor name; None for an operand left out."""
        if not name:
            return None
        if name in self.values:
            return self.values[name]
        if self.parent is None:
            raise InvalidModel(f"tensor {name!r} is used but never made", where)
        return self.parent.lookup(name, where)

    def region(self, graph: onnx.GraphProto, types: Sequence[TensorType], name: str) -> Graph:
        """Import a subgraph whose inputs have the given types."""
        inner = Scope(self.file, self.builder.region(name), self.opsets, self)
        for value, type in zip(graph.input, types, strict=True):
            held = inner.builder.graph.add_input(value.name, type, Source(value.name))
            inner.values[value.name] = held
        inner.inline(graph)
        inner.builder.graph.outputs = inner.results(graph)
        return inner.builder.graph

    def branch(self, graph: onnx.GraphProto) -> list[Value]:
        """Import a subgraph without inputs right here: a branch whose condition is known."""
        inner = Scope(self.file, self.builder, self.opsets, self)
        inner.inline(graph)
        return inner.results(graph)

    def inline(self, graph: onnx.GraphProto) -> None:
        """Import the initializers and the nodes of a graph."""
        self.add_initializers(graph)
        self.add_nodes(graph.node)

    def results(self, graph: onnx.GraphProto) -> list[Value]:
        """The values of a graph's outputs. Raises Stop when one of them was refused."""
        where = Location(self.file.name, "output")
        values = [self.lookup(o.name, where) or BROKEN for o in graph.output]
        if BROKEN in values:
            raise Stop
        return values

    def add_initializers(self, graph: onnx.GraphProto) -> None:
        """Make the constants of a graph."""
        for tensor in graph.sparse_initializer:
            where = Location(self.file.name, "initializer", tensor=tensor.values.name)
            self.file.problems.append(
                UnsupportedModel("sparse initializer", where, "store the tensor densely")
            )
            self.values[tensor.values.name] = BROKEN
        for held in graph.initializer:
            self.add_initializer(held)

    def add_initializer(self, tensor: onnx.TensorProto) -> None:
        """Make one constant, named as in the file."""
        where = Location(self.file.name, "initializer", tensor=tensor.name)
        try:
            array, dtype = array_of(tensor, where)
        except EdgewrightError as error:
            self.file.problems.append(error)
            self.values[tensor.name] = BROKEN
            return
        type = TensorType(dtype, array.shape)
        value = self.builder.constant(tensor.name, array, type)
        value.source = Source(tensor.name)
        self.values[tensor.name] = value

    def add_nodes(self, nodes: Sequence[onnx.NodeProto]) -> None:
        """Import nodes in order, collecting what is wrong with them."""
        for proto in nodes:
            where = self.origin or origin_of(proto, self.file.name)
            try:
                self._add_node(proto, where)
            except Stop:
                self._break(proto)
            except InvalidGraph as error:
                self.file.problems.append(UnsupportedModel(f"{proto.op_type}: {error.what}", where))
                self._break(proto)
            except InvalidInput as error:  # an index outside of a constant, found while folding
                self.file.problems.append(InvalidModel(f"{proto.op_type}: {error.what}", where))
                self._break(proto)
            except EdgewrightError as error:
                self.file.problems.append(error)
                self._break(proto)
            except (ArithmeticError, LookupError, ValueError) as error:
                # Attributes and operands that contradict each other in ways no rule foresees.
                broken = InvalidModel(f"{proto.op_type} contradicts itself: {error}", where)
                broken.__cause__ = error
                self.file.problems.append(broken)
                self._break(proto)

    def _break(self, proto: onnx.NodeProto) -> None:
        """Stand-ins for the results of a node that was refused.

        Where their types are known the nodes behind them are looked at as usual, unless these need
        values rather than types: integers are mostly shapes.
        """
        for name in filter(None, proto.output):
            type = self.file.stated.get(name)
            if type is not None and type.dtype.is_float and self.origin is None:
                self.values[name] = Value(name, type)
            else:
                self.values[name] = BROKEN

    def _add_node(self, proto: onnx.NodeProto, where: Location) -> None:
        found = rule.find(proto.domain, proto.op_type, self.opset(proto.domain))
        inputs = [self.lookup(name, where) for name in proto.input]
        if found is None:
            self._expand(proto, inputs, where)
            return
        if BROKEN in inputs:
            raise Stop
        node = SourceNode(proto, self, inputs, where)
        result = found(node)
        values = [result] if isinstance(result, Value) else list(result)
        for name, value in zip(proto.output, values, strict=False):
            if name and value is not None:
                self._bind(name, value)
        for name in proto.output[len(values) :]:
            if name:
                node.refuse(f"output {name!r} is not supported")

    def _bind(self, name: str, value: Value) -> None:
        """Give a result the name of its tensor; an alias of an older value keeps the older name."""
        if value.source is None and self.origin is None:
            value.name = self.builder.graph.unique(name)
            if name in self.file.tensors:
                source_of(value, name)
        self.values[name] = value

    def _expand(
        self, proto: onnx.NodeProto, inputs: Sequence[Value | None], where: Location
    ) -> None:
        """Import a node without a rule through its function body."""
        types = [v.type if v else None for v in inputs] if BROKEN not in inputs else None
        body = expand.body_of(proto, self.opset(proto.domain), self.file.functions, types)
        if body is None:
            raise self._unsupported(proto, inputs, where)
        missing = expand.without_rule(body, self.file.functions)
        if missing:
            what = f"its expansion needs {', '.join(missing)}, for which there is no rule"
            raise self._unsupported(proto, inputs, where, what)
        if BROKEN in inputs:
            raise Stop
        self._call(proto, body, inputs, where)

    def _call(
        self,
        proto: onnx.NodeProto,
        body: onnx.FunctionProto,
        inputs: Sequence[Value | None],
        where: Location,
    ) -> None:
        opsets = {o.domain: o.version for o in body.opset_import}
        inner = Scope(self.file, self.builder, opsets, None, where)
        padded = [*inputs, *[None] * (len(body.input) - len(inputs))]
        inner.values.update(zip(body.input, padded, strict=True))
        inner.add_nodes(expand.bound_nodes(body, proto))
        for outer, name in zip(proto.output, body.output, strict=False):
            if not outer:
                continue
            value = inner.lookup(name, where)
            if value is None or value is BROKEN:
                raise Stop
            self._bind(outer, value)

    def _unsupported(
        self,
        proto: onnx.NodeProto,
        inputs: Sequence[Value | None],
        where: Location,
        what: str = "this operator is not supported",
    ) -> UnsupportedModel:
        domain = f"{proto.domain}." if proto.domain else ""
        types = ", ".join("?" if v is BROKEN else str(v.type) if v else "-" for v in inputs)
        name = f"{domain}{proto.op_type} (opset {self.opset(proto.domain)})"
        help = "replace it by standard operators, or register a rule of your own for it"
        return UnsupportedModel(f"{name}({types}): {what}", where, help)


class Stop(Exception):
    """A node reads a result that was refused; the refusal is already recorded."""
