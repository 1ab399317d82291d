"""Built code against the NumPy reference, on the vectors of the package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from edgewright.artifact.manifest import VerdictInfo
from edgewright.artifact.native import NativeModel
from edgewright.artifact.remote import RemoteModel
from edgewright.graph import Module
from edgewright.ops.interpreter import Interpreter
from edgewright.verify.compare import compare, crc32, worst

Array = npt.NDArray[Any]
Sample = Mapping[str, Array]

#: |C - reference| relative to the output's range, for whole float models
FLOAT_TOLERANCE = 1e-4
#: the same where activations are rounded to bfloat16: sums that differ in their last bit may lie on
#: both sides of a half, and then differ by 2^-8 of themselves
ROUNDED_TOLERANCE = 1e-2


def reference_outputs(module: Module, samples: Sequence[Sample]) -> list[dict[str, Array]]:
    """What the model means on the samples, one after the other from the initial state."""
    interpreter = Interpreter(module)
    return [interpreter.run(sample) for sample in samples]


def run_all(
    model: NativeModel | RemoteModel, samples: Sequence[Sample], count: bool = False
) -> list[dict[str, Array]]:
    """All samples in order, from the initial state."""
    model.reset()
    if isinstance(model, RemoteModel):
        return model.run_all(samples, count)
    return [model.run(sample) for sample in samples]


def verdicts(
    model: NativeModel | RemoteModel,
    samples: Sequence[Sample],
    expected: Sequence[Sample],
    ran_on: str,
    count: bool = False,
    tolerance: float = FLOAT_TOLERANCE,
) -> list[VerdictInfo]:
    """One verdict for every ISA level that runs here; `tolerance` is that of float outputs."""
    found = []
    for level in model.levels_here():
        model.use_level(level)
        actual = run_all(model, samples, count)
        differences = compare(actual, expected)
        exact = not any(d.is_float for d in differences)
        found.append(
            VerdictInfo(
                ran_on=ran_on,
                level=level,
                vectors=len(samples),
                crc32=crc32(actual),
                max_error=worst(differences),
                tolerance=0.0 if exact else tolerance,
                exact=exact,
                instructions=model.instructions if isinstance(model, RemoteModel) else None,
            )
        )
    return found


def passed(verdict: VerdictInfo) -> bool:
    """Whether the built code may be called good."""
    return verdict.max_error <= verdict.tolerance
