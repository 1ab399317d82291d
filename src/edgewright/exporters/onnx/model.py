"""From a module to the bytes of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import onnx
from onnx import helper

from edgewright import __version__
from edgewright.errors import EdgewrightError, InvalidOption, UnsupportedModel, raise_all
from edgewright.exporters import Exported
from edgewright.exporters.onnx import DEFAULT_OPSET, OLDEST_OPSET, WEIGHTS, rule
from edgewright.exporters.onnx.file import File
from edgewright.exporters.onnx.interface import Interface
from edgewright.exporters.onnx.layout import identity
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.writer import Writer
from edgewright.graph import Graph, Module

if TYPE_CHECKING:
    from edgewright.data.contract import Contract

PRODUCER: Final = "edgewright"
#: the first release of ONNX Runtime that reads an opset (its docs/Versioning.md)
RUNTIMES: Final[Mapping[int, str]] = {
    13: "1.6", 14: "1.8", 15: "1.9", 16: "1.11", 17: "1.12", 18: "1.14", 19: "1.15", 20: "1.17",
    21: "1.18",
}  # fmt: skip


def write(
    module: Module,
    *,
    opset: int | None,
    weights: str,
    channels_first: bool | None,
    contract: Contract | None,
) -> Exported:
    """See `edgewright.exporters.onnx.export`."""
    _check(opset, weights)
    wanted = DEFAULT_OPSET if opset is None else opset
    file = File(wanted, opset is not None, weights)
    made = _write(module, file, channels_first, contract)
    if file.needed > wanted:  # once more, with what that opset has to offer
        file = File(file.needed, False, weights)
        file.note(f"opset {file.opset} rather than {wanted}, which lacks an operator of the model")
        made = _write(module, file, channels_first, contract)
    proto, interface = made
    return Exported(
        data=proto.SerializeToString(deterministic=True),
        names=file.names,
        layouts=file.layouts,
        inputs=tuple(interface.inputs),
        outputs=tuple(interface.outputs),
        states=dict(interface.states),
        notes=tuple(file.notes),
        minimum=_minimum(file.opset, proto.ir_version),
    )


def _check(opset: int | None, weights: str) -> None:
    newest = onnx.defs.onnx_opset_version()
    if opset is not None and not OLDEST_OPSET <= opset <= newest:
        raise InvalidOption(f"opset {opset} is outside {OLDEST_OPSET}..{newest}")
    if weights not in WEIGHTS:
        raise InvalidOption(f"weights are {weights!r}", help=f"use one of {', '.join(WEIGHTS)}")


def _minimum(opset: int, ir_version: int) -> str:
    runtime = RUNTIMES.get(opset)
    where = f", ONNX Runtime {runtime}" if runtime else ""
    return f"opset {opset}, IR {ir_version}{where}"


def _write(
    module: Module, file: File, channels_first: bool | None, contract: Contract | None
) -> tuple[onnx.ModelProto, Interface]:
    writer = Writer(file)
    interface = Interface(module, writer, channels_first)
    interface.begin()
    write_nodes(module.main, writer)
    raise_all(file.problems)
    interface.end()
    graph = helper.make_graph(
        writer.nodes, module.main.name, interface.input_infos, interface.output_infos,
        list(file.initializers.values()),
    )  # fmt: skip
    _note_left_out(module, file)
    return _model(graph, file, contract), interface


def _model(graph: onnx.GraphProto, file: File, contract: Contract | None) -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", file.opset)]
    opsets += [helper.make_opsetid(k, v) for k, v in sorted(file.domains.items())]
    version = helper.find_min_ir_version_for(opsets)
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=version)
    proto.producer_name, proto.producer_version = PRODUCER, __version__
    if contract is not None:
        _describe(proto, contract)
    return proto


def _describe(proto: onnx.ModelProto, contract: Contract) -> None:
    """What the importer reads again (`importers/onnx/metadata.py`)."""
    fields = contract.model.model_dump(exclude_defaults=True)
    for key, value in fields.items():
        if isinstance(value, str) and value:
            entry = proto.metadata_props.add()
            entry.key, entry.value = key, value


def _note_left_out(module: Module, file: File) -> None:
    for name in list(module.graphs)[1:]:
        file.note(f"entry point {name!r} is left out: an ONNX file has one")


def write_nodes(graph: Graph, writer: Writer) -> None:
    """Write the nodes of a graph; those that are refused are collected in the file."""
    for node in graph.nodes:
        writer.stem = node.outputs[0].name if node.outputs else node.op
        try:
            found = rule.find(node.op)
            if found is None:
                where = node.origin or node.op
                raise UnsupportedModel(f"{node.op} has no form in ONNX", where)
            found(NodeWriter(node, writer))
        except EdgewrightError as error:
            error.where = error.where or str(node.origin or node.op)
            writer.file.problems.append(error)
            for value in node.outputs:  # so that the rest can be looked at, too
                writer.forms.setdefault(value, {})[identity(value.type.rank)] = value.name
