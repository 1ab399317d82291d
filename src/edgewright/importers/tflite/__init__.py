"""TensorFlow Lite files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgewright.errors import (
    EdgewrightError,
    InvalidGraph,
    InvalidModel,
    UnsupportedModel,
    raise_all,
)
from edgewright.graph import Graph, Module, Size, Source, TensorType, Value
from edgewright.importers.options import ImportOptions
from edgewright.importers.tflite.node import Scope, SourceNode, dtype_of, quant_of
from edgewright.importers.tflite.reader import Operator, Subgraph, Tensor, TfliteModel, read
from edgewright.importers.tflite.rule import rule_name, rules

#: inputs and outputs go by the names of the signature, which the file's tensors do not have
KEEPS_NAMES = False


def sniff(head: bytes, path: Path) -> bool:
    """Whether the file looks like a .tflite file, by its identifier or its name."""
    return head[4:8] == b"TFL3" or path.suffix == ".tflite"


def load(path: Path, options: ImportOptions) -> Module:
    """Import a .tflite file; the first subgraph becomes `main`, an initialising one `init`.

    Raises:
        InvalidModel: the file is damaged or contradicts itself.
        Problems: everything in it that is not supported, with the place of each.
    """
    model = read(path)
    module = Module()
    main = Graph("main")
    module.graphs["main"] = main
    scope = Scope(model, model.subgraphs[0], main, module, options, path.name)
    _refuse_unknown(scope)
    import_subgraph(scope)
    for value, label in zip(main.outputs, _output_names(model), strict=False):
        rename(main, value, label)
    return module


def _refuse_unknown(scope: Scope) -> None:
    """All operators without a rule, in all subgraphs, before anything else."""
    problems: list[EdgewrightError] = []
    for subgraph in scope.model.subgraphs:
        for operator in subgraph.operators:
            if rule_name(operator) not in rules():
                problems.append(_unsupported(replace_subgraph(scope, subgraph), operator))
    raise_all(problems)


def replace_subgraph(scope: Scope, subgraph: Subgraph) -> Scope:
    """A scope for another subgraph of the same file."""
    return replace(scope, subgraph=subgraph, values={}, handles={})


def _unsupported(scope: Scope, operator: Operator) -> UnsupportedModel:
    node = SourceNode(scope, operator)
    kinds = [_kind(scope.subgraph.tensors[i]) for i in operator.inputs if i >= 0]
    makes = [_kind(t) for t in node.outputs]
    what = f"operator {node.origin.op_type} is not supported"
    return UnsupportedModel(
        f"{what}: ({', '.join(kinds)}) -> ({', '.join(makes)})",
        where=node.origin,
        help="replace it in the source model, or add an operator (CONTRIBUTING.md)",
    )


def _kind(tensor: Tensor) -> str:
    return f"{tensor.type.lower()}[{','.join(map(str, tensor.shape))}]"


def import_subgraph(scope: Scope) -> None:
    """Import inputs, operators and outputs of a subgraph into `scope.graph`."""
    problems: list[EdgewrightError] = []
    _import_inputs(scope, problems)
    raise_all(problems)  # without its inputs, every operator would fail
    for operator in scope.subgraph.operators:
        _import_operator(scope, operator, problems)
    raise_all(problems)
    last = SourceNode(scope, scope.subgraph.operators[-1]) if scope.subgraph.operators else None
    for index in scope.subgraph.outputs:
        value = last.lookup(index) if last else scope.values[index]
        scope.graph.outputs.append(value)


def _import_inputs(scope: Scope, problems: list[EdgewrightError]) -> None:
    sizes = scope.options.sizes()
    for index, name in zip(scope.subgraph.inputs, _input_names(scope), strict=True):
        tensor = scope.subgraph.tensors[index]
        try:
            shape = _input_shape(scope, tensor, name, sizes)
            type = TensorType(dtype_of(tensor), shape, quant_of(tensor))
        except UnsupportedModel as error:
            error.where = error.where or f"{scope.file}: input '{name}'"
            problems.append(error)
            continue
        scope.values[index] = scope.graph.add_input(name, type, Source(tensor.name))


def _import_operator(scope: Scope, operator: Operator, problems: list[EdgewrightError]) -> None:
    node = SourceNode(scope, operator)
    try:
        result = rules()[rule_name(operator)](node)
    except UnsupportedModel as error:
        error.where = error.where or str(node.origin)
        problems.append(error)
        result = _placeholders(node)
    except InvalidGraph as error:
        problems.append(node.fail(error.what))
        result = _placeholders(node)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Options and operands that contradict each other in ways no rule foresees.
        broken = InvalidModel(f"{node.origin.op_type} contradicts itself: {error}", node.origin)
        broken.__cause__ = error
        problems.append(broken)
        result = _placeholders(node)
    values = [] if result is None else [result] if isinstance(result, Value) else list(result)
    for index, value in zip(operator.outputs, values, strict=False):
        scope.values[index] = value


def _placeholders(node: SourceNode) -> list[Value]:
    """Stand-ins for what could not be imported, so that later operators are looked at as well."""
    made = []
    for tensor in node.outputs:
        if tensor.type != "RESOURCE":
            type = TensorType(dtype_of(tensor), tensor.shape, quant_of(tensor))
            made.append(node.graph.value(tensor.name, type))
    return made


def _input_names(scope: Scope) -> list[str]:
    """The signature's parameter names where there is one, else the tensors'."""
    named: dict[int, str] = {}
    for signature in scope.model.signatures:
        if signature.subgraph == scope.subgraph.index:
            named.update({index: name for name, index in signature.inputs.items()})
    return [named.get(i, scope.subgraph.tensors[i].name) for i in scope.subgraph.inputs]


def _output_names(model: TfliteModel) -> list[str]:
    named: dict[int, str] = {}
    for signature in model.signatures:
        if signature.subgraph == 0:
            named.update({index: name for name, index in signature.outputs.items()})
    main = model.subgraphs[0]
    return [named.get(i, main.tensors[i].name) for i in main.outputs]


def rename(graph: Graph, value: Value, name: str) -> None:
    """Give a result the name that the interface uses."""
    if value.name != name and value.producer is not None:
        value.name = graph.unique(name)


def _input_shape(
    scope: Scope, tensor: Tensor, name: str, sizes: dict[str, tuple[Size, ...]]
) -> tuple[Size, ...]:
    given = sizes.get(name) or sizes.get(tensor.name)
    if given is not None:
        if len(given) != len(tensor.shape):
            raise UnsupportedModel(
                f"input '{name}' has {len(tensor.shape)} axes, --shape gives {len(given)}"
            )
        return given
    if -1 in tensor.shape_signature:
        scope.options.note(f"input '{name}': unknown sizes of {tensor.shape_signature} set to 1")
    signature = tensor.shape_signature or tensor.shape
    return tuple(1 if d < 0 else d for d in signature)
