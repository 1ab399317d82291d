"""Built code, or its reference, against the source model run by another runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.artifact.manifest import OracleInfo
from edgewright.errors import MissingPackage, OracleError
from edgewright.importers import Interface
from edgewright.verify import oracles
from edgewright.verify.compare import Difference, compare, worst
from edgewright.verify.reference import FLOAT_TOLERANCE

Array = npt.NDArray[Any]
Sample = Mapping[str, Array]

#: quantised models in another arithmetic than the oracle's: the share of the range that rounding
#: differences may add up to, end to end
ROUNDING_TOLERANCE = 0.1

_ORACLES = {
    ("tflite", "fixed"): ("litert_ref", "tflm"),
    ("tflite", "float"): ("litert", "tflm"),
    ("onnx", "fixed"): ("onnxruntime",),
    ("onnx", "float"): ("onnxruntime",),
}


def run_source(
    path: Path, kind: str, interface: Interface, names: Sequence[str], samples: Sequence[Sample]
) -> list[dict[str, Array]]:
    """The source model's outputs, by our names, in the order of the interface.

    Inputs that became state are fed from the outputs that they were tied to, zeros first.

    Args:
        path: the model file.
        kind: an oracle (see `verify.oracles`).
        interface: the tensors of the file behind our inputs and outputs.
        names: our names of the outputs, tied ones left out.
        samples: inputs by our names, in the order of the interface without the tied ones.
    """
    free = [t for t in interface.inputs if t not in interface.tied]
    fed = [dict(zip(free, sample.values(), strict=True)) for sample in samples]
    kept = [t for t in interface.outputs if t not in interface.tied.values()]
    if interface.tied:
        results = _run_tied(path, kind, interface.tied, fed)
    else:
        results = oracles.run(kind, path, fed, timeout_s=TIMEOUT_S)  # type: ignore[arg-type]
    return [dict(zip(names, (r[t] for t in kept), strict=True)) for r in results]


TIMEOUT_S = 300.0


def _run_tied(
    path: Path, kind: str, tied: Mapping[str, str], fed: Sequence[Mapping[str, Array]]
) -> list[dict[str, Array]]:
    results: list[dict[str, Array]] = []
    for sample in fed:
        before = results[-1] if results else None
        state = {name: before[out] for name, out in tied.items()} if before else {}
        if before is None:
            shapes = oracles.input_types(kind, path)
            state = {name: np.zeros(*shapes[name]) for name in tied}
        results += oracles.run(kind, path, [{**sample, **state}], timeout_s=TIMEOUT_S)  # type: ignore[arg-type]
    return results


def compare_with_source(
    path: Path,
    format: str,
    mode: str,
    interface: Interface,
    names: Sequence[str],
    samples: Sequence[Sample],
    actual: Sequence[Sample],
    quantised: bool,
) -> tuple[OracleInfo, list[Difference]]:
    """End to end, against the first oracle that accepts the file. Raises OracleError."""
    refusals: list[OracleError | MissingPackage] = []
    for kind in _ORACLES[format, mode]:
        try:
            expected = run_source(path, kind, interface, names, samples)
        except (oracles.OracleRefused, oracles.OracleCrashed, MissingPackage) as error:
            refusals.append(error)
            continue
        differences = compare(actual, expected)
        bits = quantised and kind in ("litert_ref", "tflm") and mode == "fixed"
        tolerance = 0.0 if bits else ROUNDING_TOLERANCE if quantised else FLOAT_TOLERANCE
        info = OracleInfo(
            oracle=oracles.NAMES[kind],
            samples=len(samples),
            max_error=max(map(_relative, differences), default=0.0)
            if not bits
            else worst(differences),
            tolerance=tolerance,
            exact=bits,
        )
        return info, differences
    raise refusals[0]


def _relative(difference: Difference) -> float:
    """Errors of integer outputs as a share of an 8-bit range, to be comparable with floats'."""
    return difference.error if difference.is_float else difference.error / 255.0
