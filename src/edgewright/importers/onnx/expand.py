"""Function bodies: those that a model brings, and those by which the standard defines operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx

from edgewright.graph import TensorType
from edgewright.importers.onnx import rule
from edgewright.importers.onnx.tensors import DTYPES

Functions = Mapping[tuple[str, str], onnx.FunctionProto]
_ELEM_TYPES = {dtype: elem for elem, dtype in DTYPES.items()}


def body_of(
    node: onnx.NodeProto,
    opset: int,
    functions: Functions,
    types: Sequence[TensorType | None] | None,
) -> onnx.FunctionProto | None:
    """The function that a node stands for, or None.

    Args:
        node: the call.
        opset: the version of the node's operator set.
        functions: those that the model defines.
        types: the operands' types where known; some bodies depend on them.
    """
    held = functions.get((node.domain, node.op_type))
    if held is not None:
        return held
    schema: Any  # the package's type information leaves out what is asked of it here
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, node.domain)
    except onnx.defs.SchemaError:
        return None
    if schema.has_function:
        return _with_defaults(schema.function_body, schema)
    if schema.has_context_dependent_function and types is not None:
        return _context_dependent(schema, node, types)
    return None


def _context_dependent(
    schema: Any, node: onnx.NodeProto, types: Sequence[TensorType | None]
) -> onnx.FunctionProto | None:
    protos = [_type_proto(t).SerializeToString() if t else b"" for t in types]
    data = schema.get_context_dependent_function(node.SerializeToString(), protos)
    return _with_defaults(onnx.FunctionProto.FromString(data), schema) if data else None


def _with_defaults(body: onnx.FunctionProto, schema: Any) -> onnx.FunctionProto:
    """A body of the standard with its operator's default attributes, to which it may refer."""
    made = onnx.FunctionProto()
    made.CopyFrom(body)
    for name in sorted(schema.attributes):
        if schema.attributes[name].default_value.name:
            made.attribute_proto.append(schema.attributes[name].default_value)
    return made


def _type_proto(type: TensorType) -> onnx.TypeProto:
    shape = [d if isinstance(d, int) else str(d) for d in type.shape]
    return onnx.helper.make_tensor_type_proto(_ELEM_TYPES[type.dtype], shape)


def without_rule(body: onnx.FunctionProto, functions: Functions) -> list[str]:
    """The operators of a body that cannot be imported, sorted; bodies inside it are looked into."""
    return sorted(_missing(body, functions, ()))


def _missing(
    body: onnx.FunctionProto, functions: Functions, seen: tuple[tuple[str, str], ...]
) -> set[str]:
    opsets = {o.domain: o.version for o in body.opset_import}
    found: set[str] = set()
    for node in body.node:
        key, opset = (node.domain, node.op_type), opsets.get(node.domain, 1)
        if rule.find(*key, opset):
            continue
        inner = None if key in seen else body_of(node, opset, functions, None)
        if inner is None:
            found.add(node.op_type)
        else:
            found |= _missing(inner, functions, (*seen, key))
    return found


def bound_nodes(body: onnx.FunctionProto, call: onnx.NodeProto) -> list[onnx.NodeProto]:
    """The nodes of a body with the call's attributes in place of references to them."""
    given = {a.name: a for a in body.attribute_proto}
    given.update((a.name, a) for a in call.attribute)
    return [_bound(node, given) for node in body.node]


def _bound(node: onnx.NodeProto, given: Mapping[str, onnx.AttributeProto]) -> onnx.NodeProto:
    made = onnx.NodeProto()
    made.CopyFrom(node)
    del made.attribute[:]
    for attribute in node.attribute:
        if not attribute.ref_attr_name:
            held = made.attribute.add()
            held.CopyFrom(attribute)
            if held.HasField("g"):
                bound = [_bound(n, given) for n in held.g.node]
                del held.g.node[:]
                held.g.node.extend(bound)
        elif attribute.ref_attr_name in given:
            held = made.attribute.add()
            held.CopyFrom(given[attribute.ref_attr_name])
            held.name = attribute.name
    return made
