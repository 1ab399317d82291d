"""Rewrites of graphs: one file each, run in the order of `order.py`, checked after each one.

A pass is a function `verb_noun` in the file of that name. `@rewrite("op", …)` wraps a function that
looks at one node and says whether it changed the graph; `@whole_graph` wraps one that looks at a
graph with its regions. The docstring holds *Given* and *Result*, which a test executes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from edgewright import ops
from edgewright.errors import InternalError, InvalidGraph
from edgewright.graph import Array, Graph, Module, Node, TensorType, Value, verify_module
from edgewright.graph.text import values_of

__all__ = ["Pass", "optimize", "rewrite", "run_pass", "whole_graph"]

#: Sweeps over one graph after which a pass is taken to undo its own work.
SWEEP_LIMIT = 1000


@dataclass(frozen=True)
class Pass:
    """A rewrite: `sweep(graph)` does it everywhere once and says whether anything changed."""

    name: str
    doc: str
    sweep: Callable[[Graph], bool]


def rewrite(*names: str) -> Callable[[Callable[[Graph, Node], bool]], Pass]:
    """A pass that looks at every node whose operator is one of `names` (at all without names).

    The function gets the graph or region that holds the node, and returns whether it changed it.
    It returns `graph.keep(node, why)` where a rewrite was close but not possible.
    """

    def wrap(function: Callable[[Graph, Node], bool]) -> Pass:
        def sweep(graph: Graph) -> bool:
            changed = False
            for node in list(graph.walk()):
                if node.graph is not None and (not names or node.op in names):
                    changed |= function(node.graph, node)
            return changed

        return _named(function, sweep)

    return wrap


def whole_graph(function: Callable[[Graph], bool]) -> Pass:
    """A pass that looks at an entry point with its regions at once."""
    return _named(function, function)


def _named(function: Callable[..., bool], sweep: Callable[[Graph], bool]) -> Pass:
    """Check that a pass is found where its name says, so that names lead to files."""
    if function.__module__.rpartition(".")[2] != function.__name__:
        raise ValueError(f"pass {function.__name__} must be in {function.__name__}.py")
    return Pass(function.__name__, function.__doc__ or "", sweep)


def run_pass(item: Pass, module: Module) -> bool:
    """Apply a pass until it finds nothing more; returns whether the module changed.

    Raises:
        InternalError: the pass broke the graph, lied about having changed it, or never ends.
    """
    before = _Snapshot(module)
    claimed = False
    for graph in module.graphs.values():
        claimed |= _settle(item, graph)
    changed = before.differs(module)
    if changed:
        _check_graph(item, module)
    if claimed != changed:
        said = "changed the graph" if claimed else "changed nothing"
        raise InternalError(f"pass {item.name} said that it {said}, which is not so")
    return claimed


def _settle(item: Pass, graph: Graph) -> bool:
    graph.rewrite, changed = item.name, False
    graph.reserve(values_of(graph))
    for _ in range(SWEEP_LIMIT):
        # Only what the last sweep declined still stands.
        graph.declined = [d for d in graph.declined if d.rewrite != item.name]
        if not item.sweep(graph):
            graph.rewrite = ""
            return changed
        changed = True
    raise InternalError(f"pass {item.name} still finds work after {SWEEP_LIMIT} sweeps")


def _check_graph(item: Pass, module: Module) -> None:
    try:
        verify_module(module, ops.infer)
    except InvalidGraph as error:
        raise InternalError(f"pass {item.name} broke the graph: {error.what}") from error


class _Snapshot:
    """What a module says, cheap enough to take before every pass.

    It holds the parts that the text form prints; types and constants that stayed the same objects
    compare at once.
    """

    def __init__(self, module: Module) -> None:
        self.graphs = [_graph_parts(g) for g in module.graphs.values()]
        self.constants = _constants(module)

    def differs(self, module: Module) -> bool:
        """Whether the module says something else by now."""
        now = _constants(module)
        if len(now) != len(self.constants) or self.graphs != _Snapshot(module).graphs:
            return True
        pairs = zip(self.constants, now, strict=True)
        return any(a[:2] != b[:2] or a[2] is not b[2] for a, b in pairs)


def _graph_parts(graph: Graph) -> tuple[Any, ...]:
    nodes = [_node_parts(node) for node in graph.nodes]
    return _named_types(graph.inputs), [v.name for v in graph.outputs], nodes


def _node_parts(node: Node) -> tuple[Any, ...]:
    operands = [v.name if v else None for v in node.inputs]
    regions = [_graph_parts(region) for region in node.regions]
    return node.op, operands, _named_types(node.outputs), dict(node.attrs), regions


def _named_types(values: Iterable[Value]) -> list[tuple[str, TensorType]]:
    return [(v.name, v.type) for v in values]


def _constants(module: Module) -> list[tuple[str, TensorType, Array | None]]:
    return [(v.name, v.type, v.data) for g in module.graphs.values() for v in g.constants()]


def optimize(
    module: Module, passes: Sequence[Pass] | None = None, without: Sequence[str] = ()
) -> None:
    """Run the passes of `order.py`, then those of installed packages (`edgewright.passes`).

    Those named in `without` are left out.

    What was declined, and why, is left in each graph's `declined`.
    """
    for item in _default_passes() if passes is None else passes:
        if item.name not in without:
            run_pass(item, module)
    for graph in module.graphs.values():
        graph.declined = [d for d in graph.declined if d.node.graph is not None]


def _default_passes() -> Iterable[Pass]:
    from edgewright.passes.order import ORDER

    yield from ORDER
    for entry in sorted(entry_points(group="edgewright.passes"), key=lambda e: e.name):
        yield entry.load()
