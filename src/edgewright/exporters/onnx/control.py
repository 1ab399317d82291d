"""Regions: If, Loop, Scan."""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import helper

from edgewright.exporters.onnx.file import ELEMENT_TYPES
from edgewright.exporters.onnx.layout import identity
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.exporters.onnx.writer import Writer
from edgewright.graph import Graph, Value


@rule("if")
def if_(n: NodeWriter) -> None:
    """If."""
    then, otherwise = (_body(n, region) for region in n.node.regions)
    _run(n, "If", [n.writer.tensor(n.x)], then_branch=then, else_branch=otherwise)


@rule("loop")
def loop(n: NodeWriter) -> None:
    """Loop."""
    given = [None if v is None else n.writer.tensor(v) for v in n.node.inputs]
    _run(n, "Loop", given, body=_body(n, n.node.regions[0]))


@rule("scan")
def scan(n: NodeWriter) -> None:
    """Scan over the first axis."""
    given = [n.writer.tensor(v) for v in n.node.arguments]
    _run(
        n, "Scan", given, body=_body(n, n.node.regions[0]), num_scan_inputs=n.op.num_scan_inputs,
        scan_input_directions=list(n.op.scan_input_directions) or None,
        scan_output_directions=list(n.op.scan_output_directions) or None,
    )  # fmt: skip


def _run(n: NodeWriter, op: str, given: Sequence[str | None], **attrs: object) -> None:
    outputs = [f"{v.name}/{op}" for v in n.node.outputs]
    results = n.writer.emit_many(op, given, outputs, **attrs)
    for value, result in zip(n.node.outputs, results, strict=True):
        n.writer.define(value, result)


def _body(n: NodeWriter, region: Graph) -> onnx.GraphProto:
    """A region as a graph of its own, which may read the tensors around it."""
    from edgewright.exporters.onnx.model import write_nodes

    writer = Writer(n.file, n.writer)
    inputs = []
    for value in region.inputs:
        name = n.file.unique(value.name)
        writer.define(value, name)
        inputs.append(value_info(name, value))
    write_nodes(region, writer)
    outputs = [value_info(_result(writer, value), value) for value in region.outputs]
    return helper.make_graph(writer.nodes, n.file.unique(region.name), inputs, outputs)


def _result(writer: Writer, value: Value) -> str:
    """A name for a result that a node of this very graph makes, and no other result has."""
    made = writer.tensor(value, identity(value.type.rank))
    name = writer.file.unique(f"{value.name}/result")
    writer.emit_named("Identity", [made], [name])
    return name


def value_info(name: str, value: Value) -> onnx.ValueInfoProto:
    """Name, element type and shape of an input or output."""
    shape = [s if isinstance(s, int) else str(s) for s in value.type.shape]
    return helper.make_tensor_value_info(name, ELEMENT_TYPES[value.type.dtype], shape)
