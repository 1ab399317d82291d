"""TensorFlow Lite files, written with builtin operators only."""

from __future__ import annotations

from edgewright.data.contract import Contract
from edgewright.errors import EdgewrightError, UnsupportedModel, raise_all
from edgewright.exporters import Exported
from edgewright.exporters.tflite import interface, states
from edgewright.exporters.tflite.metadata import (
    BUFFER_NAME,
    RUNTIME_BUFFER,
    Metadata,
    runtime_version,
    with_files,
)
from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import File, Subgraph
from edgewright.exporters.tflite.rule import rules
from edgewright.exporters.tflite.scope import Scope, Weights
from edgewright.exporters.tflite.sequences import reads_and_writes, stateful_lstms
from edgewright.exporters.tflite.serialize import serialize
from edgewright.exporters.tflite.signed import has_mixed_signs, with_signed
from edgewright.exporters.tflite.versions import minimum_runtime
from edgewright.graph import Module, Node

SUFFIX = ".tflite"


def export(
    module: Module,
    *,
    weights: Weights = "as_is",
    channels_first: bool = False,
    contract: Contract | None = None,
) -> Exported:
    """Write a module as a .tflite file. The module is not changed.

    Args:
        module: optimised (`load_model(path).module`), so that transposes are gone.
        weights: how the float32 weights of large constants are stored: as they are, in float16, or
            as int8 per channel with the activations left in float32.
        channels_first: keep the interface of a channels-first source, with a transpose at each
            end; otherwise images come and go channels-last.
        contract: what the numbers mean; stored as TFLite metadata when it says something.

    Raises:
        UnsupportedModel, Problems: everything that TensorFlow Lite cannot express, each by name.
    """
    file = File(description="made by Edgewright")
    notes: list[str] = []
    if has_mixed_signs(module):
        notes.append("unsigned activations meet signed weights: computed on int8, codes less 128")
        module = with_signed(module)
    problems: list[EdgewrightError] = []
    scopes = []
    for name, graph in module.graphs.items():
        subgraph = Subgraph(name)
        file.subgraphs.append(subgraph)
        scope = Scope(module, graph, file, subgraph, weights, notes)
        scopes.append(scope)
        _write_graph(scope, channels_first, problems)
    raise_all(problems)
    states.initialise(scopes)
    for place, scope in enumerate(scopes):
        interface.sign(scope, place)
    minimum = minimum_runtime(file.operators())
    file.metadata[RUNTIME_BUFFER] = runtime_version(minimum)
    told = Metadata(contract or Contract(), module.main)
    if told.content:
        file.metadata[BUFFER_NAME] = told.content
    names, perms = interface.names_of(scopes[0])
    main = file.subgraphs[0]
    return Exported(
        data=with_files(serialize(file), told.files),
        names=names,
        notes=(*notes, *told.notes),
        minimum=minimum,
        layouts=perms,
        inputs=tuple(t.name for t in main.inputs),
        outputs=tuple(t.name for t in main.outputs),
    )


def _write_graph(scope: Scope, channels_first: bool, problems: list[EdgewrightError]) -> None:
    """Interface and operators of one graph."""
    interface.begin(scope, channels_first)
    scope.sequences = stateful_lstms(scope.module, scope.graph)
    kept = {name for names in scope.sequences.values() for name in names}
    scope.dropped |= reads_and_writes(scope.graph, kept)
    for node in scope.graph.nodes:
        if node not in scope.dropped:
            _write_node(scope, node, problems)
    interface.end(scope)


def _write_node(scope: Scope, node: Node, problems: list[EdgewrightError]) -> None:
    call = ExportedNode(scope, node)
    write = rules().get(node.op)
    try:
        if write is None:
            raise call.fail("there is no builtin operator for it")
        write(call)
    except UnsupportedModel as error:
        problems.append(error)
