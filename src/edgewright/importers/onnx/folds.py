"""How large the constants of an ONNX file may become, before anybody computes them.

A file of 150 bytes can hold a chain of operators on constants whose results take gigabytes
(`Expand`, `Tile`, `Range`, …), and constant folding would compute them. Here only their *shapes*
are computed, by onnx's own inference, one node at a time, from the sizes of what is really stored
rather than from what the file declares.
"""

from collections import ChainMap
from collections.abc import Mapping
from math import prod
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, helper, numpy_helper

from edgewright.errors import InvalidModel
from edgewright.importers.onnx.stored_tensors import element_bits

FOLD_LIMIT_BYTES: Final = 2**28
TOTAL_PER_STORED: Final = 16  # weights may pass through as many operators on their way
SMALL_ELEMENTS: Final = 64  # shapes, axes, pads: what shape inference needs the values of

# The operators that compute shapes from shapes; all are elementwise or move elements, so that
# evaluating them on small tensors is quick whatever their attributes say.
_SHAPE_OPERATORS: Final = frozenset(
    {
        "Abs", "Add", "Cast", "Ceil", "Concat", "Div", "Equal", "Floor", "Gather", "Greater",
        "Identity", "Less", "Max", "Min", "Mod", "Mul", "Neg", "Not", "ReduceMax", "ReduceMin",
        "ReduceProd", "ReduceSum", "Reshape", "Slice", "Split", "Squeeze", "Sub", "Transpose",
        "Unsqueeze", "Where",
    }
)  # fmt: skip

# What is constant, by name; a graph sees what the graphs around it have.
Types = ChainMap[str, TypeProto]
Values = ChainMap[str, NDArray[np.generic]]


def guard_folds(model: ModelProto, file: str, limit_bytes: int = FOLD_LIMIT_BYTES) -> None:
    """Check that no constant of a model folds to more than a limit, nor all of them together.

    Args:
        model: a model that `reader.check` has passed.
        file: the file's name, for errors.
        limit_bytes: how large the result of one node on constants may be.

    Raises:
        InvalidModel: names the node whose result would be larger.
    """
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    walk = _Constants(file, opsets, limit_bytes, limit_bytes + TOTAL_PER_STORED * model.ByteSize())
    walk.graph(model.graph, ChainMap(), ChainMap(), "")


class _Constants:
    """Finds what is constant in the graphs of one model, and how large it is."""

    def __init__(
        self, file: str, opsets: Mapping[str, int], limit_bytes: int, total_bytes: int
    ) -> None:
        self.file = file
        self.opsets = opsets
        self.limit_bytes = limit_bytes
        self.left_bytes = total_bytes

    def graph(self, graph: GraphProto, types: Types, values: Values, where: str) -> None:
        """Walk one graph; `types` and `values` are the constants of the graphs around it."""
        constants, values = types.new_child(), values.new_child()
        declared = {info.name: info.type for info in [*graph.input, *graph.value_info]}
        for tensor in graph.initializer:
            self.store(tensor.name, tensor, constants, values)
        for index, node in enumerate(graph.node):
            here = f"{self.file}: {where}node {index} {node.name!r} ({node.op_type})"
            self.node(node, constants, values, declared, here)
            for attribute in node.attribute:
                for body in [attribute.g, *attribute.graphs]:
                    self.graph(body, constants, values, f"{where}node {index}, {attribute.name}: ")

    def store(self, name: str, tensor: TensorProto, types: Types, values: Values) -> None:
        """Note a stored tensor: its real type, and its value when it is small."""
        types[name] = helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))
        if prod(tensor.dims) <= SMALL_ELEMENTS and tensor.data_type != TensorProto.STRING:
            values[name] = numpy_helper.to_array(tensor)

    def node(
        self,
        node: NodeProto,
        types: Types,
        values: Values,
        declared: Mapping[str, TypeProto],
        where: str,
    ) -> None:
        """Note what a node computes from constants alone, and refuse it when it is too large."""
        if not node.output:
            return
        if node.op_type == "Shape" and node.input and not node.domain and not node.attribute:
            self.shape_of(node, types, declared, values)
            return
        if any(name not in types for name in node.input if name):
            return
        inferred = infer(node, self.opsets, types, values)
        for name, made in inferred.items():
            self.charge(name, static_bytes(made) or 0, where)
            types[name] = made
        self.evaluate(node, inferred, values)

    def charge(self, name: str, size: int, where: str) -> None:
        """Refuse a constant that is too large, by itself or with those before it."""
        self.left_bytes -= size
        if size > self.limit_bytes or self.left_bytes < 0:
            raise InvalidModel(
                f"{name!r} is constant and would take {size} bytes",
                where,
                f"constants may take {self.limit_bytes} bytes; "
                "compute it at run time from an input, or make it smaller",
            )

    def shape_of(
        self,
        node: NodeProto,
        types: Types,
        declared: Mapping[str, TypeProto],
        values: Values,
    ) -> None:
        """A shape is constant when the sizes are, even where the tensor is not."""
        made = types.get(node.input[0]) or declared.get(node.input[0])
        dims = None if made is None else static_dims(made)
        if dims is not None and len(dims) <= SMALL_ELEMENTS:
            values[node.output[0]] = np.array(dims, np.int64)
            types[node.output[0]] = helper.make_tensor_type_proto(TensorProto.INT64, [len(dims)])

    def evaluate(self, node: NodeProto, made: Mapping[str, TypeProto], values: Values) -> None:
        """Compute small results, since later shapes depend on them."""
        if node.op_type == "Constant":
            self.constant(node, values)
            return
        sizes = [static_dims(item) for item in made.values()]
        known = all(name in values for name in node.input if name)
        small = all(dims is not None and prod(dims) <= SMALL_ELEMENTS for dims in sizes)
        if node.domain or node.op_type not in _SHAPE_OPERATORS or not (known and small and made):
            return
        from onnx.reference import ReferenceEvaluator

        try:
            with np.errstate(all="ignore"):
                results = ReferenceEvaluator(node, dict(self.opsets)).run(
                    None, {name: values[name] for name in node.input if name}
                )
        except Exception:  # a node that cannot be evaluated is reported by its conversion rule
            return
        for name, result in zip(node.output, results, strict=False):
            if isinstance(result, np.ndarray | np.generic) and np.size(result) <= SMALL_ELEMENTS:
                values[name] = np.asarray(result)

    def constant(self, node: NodeProto, values: Values) -> None:
        """The value of a Constant node, when it is a small tensor or numbers."""
        for attribute in node.attribute:
            value = helper.get_attribute_value(attribute)
            if isinstance(value, TensorProto):
                if prod(value.dims) <= SMALL_ELEMENTS and value.data_type != TensorProto.STRING:
                    values[node.output[0]] = numpy_helper.to_array(value)
            elif attribute.name in ("value_int", "value_ints"):
                values[node.output[0]] = np.array(value, np.int64)
            elif attribute.name in ("value_float", "value_floats"):
                values[node.output[0]] = np.array(value, np.float32)


def infer(
    node: NodeProto,
    opsets: Mapping[str, int],
    types: Types,
    values: Values,
) -> dict[str, TypeProto]:
    """The types of a node's outputs, by onnx's shape inference; empty where it has no answer."""
    names = [name for name in node.input if name]
    domain = "" if node.domain == "ai.onnx" else node.domain
    try:
        schema = onnx.defs.get_schema(node.op_type, opsets.get(node.domain, 1), domain)
        made: dict[str, TypeProto] = onnx.shape_inference.infer_node_outputs(
            schema,
            node,
            {name: types[name] for name in names},
            {name: numpy_helper.from_array(values[name], name) for name in names if name in values},
        )
    except Exception:  # unknown operators and wrong operands are reported by the conversion rules
        return {}
    return made


def static_dims(made: TypeProto) -> list[int] | None:
    """The sizes of a tensor's dimensions, or `None` when some are not numbers."""
    shape = made.tensor_type.shape
    if not made.tensor_type.HasField("shape"):
        return None
    if any(not dim.HasField("dim_value") or dim.dim_value < 0 for dim in shape.dim):
        return None
    return [dim.dim_value for dim in shape.dim]


def static_bytes(made: TypeProto) -> int | None:
    """The bytes of a tensor, or `None` when its size is not static."""
    dims = static_dims(made)
    kind = made.tensor_type.elem_type
    if dims is None or kind not in TensorProto.DataType.values() or not kind:
        return None
    return prod(dims) * element_bits(kind) // 8
