"""Compile one operator for every ISA level that runs here and compare it with its reference.

`pytest tests/ops --target NAME` does so for another target, under its emulator.
"""

from __future__ import annotations

import ctypes
import functools
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import ops, targets, toolchain
from edgewright.artifact.manifest import TargetInfo
from edgewright.artifact.native import NativeModel
from edgewright.artifact.products import Built
from edgewright.artifact.remote import RemoteModel
from edgewright.codegen import Code, generate
from edgewright.graph import (
    DType,
    Graph,
    Module,
    Node,
    Quant,
    State,
    TensorType,
    Value,
    verify_module,
)
from edgewright.ops.interpreter import Interpreter
from edgewright.pipeline.files import entry_infos, target_info, write_target
from edgewright.verify.compare import Difference, compare

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Operand:
    """An operand of a test: its array, whether it is constant, and its quantisation."""

    array: Array
    quant: Quant | None = None
    constant: bool = False


def const(array: Array, quant: Quant | None = None) -> Operand:
    """A constant operand."""
    return Operand(array, quant, constant=True)


def quantised(array: Array, scale: float, zero: int = 0) -> Operand:
    """A per-tensor quantised operand."""
    return Operand(array, Quant.per_tensor(scale, zero))


def one_node(
    op: str,
    operands: Sequence[Array | Operand | None],
    outputs: Sequence[TensorType] | None = None,
    requantization: str = "float",
    states: Sequence[State] = (),
    **attrs: Any,
) -> tuple[Module, dict[str, Array]]:
    """A module that holds just this node, and its inputs by name.

    `outputs` gives the result types where the operator cannot infer them (quantised results).
    """
    graph, inputs = Graph("main"), {}
    values: list[Value | None] = []
    for index, given in enumerate(operands):
        if given is None:
            values.append(None)
            continue
        operand = given if isinstance(given, Operand) else Operand(np.asarray(given))
        dtype = DType.of(operand.array.dtype)
        type = TensorType(dtype, operand.array.shape, operand.quant)
        if operand.constant:
            values.append(graph.constant(f"c{index}", operand.array, type))
        else:
            values.append(graph.add_input(f"x{index}", type))
            inputs[f"x{index}"] = operand.array
    node = Node(op, list(values), [], attrs)
    types = list(outputs) if outputs is not None else ops.infer(node)
    node.outputs = [graph.value(f"y{i}", type) for i, type in enumerate(types)]
    graph.insert(node)
    graph.outputs = list(node.outputs)
    module = Module({"main": graph}, {s.name: s for s in states}, requantization)
    verify_module(module, ops.infer)
    return module, inputs


#: the name of the target that `check_module` runs code for; conftest.py sets it from `--target`
chosen = "host"


@functools.cache
def _target(name: str) -> targets.Target:
    return targets.get(name)


def load(code: Code, module: Module, folder: Path, target: str = "host") -> NativeModel:
    """Compile generated code and load its first entry point."""
    held = _target(target)
    library = toolchain.build_library(
        code.model_c, held, soname="libtest.so", includes={"model.h": code.model_h}
    )
    (folder / "weights.bin").write_bytes(code.weights)
    (folder / "libtest.so").write_bytes(library.read_bytes())
    built = Built("libtest.so", library.stat().st_size, 0)
    alone = replace(held, chunks=1)  # chunks one after the other: there is no pool beside it
    info: TargetInfo = target_info(code, alone, built, "zig")
    return NativeModel(folder, code.name, info, entry_infos(code)[0])


def check_module(
    module: Module,
    samples: Sequence[Mapping[str, Array]],
    tolerance: float | None = None,
    levels: Sequence[str] | None = None,
    target: str | None = None,
) -> list[dict[str, Array]]:
    """Run a module at every ISA level; assert that it agrees with the reference, which is returned.

    Integers must be equal; floats within `tolerance` of the output's range (default: that of the
    module's least exact operator).
    """
    interpreter = Interpreter(module)
    expected = [interpreter.run(sample) for sample in samples]
    bound = tolerance
    if bound is None:
        bound = max(ops.of(n).tolerance for g in module.graphs.values() for n in g.walk())
    with tempfile.TemporaryDirectory() as name:
        model = _open(module, _target(target or chosen), Path(name))
        for level in levels or model.levels_here():
            model.use_level(level)
            for difference in compare(_run_all(model, samples), expected):
                _assert_close(difference, bound, level)
        if isinstance(model, NativeModel):
            _unload(model)
    return expected


def _open(module: Module, target: targets.Target, folder: Path) -> NativeModel | RemoteModel:
    """Build a module for a target and open it, in this process where that is possible."""
    if target.is_native:
        return load(generate(module, target, "test"), module, folder, target.name)
    place = folder / "target"
    code, info = write_target(module, target, "test", place, None, {})
    return RemoteModel(place, code.name, info, entry_infos(code)[0], target)


def _run_all(
    model: NativeModel | RemoteModel, samples: Sequence[Mapping[str, Array]]
) -> list[dict[str, Array]]:
    """Some inputs in order, from the initial state; on an emulator in one process."""
    model.reset()
    if isinstance(model, RemoteModel):
        return model.run_all(samples)
    return [model.run(sample) for sample in samples]


def _assert_close(difference: Difference, tolerance: float, level: str) -> None:
    where = f"{difference.output} at {level}: {difference.mismatches}/{difference.elements}"
    if difference.is_float:
        assert difference.error <= tolerance, f"{where}, error {difference.error} > {tolerance}"
    else:
        assert difference.exact, f"{where} differ, by up to {difference.error}"


def _unload(model: NativeModel) -> None:
    """Close the library: a test run opens thousands."""
    handle = model._library._handle
    ctypes.CDLL(None).dlclose(ctypes.c_void_p(handle))


def check_op(
    op: str,
    operands: Sequence[Array | Operand | None],
    outputs: Sequence[TensorType] | None = None,
    requantization: str = "float",
    tolerance: float | None = None,
    **attrs: Any,
) -> list[Array]:
    """`check_module` for a single node; returns the reference's outputs."""
    module, inputs = one_node(op, operands, outputs, requantization, **attrs)
    (expected,) = check_module(module, [inputs], tolerance)
    return list(expected.values())


def check_ops(cases: Sequence[tuple[str, Sequence[Any], dict[str, Any]]], **options: Any) -> None:
    """Several nodes in one compiled file: compiling costs 0.2-0.5 s a time.

    Each case is (operator, operands, attributes); an attribute `outputs` gives result types.
    """
    whole, inputs = Graph("main"), {}
    requantization = options.pop("requantization", "float")
    for number, (op, operands, given) in enumerate(cases):
        attrs = dict(given)
        part, arrays = one_node(op, operands, attrs.pop("outputs", None), requantization, **attrs)
        _merge(whole, part.main, f"n{number}.")
        inputs.update({f"n{number}.{name}": array for name, array in arrays.items()})
    check_module(Module({"main": whole}, {}, requantization), [inputs], **options)


def _merge(whole: Graph, part: Graph, prefix: str) -> None:
    for value in [*part.inputs, *part.constants(), *(v for n in part.walk() for v in n.outputs)]:
        value.name = whole.unique(prefix + value.name)
    whole.inputs += part.inputs
    whole.outputs += part.outputs
    for node in part.nodes:
        node.graph = whole
        whole.nodes.append(node)
        for region in node.regions:
            region.parent = whole
