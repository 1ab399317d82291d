"""Instructions of every operator on a target that an emulator runs: exact, but no time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgewright import ops, targets
from edgewright.artifact import runners
from edgewright.artifact.tensors import check_inputs
from edgewright.codegen import generate
from edgewright.codegen.names import identifier
from edgewright.errors import InternalError, MissingRunner
from edgewright.graph import Node
from edgewright.pipeline.instrumented import open_instrumented
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.prove import draw_vectors


@dataclass(frozen=True)
class NodeCount:
    """One operator: its place in the run order, its name in the IR and in the user's file."""

    index: int
    op: str
    name: str
    macs: int
    instructions: int

    @property
    def macs_per_instruction(self) -> float:
        """Multiply-accumulates an instruction, everything around the inner loop included."""
        return self.macs / self.instructions if self.instructions else 0.0


@dataclass(frozen=True)
class Counts:
    """One run of a model.

    Attributes:
        target: where it ran.
        requantization: the mode of the code.
        nodes: by operator; the marks between them cost a few instructions each.
        functions: by C function, its own instructions.
        total: of the entry point.
    """

    target: str
    requantization: str
    nodes: tuple[NodeCount, ...]
    functions: Mapping[str, int]
    total: int

    def to_json(self) -> dict[str, Any]:
        """One document."""
        nodes = [{**vars(n), "macs_per_instruction": n.macs_per_instruction} for n in self.nodes]
        return {
            "target": self.target,
            "requantization": self.requantization,
            "total": self.total,
            "operators": nodes,
            "functions": dict(self.functions),
        }


def count_instructions(
    model: Model | str | os.PathLike[str], target: str, **options: Any
) -> Counts:
    """Run a model once on an emulator, instrumented. Raises MissingRunner where nothing counts.

    Args:
        model: a file, or what `load_model` returned.
        target: one that runs under qemu.
        options: those of `load_model`, when `model` is a file; without an FPU the requantization
            is "fixed" unless they say otherwise.
    """
    held = targets.get(target)
    runner = counting_runner(held)
    if not held.fpu and not options.get("requantization"):
        options["requantization"] = "fixed"
    loaded = model if isinstance(model, Model) else load_model(model, **options)
    code = generate(loaded.module, held, identifier(loaded.path.stem), profiled=True)
    sample = draw_vectors(loaded)[0][0]
    with tempfile.TemporaryDirectory() as folder:
        remote = open_instrumented(code, held, runner, Path(folder))
        outcome = remote.execute([check_inputs(remote.entry, sample, remote.shapes)], count=True)
    if outcome.instructions is None:
        raise InternalError(f"{runner.name} did not count the instructions of {target}")
    (graph, plan), *_ = ((e.graph, code.plans[e.graph.name]) for e in code.entries)
    order = plan.order[graph]
    pairs = zip(order, outcome.marks, strict=True)
    nodes = tuple(_count(i, node, count) for i, (node, count) in enumerate(pairs))
    mode = loaded.module.requantization
    return Counts(target, mode, nodes, outcome.functions, outcome.instructions)


def counting_runner(target: targets.Target) -> targets.Runner:
    """An emulator that counts what runs on it. Raises MissingRunner."""
    if target.is_native:
        raise MissingRunner(f"{target.name} runs natively here, where nothing counts instructions",
                            help="edgewright profile measures time instead")  # fmt: skip
    return runners.that_measures("instructions", target)


def _count(index: int, node: Node, instructions: int) -> NodeCount:
    name = (node.origin.tensor if node.origin else "") or node.output.name
    return NodeCount(index, node.op, name, ops.of(node).macs(node), instructions)
