"""Applying one pass to a graph in text form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from edgewright import ops
from edgewright.graph import Graph, Module, parse_graph
from edgewright.passes import Pass, run_pass


@dataclass
class Outcome:
    """What a pass did: whether it changed the graph, the graph, and what it declined."""

    changed: bool
    graph: Graph

    @property
    def ops(self) -> list[str]:
        """The operators that are left, in order."""
        return [node.op for node in self.graph.nodes]

    @property
    def why(self) -> str:
        """The reasons for what was declined, one per line."""
        return "\n".join(d.why for d in self.graph.declined)


Apply = Callable[[Pass, str], Outcome]


@pytest.fixture
def apply() -> Apply:
    """Run a pass on the text of a graph's arguments, results and body."""

    def run(item: Pass, text: str) -> Outcome:
        graph = parse_graph(f"graph main{text}", infer=ops.infer)
        return Outcome(run_pass(item, Module({"main": graph})), graph)

    return run
