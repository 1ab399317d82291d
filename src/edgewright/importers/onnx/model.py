"""From a model file to a module: inputs, constants, nodes, outputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx

from edgewright.errors import (
    EdgewrightError,
    InvalidModel,
    InvalidOption,
    UnsupportedModel,
    raise_all,
)
from edgewright.graph import Graph, Location, Module, Node, Size, Source, TensorType, Value
from edgewright.importers.onnx import OLDEST_OPSET
from edgewright.importers.onnx.builder import Builder
from edgewright.importers.onnx.clean_up import clean_up
from edgewright.importers.onnx.folds import guard_folds
from edgewright.importers.onnx.reader import read
from edgewright.importers.onnx.scope import BROKEN, File, Scope
from edgewright.importers.onnx.tensors import dtype_of
from edgewright.importers.options import ImportOptions


def load(path: Path, options: ImportOptions) -> Module:
    """Read and import a model; see `edgewright.importers.onnx.load`."""
    model = read(path)
    guard_folds(model, path.name)
    return convert(model, path.name, options, own=True)


def convert(model: onnx.ModelProto, name: str, options: ImportOptions, own: bool = False) -> Module:
    """Import a model that is already in memory; `name` stands for it in messages.

    It is left as it is, unless it is `own`: large ones are not held twice.
    """
    opsets = _opsets(model, name)
    tensors = _tensors(model.graph)
    model = clean_up(model, opsets.get("", 0), own)
    file = File(name, model, options, tensors)
    graph = Graph("main")
    scope = Scope(file, Builder(graph), opsets)
    _add_inputs(scope, model.graph, options)
    scope.inline(model.graph)
    outputs = _outputs(scope, model.graph)
    raise_all(file.problems)
    for output, value in outputs.items():
        graph.outputs.append(_named_output(graph, output, value))
    _remove_dead(graph)
    options.labels = {k: v for k, v in options.labels.items() if k in outputs}
    return Module({"main": graph})


def _tensors(graph: onnx.GraphProto) -> frozenset[str]:
    """The names of all tensors of a file, those of subgraphs included."""
    names = {i.name for i in graph.input} | {t.name for t in graph.initializer}
    for node in graph.node:
        names.update(node.output)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                names |= _tensors(attribute.g)
    return frozenset(names)


def _opsets(model: onnx.ModelProto, name: str) -> dict[str, int]:
    """Operator-set versions by domain. Raises UnsupportedModel for those out of range."""
    opsets = {("" if o.domain == "ai.onnx" else o.domain): o.version for o in model.opset_import}
    newest = onnx.defs.onnx_opset_version()
    version = opsets.get("", OLDEST_OPSET)
    if not opsets:
        raise InvalidModel(
            "the model does not say which operator set it uses", name, "export the model again"
        )
    if not OLDEST_OPSET <= version <= newest:
        raise UnsupportedModel(
            f"opset {version} is outside {OLDEST_OPSET}..{newest}",
            name,
            "convert it with onnx.version_converter"
            if version < OLDEST_OPSET
            else "update the onnx package",
        )
    return opsets


# -- inputs ---------------------------------------------------------------------------------------


def _add_inputs(scope: Scope, graph: onnx.GraphProto, options: ImportOptions) -> None:
    """Make the graph's inputs; names that also have an initializer are constants (IR below 4)."""
    constants = {t.name for t in graph.initializer}
    inputs = [i for i in graph.input if i.name not in constants]
    given = options.sizes()
    unknown = sorted(set(given) - {i.name for i in inputs})
    if unknown:
        names = ", ".join(i.name for i in inputs)
        raise InvalidOption(f"the model has no input {unknown[0]!r}", help=f"its inputs: {names}")
    bound = _bound_dims(inputs, given)
    for info in inputs:
        try:
            type = _input_type(scope.file, info, given, bound)
        except UnsupportedModel as error:
            scope.file.problems.append(error)
            scope.values[info.name] = BROKEN
            continue
        value = scope.builder.graph.add_input(info.name, type, Source(info.name))
        scope.values[info.name] = value


def _bound_dims(
    inputs: list[onnx.ValueInfoProto], given: Mapping[str, tuple[Size, ...]]
) -> dict[str, Size]:
    """The sizes that options give to the model's named dims, so that other inputs agree."""
    bound: dict[str, Size] = {}
    for info in inputs:
        dims = info.type.tensor_type.shape.dim
        for dim, size in zip(dims, given.get(info.name, ()), strict=False):
            if dim.dim_param:
                bound.setdefault(dim.dim_param, size)
    return bound


def _input_type(
    file: File,
    info: onnx.ValueInfoProto,
    given: Mapping[str, tuple[Size, ...]],
    bound: Mapping[str, Size],
) -> TensorType:
    where = Location(file.name, "input", tensor=info.name)
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        raise UnsupportedModel(f"input {info.name!r} is a {kind}", where, "use tensors")
    held = info.type.tensor_type
    dtype = dtype_of(held.elem_type, f"input {info.name!r}", where)
    sizes = given.get(info.name)
    if not held.HasField("shape"):
        if sizes is None:
            help = f"state it, for instance --shape {info.name}=1,3,224,224"
            raise UnsupportedModel(f"input {info.name!r} has no shape", where, help)
        return TensorType(dtype, sizes)
    if sizes is not None and len(sizes) != len(held.shape.dim):
        raise InvalidOption(
            f"input {info.name!r} has {len(held.shape.dim)} axes, --shape gives {len(sizes)}"
        )
    shape = tuple(
        _dim(file, info.name, axis, dim=dim, size=sizes[axis] if sizes else None, bound=bound)
        for axis, dim in enumerate(held.shape.dim)
    )
    return TensorType(dtype, shape)


def _dim(
    file: File,
    name: str,
    axis: int,
    *,
    dim: onnx.TensorShapeProto.Dimension,
    size: Size | None,
    bound: Mapping[str, Size],
) -> Size:
    """One size of an input: what the options say, or the file, or 1."""
    if size is not None:
        if dim.dim_value > 0 and isinstance(size, int) and size != dim.dim_value:
            file.options.note(f"input {name!r}: axis {axis} is {size} instead of {dim.dim_value}")
        return size
    if dim.dim_value > 0:
        return dim.dim_value
    if dim.dim_param in bound:
        return bound[dim.dim_param]
    called = f" ({dim.dim_param})" if dim.dim_param else ""
    file.options.note(f"input {name!r}: axis {axis}{called} is not fixed, so 1 is assumed")
    return 1


# -- outputs --------------------------------------------------------------------------------------


def _outputs(scope: Scope, graph: onnx.GraphProto) -> dict[str, Value]:
    """The values of the outputs; those that were refused are left out, as the file is refused."""
    found: dict[str, Value] = {}
    for info in graph.output:
        where = Location(scope.file.name, "output", tensor=info.name)
        try:
            value = scope.lookup(info.name, where)
        except EdgewrightError as error:
            scope.file.problems.append(error)
            continue
        if value is not None and value is not BROKEN:
            found[info.name] = value
    return found


def _named_output(graph: Graph, name: str, value: Value) -> Value:
    """The value of an output under the output's name; a copy where one value has two roles."""
    if value.name == name and not value.is_constant:
        return value
    if value in graph.inputs or value in graph.outputs or value.is_constant:
        value = _copy(graph, value)
    for other in _values(graph):
        if other.name == name and other is not value:
            other.name = graph.unique(f"{name}/inner")
    value.name = name
    return value


def _copy(graph: Graph, value: Value) -> Value:
    """A node whose result equals `value`; not through the builder, which would fold it."""
    made = graph.value(value.name, value.type)
    where = Location("", "output", tensor=value.name)
    graph.insert(Node("reshape", [value], [made], {"shape": value.type.shape}, [], where))
    return made


def _values(graph: Graph) -> list[Value]:
    found = [*graph.inputs, *graph.constants()]
    for node in graph.walk():
        found += node.outputs
        found += [v for region in node.regions for v in region.inputs]
    return found


def _remove_dead(graph: Graph) -> None:
    """Drop nodes that nothing reads: shape arithmetic that became attributes."""
    kept = {v for g in graph.walk_graphs() for v in g.outputs}
    for region in reversed(list(graph.walk_graphs())):
        for node in reversed(list(region.nodes)):
            if not any(v.users or v in kept for v in node.outputs):
                region.remove(node)
