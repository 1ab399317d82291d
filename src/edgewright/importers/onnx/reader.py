"""An ONNX file as a `ModelProto` that is safe to hand to the clean-up and the conversion rules.

`read` bounds what the file states before anybody believes it: sizes of stored tensors, shapes,
nesting, the number of nodes after its functions are expanded. It checks what ONNX demands of a
graph: each value is set once, before it is read. What Edgewright can build is decided later.
"""

import graphlib
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Final

import onnx
from google.protobuf.descriptor import FieldDescriptor  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto

from edgewright.errors import EdgewrightError, InvalidModel, UnsupportedModel
from edgewright.importers.model_file import check_content, load_bytes
from edgewright.importers.onnx.folds import guard_folds
from edgewright.importers.onnx.stored_tensors import MAX_RANK, StoredTensors, element_bits

OLDEST_OPSET: Final = 7
MAX_GRAPH_DEPTH: Final = 16
MAX_NODES: Final = 1_000_000
MAX_VALUE_BYTES: Final = 2**31 - 1

_DEFAULT_DOMAINS: Final = ("", "ai.onnx")
# The field of an attribute that holds a value of each type.
_ATTRIBUTE_FIELDS: Final = {
    "FLOAT": "f", "INT": "i", "STRING": "s", "TENSOR": "t", "GRAPH": "g",
    "SPARSE_TENSOR": "sparse_tensor", "TYPE_PROTO": "tp", "FLOATS": "floats", "INTS": "ints",
    "STRINGS": "strings", "TENSORS": "tensors", "GRAPHS": "graphs",
    "SPARSE_TENSORS": "sparse_tensors", "TYPE_PROTOS": "type_protos",
}  # fmt: skip

Function = onnx.FunctionProto
Key = tuple[str, str, str]  # of a function: domain, name, overload
Names = tuple[set[str], ...]  # those that each graph around a node has set so far


def read(path: Path) -> ModelProto:
    """Read and check an ONNX file; external data is loaded from its folder.

    Raises:
        InvalidModel: the path is not an ONNX file, or the file is damaged, contradicts itself, or
            has constants that would fold to gigabytes.
        UnsupportedModel: its IR version or opset is older or newer than what can be read.
    """
    model = parse(load_bytes(path), path.name, path.parent)
    guard_folds(model, path.name)
    return model


def parse(data: bytes, file: str, folder: Path) -> ModelProto:
    """Read the bytes of an ONNX file named `file` in `folder`. Raises as `read` does."""
    check_content(data, file)
    model = ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError, RuntimeError):
        raise InvalidModel(
            "not an ONNX file, or a truncated one: its protobuf does not parse",
            file,
            "export or download the model again",
        ) from None
    check(model, file, folder)
    return model


def check(model: ModelProto, file: str, folder: Path) -> None:
    """Check a parsed model, and load its external data into it. Raises as `read` does."""
    if not model.HasField("graph"):
        raise InvalidModel("not an ONNX model: it has no graph", file, "name an ONNX file")
    _check_strings(model, file)
    _check_versions(model, file)
    _check_functions(model, file)
    scope = _Scope(file, {entry.domain for entry in model.opset_import}, StoredTensors(folder))
    scope.graph(model.graph, (), "", 1)
    for function in model.functions:
        scope.function(function)


def _check_strings(message: Message, file: str) -> None:
    """Check that all text is UTF-8: protobuf hands out bytes in the place of text that is not."""
    for field, value in message.ListFields():
        items: Sequence[Any] = value if field.is_repeated else [value]
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for item in items:
                _check_strings(item, file)
        elif field.type == FieldDescriptor.TYPE_STRING:
            for item in items:
                if not isinstance(item, str):
                    raise InvalidModel(f"{field.name} {item!r} is not UTF-8", file)


def _check_versions(model: ModelProto, file: str) -> None:
    """Check the version of the format and of the operator sets."""
    _check_ir_version(model.ir_version, file)
    if not model.opset_import:
        raise InvalidModel(
            "the model names no opset, so the meaning of its operators is not known",
            file,
            "export it again with a current exporter, or add opset_import with "
            "onnx.helper.make_opsetid if you know the version",
        )
    imported = {(_domain(entry.domain), entry.version) for entry in model.opset_import}
    domain, count = Counter(domain for domain, _ in imported).most_common(1)[0]
    if count > 1:  # skl2onnx names one twice, which is no contradiction
        raise InvalidModel(f"opset of domain {domain!r} is imported in {count} versions", file)
    for entry in model.opset_import:
        if _domain(entry.domain) == "":
            _check_opset(entry.version, file)


def _check_ir_version(version: int, file: str) -> None:
    if version > onnx.IR_VERSION:
        raise UnsupportedModel(
            f"ONNX IR version {version} is newer than {onnx.IR_VERSION}, the newest known here",
            file,
            "upgrade the onnx package (pip install -U onnx), or export for an older version",
        )


def _check_opset(version: int, file: str) -> None:
    newest = onnx.defs.onnx_opset_version()
    if version > newest:
        raise UnsupportedModel(
            f"opset {version} is newer than {newest}, the newest known here",
            file,
            "upgrade the onnx package (pip install -U onnx), or export with an older opset",
        )
    if version < OLDEST_OPSET:
        raise UnsupportedModel(
            f"opset {version} is older than {OLDEST_OPSET}, the oldest that is read",
            file,
            "convert it with onnx.version_converter.convert_version, or export it again",
        )


def _domain(name: str) -> str:
    return "" if name in _DEFAULT_DOMAINS else name


def _key(message: NodeProto | Function) -> Key:
    """The function that a node may call, or the key of a function."""
    name = message.op_type if isinstance(message, NodeProto) else message.name
    return _domain(message.domain), name, message.overload


def _check_functions(model: ModelProto, file: str) -> None:
    """Check that functions are unique, do not call themselves, and expand to a bounded graph."""
    functions = {_key(function): function for function in model.functions}
    if len(functions) < len(model.functions):
        raise InvalidModel("two functions have one name", file)
    sizes = _function_sizes(functions, file)
    total = _expanded_size(model.graph.node, sizes)
    if total > MAX_NODES:
        raise InvalidModel(f"its functions expand to {total} nodes; {MAX_NODES} are allowed", file)


def _function_sizes(functions: Mapping[Key, Function], file: str) -> dict[Key, int]:
    """The expanded size of each function, callees first."""
    callees = {key: _callees(function.node, functions) for key, function in functions.items()}
    order = graphlib.TopologicalSorter(callees)
    sizes: dict[Key, int] = {}
    try:
        for key in order.static_order():
            sizes[key] = _expanded_size(functions[key].node, sizes)
    except graphlib.CycleError as error:
        name = error.args[1][0][1]
        raise InvalidModel(f"function {name!r} calls itself", file) from None
    return sizes


def _callees(nodes: Sequence[NodeProto], functions: Container[Key]) -> list[Key]:
    """The functions among the operators of some nodes, each once, in order."""
    keys = (_key(node) for node in _all_nodes(nodes))
    return list(dict.fromkeys(key for key in keys if key in functions))


def _expanded_size(nodes: Sequence[NodeProto], sizes: Mapping[Key, int]) -> int:
    """The number of nodes after calls of functions are replaced by their bodies."""
    return sum(1 + sizes.get(_key(node), 0) for node in _all_nodes(nodes))


def _all_nodes(nodes: Sequence[NodeProto]) -> Iterator[NodeProto]:
    """The nodes and those of their subgraphs."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs]:
                yield from _all_nodes(graph.node)


class _Scope:
    """Walks the graphs of one model."""

    def __init__(self, file: str, domains: set[str], tensors: StoredTensors) -> None:
        self.file = file
        self.domains = {_domain(domain) for domain in domains}
        self.tensors = tensors
        self.in_function = False

    def graph(self, graph: GraphProto, outer: Names, where: str, depth: int) -> None:
        """Check one graph; `outer` are the names that it may read from the graphs around it."""
        if depth > MAX_GRAPH_DEPTH:
            raise self.fail(f"graphs nest more than {MAX_GRAPH_DEPTH} deep", where)
        if graph.sparse_initializer:
            name = graph.sparse_initializer[0].values.name
            raise self.fail(
                f"sparse initializer {name!r}", where, "store it dense", UnsupportedModel
            )
        for info in [*graph.input, *graph.output, *graph.value_info]:
            self.value_info(info, where)
        known = self.declared(graph, where)
        self.nodes(graph.node, known, outer, where, depth)
        for info in graph.output:
            if not _is_set(info.name, (known, *outer)):
                raise self.fail(f"nothing sets the output {info.name!r}", where)

    def declared(self, graph: GraphProto, where: str) -> set[str]:
        """The names of inputs and initialisers, each unique."""
        inputs = [info.name for info in graph.input]
        weights = [tensor.name for tensor in graph.initializer]
        for names, kind in ((inputs, "inputs"), (weights, "initializers")):
            if len(set(names)) < len(names):
                name, _ = Counter(names).most_common(1)[0]
                raise self.fail(f"two {kind} are named {name!r}", where)
        for tensor in graph.initializer:
            self.tensors.check(tensor, self.place(f"{where}initializers"))
        return {*inputs, *weights}

    def function(self, function: Function) -> None:
        """Check the body of a function."""
        where = f"function {function.name!r}: "
        known = set(function.input)
        domains = {_domain(entry.domain) for entry in function.opset_import}
        body = _Scope(self.file, domains | self.domains, self.tensors)
        body.in_function = True
        body.nodes(function.node, known, (), where, 1)
        for name in function.output:
            if name not in known:
                raise self.fail(f"nothing sets the output {name!r}", where)

    def nodes(
        self, nodes: Sequence[NodeProto], known: set[str], outer: Names, where: str, depth: int
    ) -> None:
        """Check the nodes in order, and add the names that they set to `known`."""
        names = (known, *outer)
        for index, node in enumerate(nodes):
            here = f"{where}node {index} {node.name!r} ({node.op_type})"
            if not _domain(node.domain) and "" not in self.domains:
                # Other domains may be missing: their operators are unsupported and named later.
                raise self.fail("no opset is imported for ONNX's own operators", here)
            for name in node.input:
                if name and not _is_set(name, names):
                    raise self.fail(
                        f"reads {name!r}, which nothing before it sets",
                        here,
                        "the graph is circular, unsorted or cut; export it again",
                    )
            self.attributes(node, names, here, depth)
            for name in node.output:
                if name and name in known:
                    raise self.fail(f"sets {name!r}, which is set already", here)
                known.add(name)

    def attributes(self, node: NodeProto, names: Names, where: str, depth: int) -> None:
        """Check a node's attributes: unique, of the stated type, with sound tensors and graphs."""
        seen: set[str] = set()
        for attribute in node.attribute:
            if attribute.name in seen:
                raise self.fail(f"two attributes are named {attribute.name!r}", where)
            seen.add(attribute.name)
            here = f"{where}, attribute {attribute.name!r}"
            self.attribute_type(attribute, here)
            for tensor in [attribute.t] if attribute.HasField("t") else attribute.tensors:
                self.tensors.check(tensor, self.place(here))
            for graph in [attribute.g] if attribute.HasField("g") else attribute.graphs:
                self.graph(graph, names, f"{here}: ", depth + 1)
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                raise self.fail("a sparse tensor", here, "store it dense", UnsupportedModel)

    def attribute_type(self, attribute: AttributeProto, where: str) -> None:
        """Check that an attribute holds a value of its type, and of no other."""
        number = attribute.type
        if (
            number == AttributeProto.UNDEFINED
            or number not in AttributeProto.AttributeType.values()
        ):
            raise self.fail(f"unknown attribute type {number}", where)
        field = _ATTRIBUTE_FIELDS[AttributeProto.AttributeType.Name(number)]
        if attribute.ref_attr_name:
            if not self.in_function:
                raise self.fail("refers to a function's attribute outside of a function", where)
        elif field in ("t", "g", "tp") and not attribute.HasField(field):
            raise self.fail(f"no value in {field!r}, as its type demands", where)
        others = [name for name in _ATTRIBUTE_FIELDS.values() if name != field]
        filled = {descriptor.name for descriptor, _ in attribute.ListFields()}
        if wrong := sorted(filled.intersection(others)):
            raise self.fail(f"a value in {wrong[0]!r}, but its type says {field!r}", where)

    def value_info(self, info: ValueInfoProto, where: str) -> None:
        """Check a declared type: known, with bounded dims; a dim of -1 becomes an unknown one."""
        if not info.HasField("type") or not info.type.HasField("tensor_type"):
            return  # sequences and maps: the conversion rules name them
        self.tensor_type(info.type.tensor_type, f"{where}value {info.name!r}")

    def tensor_type(self, declared: TypeProto.Tensor, where: str) -> None:
        if declared.elem_type not in onnx.TensorProto.DataType.values():
            raise self.fail(f"unknown element type {declared.elem_type}", where)
        for dim in declared.shape.dim:
            if dim.dim_value == -1:  # how some exporters write "any size"
                dim.ClearField("dim_value")
        dims = [dim.dim_value for dim in declared.shape.dim if dim.HasField("dim_value")]
        if any(dim < 0 for dim in dims) or len(declared.shape.dim) > MAX_RANK:
            raise self.fail(
                f"impossible shape {dims[:MAX_RANK]}",
                where,
                "give a dimension of unknown size a name (dim_param) instead of a number",
            )
        bits = element_bits(declared.elem_type) if declared.elem_type else 8
        if prod(dims) * bits // 8 > MAX_VALUE_BYTES:
            raise self.fail(f"shape {dims} takes more than 2 GiB", where)

    def place(self, where: str) -> str:
        where = where.removesuffix(": ")
        return f"{self.file}: {where}" if where else self.file

    def fail(
        self,
        what: str,
        where: str,
        help: str | None = None,
        error: type[EdgewrightError] = InvalidModel,
    ) -> EdgewrightError:
        return error(what, self.place(where), help)


def _is_set(name: str, scopes: Names) -> bool:
    return any(name in names for names in scopes)
