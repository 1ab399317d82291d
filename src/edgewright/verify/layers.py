"""Operator by operator: each node alone, on given inputs, so that errors do not add up."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import ops, targets, toolchain
from edgewright.artifact.memory import aligned
from edgewright.codegen import Code, generate
from edgewright.errors import InternalError
from edgewright.graph import Module, Node, Value
from edgewright.ops.block import BlockNode
from edgewright.ops.interpreter import Interpreter
from edgewright.verify.compare import Difference, compare

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class LayerResult:
    """One node: how far the C is from the reference."""

    index: int
    node: Node
    against_reference: Difference

    @property
    def tolerance(self) -> float:
        """What the operator states for float outputs; integers must be equal."""
        return ops.of(self.node).tolerance if self.against_reference.is_float else 0.0

    @property
    def good(self) -> bool:
        """Whether the C may be called equal to the reference."""
        return self.against_reference.error <= self.tolerance


class StepModel:
    """A library in which each node can be run alone; every value has memory of its own.

    Sizes chosen at run time are not supported here: layers are compared at fixed shapes.
    """

    def __init__(self, module: Module, target: targets.Target, compiler: str | None = None) -> None:
        self.module = module
        self.code: Code = generate(module, target, "steps", stepwise=True)
        used = toolchain.find_compiler(target, compiler)
        level = targets.levels_here(target)[-1]
        source = toolchain.compile_object(
            self.code.model_c, target, level, includes={"model.h": self.code.model_h}, compiler=used
        )
        library = toolchain.link_shared([source], target, soname="libsteps.so", compiler=used)
        with tempfile.TemporaryDirectory() as folder:  # once loaded, the file may go
            place = Path(folder) / "libsteps.so"
            place.write_bytes(library.read_bytes())
            self._library = ctypes.CDLL(str(place))
        self._arena = aligned(max(1, self.code.sizes.arena))
        self._weights = aligned(len(self.code.weights))
        self._weights[:] = np.frombuffer(self.code.weights, np.uint8)
        self._plan = next(iter(self.code.plans.values()))
        order = self._plan.order[module.main]
        #: what the code runs for each node: the node, or for the last one of a block all of it
        self.runs = {n.chain[-1] if isinstance(n, BlockNode) else n: n for n in order}
        self._io = self._make_io()

    def _make_io(self) -> ctypes.Array[Any]:
        """The io structure is pointers only, as no dims are chosen at run time."""
        graph = self.module.main
        values = [*graph.inputs, *graph.outputs]
        self._buffers = [aligned(max(1, v.type.max_bytes)) for v in values]
        pointers = [b.ctypes.data for b in self._buffers]
        if self.code.sizes.state:
            self._state = aligned(self.code.sizes.state)
            pointers.append(self._state.ctypes.data)
        return (ctypes.c_void_p * (len(pointers) + 1))(*pointers, 0)

    def memory(self, value: Value) -> Array:
        """Where the code keeps a value, as an array."""
        place = self._plan.places[value]
        if place.kind == "arena":
            raw = self._arena[place.offset : place.offset + value.type.max_bytes]
        else:
            base = 0 if place.kind == "input" else len(self.module.main.inputs)
            raw = self._buffers[base + place.offset][: value.type.max_bytes]
        return raw.view(value.type.dtype.numpy).reshape(value.type.dims)

    def write_states(self, states: Mapping[str, Array]) -> None:
        """Set the state block."""
        for name, offset in self.code.state_offsets.items():
            flat = np.ascontiguousarray(states[name]).view(np.uint8).ravel()
            self._state[offset : offset + flat.size] = flat

    def run(self, node: Node, inputs: Sequence[Array | None]) -> list[Array]:
        """The outputs of one node on the given inputs."""
        for value, array in zip(node.inputs, inputs, strict=True):
            if value is not None and not value.is_constant and array is not None:
                self.memory(value)[...] = array
        index = self._plan.order[self.module.main].index(node)
        error = self._library.steps_run_step(
            ctypes.c_int(index), ctypes.byref(self._io),
            ctypes.c_void_p(self._arena.ctypes.data), ctypes.c_void_p(self._weights.ctypes.data),
        )  # fmt: skip
        if error:
            raise InternalError(f"{node.op} failed with error {error}")
        return [self.memory(v).copy() for v in node.outputs]


def check_layers(
    module: Module, target: targets.Target, sample: Mapping[str, Array], compiler: str | None = None
) -> list[LayerResult]:
    """C against the reference, node by node, on the reference's own inputs.

    A block (ops/block.py) is one node; its reference is that of its members, one after the other.
    """
    step = StepModel(module, target, compiler)
    results: list[LayerResult] = []
    known = {value: sample[value.name] for value in module.main.inputs}

    def watch(node: Node, inputs: Sequence[Array | None], outputs: Sequence[Array]) -> None:
        if node.graph is not module.main or not node.outputs:
            return
        known.update(zip(node.outputs, outputs, strict=True))
        run = step.runs.get(node)
        if run is None:  # inside a block, which is compared at its end
            return
        if run is not node:
            inputs = [known.get(value) if value else None for value in run.inputs]
        if interpreter.states:
            step.write_states(interpreter.states)
        actual = step.run(run, inputs)
        names = [v.name for v in node.outputs]
        found = compare([dict(zip(names, actual, strict=True))],
                        [dict(zip(names, outputs, strict=True))])  # fmt: skip
        worst = max(found, key=lambda d: d.error)
        results.append(LayerResult(len(results), run, worst))

    interpreter = Interpreter(module, watch)
    interpreter.run(sample)
    return results
