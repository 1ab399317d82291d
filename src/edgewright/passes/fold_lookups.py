"""Compute ahead of time what is a function of one 8-bit tensor, element by element."""

from __future__ import annotations

import numpy as np

from edgewright import ops
from edgewright.errors import EdgewrightError
from edgewright.graph import Array, DType, Graph, Node, TensorType, Value
from edgewright.ops.binary import TABLE as BINARY
from edgewright.ops.lookup import MODES
from edgewright.ops.quantised import every_code
from edgewright.ops.unary import TABLE as UNARY
from edgewright.passes import rewrite
from edgewright.passes.editing import become, drop_unused, insert

ELEMENTWISE = {*UNARY, *BINARY, "quantize", "dequantize", "lookup"}
#: Longer chains are looked up in parts.
LONGEST = 32


@rewrite(*sorted(ELEMENTWISE))
def fold_lookups(graph: Graph, node: Node) -> bool:
    """Turn a chain from one 8-bit tensor to another into a `lookup`, whatever lies between.

    Given:
        graph main(%x: int8[3]<0.5:0>) -> (%y) {
          const %half: float32[] = [0.5]
          %a = dequantize(%x)
          %b = mul(%a, %half)
          %y: int8[3]<0.25:0> = quantize(%b)
        }
    Result:
        graph main(%x: int8[3]<0.5:0>) -> (%y) {
          const %y/table: int8[2,256]<0.25:0> = sha256:96ae5fbc3887d3ca13e53ad18a88f70d3cc285bd028e89301ee7a75ab8f3045c
          %y: int8[3]<0.25:0> = lookup(%x, %y/table)
        }
    """  # noqa: E501
    if not _is_byte(node.output) or node.op == "lookup":
        return False
    found = _chain(graph, node)
    if found is None:
        return False
    source, nodes = found
    try:
        rows = [_results(source, nodes, mode) for mode in MODES]
    except EdgewrightError as error:
        return graph.keep(node, f"it cannot be computed ahead of time: {error.what}")
    held = TensorType(node.output.type.dtype, (len(MODES), 256), node.output.type.quant)
    table = graph.constant(f"{node.output.name}/table", np.stack(rows), held)
    makers = [value.producer for value in node.arguments]
    become(graph, node, insert(graph, node, "lookup", [source, table], like=node.output))
    for maker in makers:
        if maker is not None:
            drop_unused(graph, maker)
    return True


def _is_byte(value: Value) -> bool:
    """Whether a value is an 8-bit tensor with one scale."""
    type = value.type
    is_byte = type.dtype in (DType.INT8, DType.UINT8)
    return is_byte and type.quant is not None and type.quant.axis is None


def _chain(graph: Graph, last: Node) -> tuple[Value, list[Node]] | None:
    """The farthest 8-bit tensor of which `last` is a function, and the nodes between, in order."""
    place = {node: index for index, node in enumerate(graph.nodes)}
    nodes, found = [last], None
    open_ = _operands(last, last)
    while open_ and len(nodes) < LONGEST:
        if len(open_) == 1 and _is_byte(open_[0]) and len(nodes) > 1:
            found = open_[0], sorted(nodes, key=place.__getitem__)
        # What is computed last cannot be needed by what else is open.
        value = max(open_, key=lambda v: place.get(v.producer, -1) if v.producer else -1)
        made = value.producer
        if made is None or made not in place or made.op not in ELEMENTWISE:
            break
        before = _operands(made, last)
        if not before:
            break
        nodes.append(made)
        open_ = [v for v in open_ if v is not value]
        open_ += [v for v in before if v not in open_]
    return found


def _operands(node: Node, last: Node) -> list[Value]:
    """What a node reads besides numbers; nothing if that is not one element for each of `last`."""
    read: list[Value] = []
    for value in node.arguments:
        if value.data is not None and (value.data.size == 1 or node.op == "lookup"):
            continue
        if value.data is not None or value.type.shape != last.output.type.shape:
            return []
        if value not in read:
            read.append(value)
    return read


def _results(source: Value, nodes: list[Node], mode: str) -> Array:
    """What the nodes make of every code of the source."""
    known: dict[Value, Array] = {source: every_code(source.type)}
    for node in nodes:
        types: list[TensorType | None] = []
        operands: list[Array | None] = []
        for value in node.arguments:
            array = known.get(value)
            if array is None:
                assert value.data is not None
                array = value.data if node.op == "lookup" else value.data.reshape(())
            types.append(TensorType(value.type.dtype, array.shape, value.type.quant))
            operands.append(array)
        result = node.output.type.with_shape(256)
        call = ops.Call(types, [result], mode)
        with np.errstate(all="ignore"):
            (known[node.output],) = ops.evaluate_node(node, operands, call)
    return known[nodes[-1].output]
