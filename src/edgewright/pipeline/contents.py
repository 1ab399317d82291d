"""What a written model file holds: its operators, and how many of them only move axes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx

#: operators that leave the order of elements alone, by either format's name in capitals
_FREE = frozenset(
    {"RESHAPE", "QUANTIZE", "DEQUANTIZE", "CAST", "IDENTITY", "QUANTIZELINEAR",
     "DEQUANTIZELINEAR", "SQUEEZE", "EXPAND_DIMS", "UNSQUEEZE", "FLATTEN"}
)  # fmt: skip
_TRANSPOSE = "TRANSPOSE"


@dataclass(frozen=True)
class Operation:
    """An operator of a file, with the names of its tensors (TFLite: their places)."""

    name: str
    inputs: tuple[object, ...]
    outputs: tuple[object, ...]


@dataclass(frozen=True)
class Contents:
    """Operators by name, and transposes inside of the graph and at its interface."""

    operators: dict[str, int]
    inside: int
    interface: int

    @property
    def count(self) -> int:
        """How many operators there are."""
        return sum(self.operators.values())


def contents_of(format: str, data: bytes) -> Contents:
    """Look into a file that an exporter wrote."""
    operations, inputs, outputs = _onnx(data) if format == "onnx" else _tflite(data)
    names = Counter(o.name for o in operations)
    turned = [o for o in operations if o.name.upper() == _TRANSPOSE]
    ends = sum(_at_interface(o, operations, inputs, outputs) for o in turned)
    return Contents(dict(sorted(names.items())), len(turned) - ends, ends)


def _at_interface(
    operation: Operation,
    operations: list[Operation],
    inputs: Collection[object],
    outputs: Collection[object],
) -> bool:
    """Whether only free or converting operators lie between a transpose and the interface."""
    return _reaches_input(operation, operations, inputs) or _reaches_output(
        operation, operations, outputs
    )


def _reaches_input(
    operation: Operation, operations: list[Operation], inputs: Collection[object]
) -> bool:
    first = operation.inputs[0]
    if first in inputs:
        return True
    made = next((o for o in operations if first in o.outputs), None)
    return (
        made is not None and made.name.upper() in _FREE and _reaches_input(made, operations, inputs)
    )


def _reaches_output(
    operation: Operation, operations: list[Operation], outputs: Collection[object]
) -> bool:
    result = operation.outputs[0]
    if result in outputs:
        return True
    readers = [o for o in operations if result in o.inputs]
    return bool(readers) and all(
        o.name.upper() in _FREE and _reaches_output(o, operations, outputs) for o in readers
    )


_Parts = tuple[list[Operation], list[object], list[object]]


def _onnx(data: bytes) -> _Parts:
    import onnx

    graph = onnx.ModelProto.FromString(data).graph
    return _nodes(graph), [v.name for v in graph.input], [v.name for v in graph.output]


def _nodes(graph: onnx.GraphProto) -> list[Operation]:
    found = []
    for node in graph.node:
        found.append(Operation(node.op_type, tuple(node.input), tuple(node.output)))
        for attribute in node.attribute:
            if attribute.HasField("g"):
                found += _nodes(attribute.g)
    return found


def _tflite(data: bytes) -> _Parts:
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.Model.GetRootAsModel(data, 0)
    names = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    kinds = [names[max(c.BuiltinCode(), c.DeprecatedBuiltinCode())] for c in codes]
    operations = []
    for place in range(model.SubgraphsLength()):
        graph = model.Subgraphs(place)
        for index in range(graph.OperatorsLength()):
            one = graph.Operators(index)
            given = tuple((place, one.Inputs(i)) for i in range(one.InputsLength()))
            made = tuple((place, one.Outputs(i)) for i in range(one.OutputsLength()))
            operations.append(Operation(kinds[one.OpcodeIndex()], given, made))
    main = model.Subgraphs(0)
    inputs: list[object] = [(0, main.Inputs(i)) for i in range(main.InputsLength())]
    return operations, inputs, [(0, main.Outputs(i)) for i in range(main.OutputsLength())]
