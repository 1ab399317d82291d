"""Built code, or its reference, against the source model run by another runtime."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.artifact.manifest import OracleInfo
from edgewright.errors import MissingPackage, OracleError
from edgewright.graph import Graph, Value
from edgewright.importers import Interface
from edgewright.verify import oracles
from edgewright.verify.compare import Difference, compare
from edgewright.verify.dequantized import dequantized_weights
from edgewright.verify.reference import FLOAT_TOLERANCE
from edgewright.verify.reshaped import without_sizes

Array = npt.NDArray[Any]
Sample = Mapping[str, Array]

#: quantised models in mode `float`: the share of the range that roundings which the oracle does
#: otherwise (see `docs/reference/integer.md`) may add up to, end to end. LiteRT's default kernels
#: do next to nothing otherwise (measured: nothing, on all models of tests/models); ONNX Runtime
#: rounds sums of tensors its own way, which a deep net multiplies
ROUNDING_TOLERANCE: dict[oracles.Kind, float] = {"litert": 0.02, "onnxruntime": 0.1}
#: the same where every operator rounds otherwise: mode `fixed` against ONNX Runtime, which knows
#: only the other arithmetic, and mode `float` against tflite-micro
OTHER_ARITHMETIC_TOLERANCE = 0.25

#: operators that leave the numbers what they are
_MOVES = frozenset({"concat", "expand", "gather", "reshape", "slice", "split", "tile", "transpose"})

TIMEOUT_S = 300.0
#: added to the name of an oracle that runs a copy of the file (docs/decisions/0002)
ON_DEQUANTIZED = " on dequantised weights"

_ORACLES: dict[tuple[str, str], tuple[oracles.Kind, ...]] = {
    ("tflite", "fixed"): ("litert_ref", "tflm"),
    ("tflite", "float"): ("litert", "tflm"),
    ("onnx", "fixed"): ("onnxruntime",),
    ("onnx", "float"): ("onnxruntime",),
}


@dataclass(frozen=True)
class SourceFile:
    """The user's file as an oracle sees it.

    Args:
        path: the file.
        format: "tflite" or "onnx".
        interface: the tensors of the file behind our inputs and outputs.
        states: the first content of each input that became state, by its name.
        reshaped: the inputs whose sizes the user chose.
        labels: class labels by output; where the file gives a text, we give its position.
    """

    path: Path
    format: str
    interface: Interface
    states: Mapping[str, Array]
    reshaped: Collection[str] = ()
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def content(self) -> tuple[bytes | Path, str]:
        """The file to run, or the bytes of a copy and what to add to the oracle's name then."""
        if self.format == "tflite":
            copy = dequantized_weights(self.path.read_bytes(), self.path.name)
            if copy is not None:
                return copy, ON_DEQUANTIZED
        if self.format == "onnx" and self.reshaped:
            return without_sizes(self.path.read_bytes(), self.reshaped), ""
        return self.path, ""


def run_source(
    source: SourceFile,
    content: bytes | Path,
    kind: oracles.Kind,
    names: Sequence[str],
    samples: Sequence[Sample],
) -> list[dict[str, Array]]:
    """The source model's outputs, by our names, in the order of the interface.

    Inputs that became state are fed from the outputs that they were tied to.

    Args:
        source: the model.
        content: its file, or the bytes of a copy.
        kind: an oracle (see `verify.oracles`).
        names: our names of the outputs, tied ones left out.
        samples: inputs by our names, in the order of the interface without the tied ones.
    """
    tied = source.interface.tied
    free = [t for t in source.interface.inputs if t not in tied]
    fed = [dict(zip(free, sample.values(), strict=True)) for sample in samples]
    kept = [t for t in source.interface.outputs if t not in tied.values()]
    if tied:
        results = _run_tied(source, content, kind, fed)
    else:
        results = _run(kind, content, fed)
    return [
        {ours: _as_numbers(result[theirs], source.labels.get(ours, ()))
         for ours, theirs in zip(names, kept, strict=True)}
        for result in results
    ]  # fmt: skip


def _as_numbers(output: Array, labels: Sequence[str]) -> Array:
    """An output as it is, or the positions of its texts among the labels."""
    if output.dtype.kind not in "OSU":
        return output
    positions = {label: index for index, label in enumerate(labels)}
    return np.array([positions[str(text)] for text in output.ravel()], np.int64).reshape(
        output.shape
    )


def _run(
    kind: oracles.Kind, content: bytes | Path, fed: Sequence[Sample]
) -> list[dict[str, Array]]:
    return oracles.run(kind, content, fed, timeout_s=TIMEOUT_S)


def _run_tied(
    source: SourceFile, content: bytes | Path, kind: oracles.Kind, fed: Sequence[Sample]
) -> list[dict[str, Array]]:
    results: list[dict[str, Array]] = []
    state: Mapping[str, Array] = source.states
    for sample in fed:
        results += _run(kind, content, [{**sample, **state}])
        state = {name: results[-1][out] for name, out in source.interface.tied.items()}
    return results


def compare_with_source(
    source: SourceFile,
    mode: str,
    names: Sequence[str],
    samples: Sequence[Sample],
    actual: Sequence[Sample],
    quantised: bool,
    rounded: Collection[str] = (),
) -> tuple[OracleInfo, list[Difference]]:
    """End to end, against the first oracle that accepts the file. Raises OracleError.

    Args:
        source: the model's file.
        mode: of requantization.
        names: our names of the outputs, tied ones left out.
        samples: inputs by our names.
        actual: what the reference made of them.
        quantised: whether integers are exact.
        rounded: the outputs of a quantised model that are not; see `rounded_outputs`.
    """
    answer = source_outputs(source, mode, names, samples)
    differences = compare(actual, answer.outputs)
    tolerance = _tolerance(answer.kind, mode) if quantised else FLOAT_TOLERANCE
    wrong = [d for d in differences if d.error]
    if tolerance == 0 and wrong and all(d.output in rounded for d in wrong):
        tolerance = FLOAT_TOLERANCE
    errors = [d.error if tolerance == 0 else _relative(d) for d in differences]
    info = OracleInfo(
        oracle=answer.oracle,
        samples=len(samples),
        max_error=max(errors, default=0.0),
        tolerance=tolerance,
        exact=tolerance == 0,
    )
    return info, differences


def rounded_outputs(graph: Graph) -> set[str]:
    """The float outputs that are computed in float, such as the boxes of a detector.

    Another runtime's library rounds their sums and exponentials otherwise. All others hold the
    numbers of integers, taken out by `dequantize` and at most moved: these are the same bits.
    """
    floats = [v for v in graph.outputs if v.type.dtype.is_float]
    return {value.name for value in floats if _is_computed(value)}


def _is_computed(value: Value) -> bool:
    node = value.producer
    if not value.type.dtype.is_float or node is None or node.op == "dequantize":
        return False
    if node.op not in _MOVES:
        return True
    return any(_is_computed(operand) for operand in node.inputs if operand is not None)


@dataclass(frozen=True)
class Answer:
    """The source model's outputs by our names, and the oracle that gave them."""

    outputs: list[dict[str, Array]]
    kind: oracles.Kind
    oracle: str


def source_outputs(
    source: SourceFile, mode: str, names: Sequence[str], samples: Sequence[Sample]
) -> Answer:
    """What the first oracle that accepts the file makes of the samples. Raises OracleError."""
    refusals: list[OracleError | MissingPackage] = []
    content, how = source.content()
    for kind in _ORACLES[source.format, mode]:
        try:
            outputs = run_source(source, content, kind, names, samples)
        except (oracles.OracleRefused, oracles.OracleCrashed, MissingPackage) as error:
            refusals.append(error)
            continue
        return Answer(outputs, kind, oracles.NAMES[kind] + how)
    raise refusals[0]


def _tolerance(kind: oracles.Kind, mode: str) -> float:
    """How far a quantised model may be from an oracle."""
    fixed = kind in ("litert_ref", "tflm")
    if fixed != (mode == "fixed"):
        return OTHER_ARITHMETIC_TOLERANCE
    return 0.0 if fixed else ROUNDING_TOLERANCE[kind]


def _relative(difference: Difference) -> float:
    """Errors of integer outputs as a share of an 8-bit range, to be comparable with floats'."""
    return difference.error if difference.is_float else difference.error / 255.0
