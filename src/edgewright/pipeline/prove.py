"""Verify packages: built code against the reference, and the model against its source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from edgewright import targets
from edgewright.artifact.manifest import (
    AccuracyInfo,
    EntryInfo,
    OracleInfo,
    PrecisionInfo,
    TargetInfo,
    VerdictInfo,
)
from edgewright.artifact.native import NativeModel
from edgewright.artifact.remote import RemoteModel
from edgewright.errors import InvalidInput
from edgewright.pipeline.model import Model
from edgewright.verify.precision import costs
from edgewright.verify.reference import (
    FLOAT_TOLERANCE,
    ROUNDED_TOLERANCE,
    reference_outputs,
    verdicts,
)
from edgewright.verify.samples import draw, has_run_time_sizes, vector_count
from edgewright.verify.source import SourceFile, compare_with_source, rounded_outputs

Array = npt.NDArray[Any]
Sample = dict[str, Array]
_LARGEST_INTEGERS = (100, 8, 4, 1)


def prove_target(
    folder: Path,
    name: str,
    info: TargetInfo,
    entry: EntryInfo,
    target: targets.Target,
    samples: Sequence[dict[str, Array]],
    expected: Sequence[dict[str, Array]],
    runners: Sequence[targets.Runner] | None = None,
    count: bool = False,
    rounds: bool = False,
) -> list[VerdictInfo]:
    """Verdicts for every ISA level that can run here; none when nothing can.

    Args:
        folder: `targets/NAME` of the package.
        name: prefix of the C functions.
        info: what was built.
        entry: the entry point.
        target: where the code runs.
        samples: inputs.
        expected: what they must give.
        runners: the ways to run it; default: the quickest that this machine has.
        count: whether instructions are counted where a runner can.
        rounds: whether activations are rounded (`Narrowing.rounds`).
    """
    tolerance = ROUNDED_TOLERANCE if rounds else FLOAT_TOLERANCE
    found: list[VerdictInfo] = []
    for runner in target.runners_here[:1] if runners is None else runners:
        model = (NativeModel(folder, name, info, entry) if runner.native
                 else RemoteModel(folder, name, info, entry, target, runner))  # fmt: skip
        found += verdicts(model, samples, expected, runner.name, count, tolerance)
    return found


def prove_source(
    model: Model, samples: Sequence[dict[str, Array]], actual: Sequence[dict[str, Array]]
) -> OracleInfo:
    """The model's reference against the source model, end to end. Raises OracleError.

    `actual` is what `original_outputs` returned.
    """
    info, _ = compare_with_source(
        source_file(model),
        model.module.requantization,
        [v.name for v in model.module.main.outputs],
        samples,
        actual,
        model.is_quantised,
        rounded_outputs(model.module.main),
    )
    return info


def original_outputs(
    model: Model, samples: Sequence[Sample], actual: Sequence[Sample]
) -> Sequence[Sample]:
    """What the model means on the samples before its weights were stored in fewer bits.

    That is `actual` where they were not. What the bits cost is reported apart (`narrowing_cost`),
    and must not hide an error of another kind.
    """
    return actual if model.original is None else reference_outputs(model.original, samples)


def narrowing_cost(
    model: Model, actual: Sequence[Sample], wanted: Sequence[Sample]
) -> PrecisionInfo | None:
    """What storing weights in fewer bits costs; None where that was not asked for.

    Args:
        model: the model.
        actual: what it means on some samples.
        wanted: what `original_outputs` returned.
    """
    if model.original is None:
        return None
    return PrecisionInfo(
        precision=model.narrowing.precision,
        weights=model.narrowing.weights,
        samples=len(wanted),
        outputs=tuple(AccuracyInfo(**vars(cost)) for cost in costs(actual, wanted)),
    )


def source_file(model: Model) -> SourceFile:
    """The model's file, for the oracles."""
    tied = model.interface.tied
    states = {name: s.init for name, s in model.module.states.items() if name in tied}
    return SourceFile(
        model.path, model.format, model.interface, states, tuple(model.shapes), model.labels
    )


#: vectors of a model with run-time sizes, each of another size
SIZES_TRIED = 3


def draw_vectors(model: Model, seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    """Samples and what the model means on them.

    Where the model refuses made-up integers (a count that leads past the end of a table), smaller
    ones are tried. Raises InvalidInput when it refuses them all.
    """
    for most in _LARGEST_INTEGERS:
        sized = has_run_time_sizes(model.module.main)  # then macs is that of the largest size
        count = SIZES_TRIED if sized else vector_count(model.macs)
        samples = draw(model.module.main, count, ranges_of(model), seed, most)
        try:
            return samples, reference_outputs(model.module, samples)
        except InvalidInput as error:
            refusal = error
    raise InvalidInput(f"the model refuses made-up inputs: {refusal.what}", where=model.path,
                       help="state the `range` of its inputs in model.toml")  # fmt: skip


def ranges_of(model: Model) -> dict[str, tuple[float, float]]:
    """The ranges of the inputs that the contract states."""
    found = {}
    for index, value in enumerate(model.module.main.inputs):
        limits = model.contract.input(value.name, index).value_range()
        if limits is not None:
            found[value.name] = limits
    return found
