"""What `inspect` says about a model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from edgewright import targets
from edgewright.graph import Graph, Node, TensorType, Value
from edgewright.pipeline.model import Model, moves
from edgewright.plan import make_plan


@dataclass(frozen=True)
class Transposes:
    """Transposes that move data: in the source, left inside the graph, left at its interface."""

    source: int
    inside: int
    interface: int
    bytes: int


@dataclass(frozen=True)
class Summary:
    """See `to_json`."""

    model: Model
    transposes: Transposes
    arena_bytes: int
    lower_bound: int
    state_bytes: int

    def to_json(self) -> dict[str, Any]:
        """One document; sizes in bytes."""
        model = self.model
        graphs = model.module.graphs
        return {
            "file": model.path.name,
            "format": model.format,
            "sha256": model.sha256,
            "requantization": model.module.requantization,
            "entries": [_entry(name, graph) for name, graph in graphs.items()],
            "states": {k: str(s.type) for k, s in model.module.states.items()},
            "parameters": model.parameters,
            "macs": model.macs,
            "transposes": vars(self.transposes),
            "memory": {
                "arena_bytes": self.arena_bytes,
                "lower_bound": self.lower_bound,
                "state_bytes": self.state_bytes,
            },
            "operators": [n.op for g in graphs.values() for n in g.walk()],
            "contract": json.loads(model.contract.model_dump_json(exclude_defaults=True)),
            "notes": model.notes,
        }


def summarize(model: Model, target: str = "host") -> Summary:
    """Plan the model's memory and count its transposes."""
    held = targets.get(target)
    plans = [make_plan(graph, held) for graph in model.module.graphs.values()]
    states = sum(s.type.max_bytes for s in model.module.states.values())
    return Summary(
        model,
        _transposes(model),
        max(p.arena_bytes for p in plans),
        max(p.lower_bound for p in plans),
        states,
    )


def _transposes(model: Model) -> Transposes:
    inside = interface = moved = 0
    for graph in model.module.graphs.values():
        for node in graph.walk():
            if node.op != "transpose" or not moves(node.input(0).type.shape, node.attrs["perm"]):
                continue
            moved += 2 * node.output.type.max_bytes
            if _at_interface(graph, node):
                interface += 1
            else:
                inside += 1
    return Transposes(model.imported_transposes, inside, interface, moved)


_FREE = frozenset({"reshape", "quantize", "dequantize", "cast"})


def _at_interface(graph: Graph, node: Node) -> bool:
    """Whether only free or converting operators lie between the transpose and the interface."""
    return _from_input(graph, node.input(0)) or _to_output(graph, node.output)


def _from_input(graph: Graph, value: Value) -> bool:
    if value in graph.inputs:
        return True
    made = value.producer
    return made is not None and made.op in _FREE and _from_input(graph, made.input(0))


def _to_output(graph: Graph, value: Value) -> bool:
    if value in graph.outputs:
        return True
    users = graph.users(value)
    return bool(users) and all(u.op in _FREE and _to_output(graph, u.output) for u in users)


def _entry(name: str, graph: Graph) -> dict[str, Any]:
    return {
        "name": name,
        "inputs": [_tensor(v.name, v.type) for v in graph.inputs],
        "outputs": [_tensor(v.name, v.type) for v in graph.outputs],
    }


def _tensor(name: str, type: TensorType) -> dict[str, Any]:
    quant = f"{type.quant.scale[0]:.6g} * (q - {type.quant.zero[0]})" if type.quant else ""
    return {
        "name": name,
        "dtype": type.dtype.value,
        "shape": "[" + ", ".join(str(d) for d in type.shape) + "]",
        "quant": quant,
    }
