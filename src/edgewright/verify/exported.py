"""A file that an exporter wrote, run by its own runtime and compared with the module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.errors import MissingPackage, OracleError
from edgewright.exporters import Exported
from edgewright.graph import Module, Value
from edgewright.verify import oracles
from edgewright.verify.compare import Difference, compare
from edgewright.verify.oracles.litert_steps import PREFIX
from edgewright.verify.reference import FLOAT_TOLERANCE
from edgewright.verify.source import OTHER_ARITHMETIC_TOLERANCE, TIMEOUT_S
from edgewright.verify.source_layers import layer_errors

Array = npt.NDArray[Any]
Sample = Mapping[str, Array]
Perm = tuple[int, ...]

#: the share of an output's range by which a file whose weights were narrowed may differ
NARROWED_TOLERANCE = {"float16": 0.01, "dynamic_range": 0.1}
#: end to end, for quantised models; each operator must be within one step besides
QUANTISED_TOLERANCE = {"litert": 0.02, "litert_ref": 0.0}

_ENDS: dict[tuple[str, str], tuple[oracles.Kind, ...]] = {
    ("tflite", "float"): ("litert", "tflm"),
    ("tflite", "fixed"): ("litert_ref", "tflm"),
    ("onnx", "float"): ("onnxruntime",),
    ("onnx", "fixed"): ("onnxruntime",),
}
#: the reference kernels refuse some scales that the default ones take
_STEPS: dict[tuple[str, str], tuple[oracles.Kind, ...]] = {
    ("tflite", "float"): ("litert_steps", "litert"),
    ("tflite", "fixed"): ("litert_ref", "litert"),
    ("onnx", "float"): ("onnxruntime",),
    ("onnx", "fixed"): ("onnxruntime",),
}


@dataclass(frozen=True)
class Written:
    """A written file, what its exporter says of it, and the module that it was made from."""

    module: Module
    exported: Exported
    format: str
    path: Path

    @property
    def mode(self) -> str:
        """The arithmetic of the module."""
        return self.module.requantization


@dataclass(frozen=True)
class EndToEnd:
    """The file's outputs against the reference's; `error` is a share of the range."""

    runtime: str
    samples: int
    error: float
    tolerance: float

    @property
    def good(self) -> bool:
        """Whether it is within the tolerance."""
        return self.error <= self.tolerance


def end_to_end(
    written: Written,
    samples: Sequence[Sample],
    expected: Sequence[Sample],
    *,
    quantised: bool,
    weights: str,
) -> EndToEnd:
    """Run the file on samples and compare.

    Args:
        written: the file.
        samples: inputs by the names of the module.
        expected: the reference's outputs.
        quantised: whether the module computes on integers.
        weights: how the weights were stored.

    Raises:
        OracleError, MissingPackage: no runtime runs the file.
    """
    refusals: list[OracleError | MissingPackage] = []
    for kind in _ENDS[written.format, written.mode]:
        try:
            actual = _run(written, kind, samples)
        except (oracles.OracleRefused, oracles.OracleCrashed, MissingPackage) as error:
            refusals.append(error)
            continue
        differences = compare(actual, expected)
        tolerance = _tolerance(kind, quantised, weights)
        errors = [_relative(d) for d in differences]
        return EndToEnd(oracles.NAMES[kind], len(samples), max(errors, default=0.0), tolerance)
    raise refusals[0]


def _tolerance(kind: oracles.Kind, quantised: bool, weights: str) -> float:
    if quantised:
        return QUANTISED_TOLERANCE.get(kind, OTHER_ARITHMETIC_TOLERANCE)
    return NARROWED_TOLERANCE.get(weights, FLOAT_TOLERANCE)


def _relative(difference: Difference) -> float:
    """Errors of integer outputs as a share of an 8-bit range."""
    return difference.error if difference.is_float else difference.error / 255.0


def _run(written: Written, kind: oracles.Kind, samples: Sequence[Sample]) -> list[dict[str, Array]]:
    """The file's outputs, by the module's names and in its order of axes."""
    fed = [_fed(written, sample) for sample in samples]
    if written.exported.states:
        results = _run_in_turn(written, kind, fed)
    else:
        results = oracles.run(kind, written.path, fed, timeout_s=TIMEOUT_S)
    return [_named(written, result) for result in results]


def _fed(written: Written, sample: Sample) -> dict[str, Array]:
    """A sample by the names of the file and in its order of axes."""
    values, names = written.module.main.inputs, written.exported.inputs
    return {
        name: np.ascontiguousarray(sample[value.name].transpose(_order(written, value, name)))
        for value, name in zip(values, names, strict=True)
    }


def _order(written: Written, value: Value, name: str) -> Perm:
    """The permutation from a value of the module to a tensor of the file."""
    plain = tuple(range(value.type.rank))
    before = (value.source.perm if value.source else ()) or plain
    total = written.exported.layouts.get(name, plain)
    return tuple(before.index(axis) for axis in total)


def _named(written: Written, result: Mapping[str, Array]) -> dict[str, Array]:
    values, names = written.module.main.outputs, written.exported.outputs
    return {
        value.name: result[name].transpose(_inverse(_order(written, value, name)))
        for value, name in zip(values, names, strict=True)
    }


def _inverse(perm: Perm) -> Perm:
    return tuple(sorted(range(len(perm)), key=lambda i: perm[i]))


def _first_states(written: Written) -> dict[str, Array]:
    """What the inputs that take states start with."""
    states = written.exported.states
    return {given: written.module.states[name].init for name, (given, _) in states.items()}


def _run_in_turn(
    written: Written, kind: oracles.Kind, fed: Sequence[dict[str, Array]]
) -> list[dict[str, Array]]:
    """Each sample with the states that the one before has left."""
    results: list[dict[str, Array]] = []
    held = _first_states(written)
    for sample in fed:
        results += oracles.run(kind, written.path, [{**sample, **held}], timeout_s=TIMEOUT_S)
        held = {given: results[-1][after] for given, after in written.exported.states.values()}
    return results


def by_operator(written: Written, sample: Sample) -> dict[str, tuple[float, float]]:
    """(error, tolerance) by each node's first output, where the runtime shows both ends.

    The reference of each operator is fed with the runtime's own tensors. Integers are compared in
    steps of the last place. Raises OracleError, MissingPackage.
    """
    fed = {**_fed(written, sample), **_first_states(written)}
    refusals: list[OracleError | MissingPackage] = []
    for kind in _STEPS[written.format, written.mode]:
        try:
            (tensors,) = oracles.run(kind, written.path, [fed], True, timeout_s=TIMEOUT_S)
        except (oracles.OracleRefused, oracles.OracleCrashed, MissingPackage) as error:
            refusals.append(error)
            continue
        exact = written.mode == "fixed" and kind == "litert_ref"
        return layer_errors(written.module, _in_source({**tensors, **fed}, written.exported), exact)
    raise refusals[0]


def _in_source(tensors: Mapping[str, Array], exported: Exported) -> dict[str, Array]:
    """The runtime's tensors by their names, and in the order of axes, of the source."""
    found: dict[str, Array] = {}
    for name, array in tensors.items():
        prefix = PREFIX if name.startswith(PREFIX) else ""
        plain = name.removeprefix(PREFIX)
        if plain not in exported.names:
            continue
        layout = exported.layouts.get(plain)
        if layout is not None and len(layout) != array.ndim:
            continue
        moved = array if layout is None else array.transpose(_inverse(layout))
        found.setdefault(prefix + exported.names[plain], moved)
    return found
