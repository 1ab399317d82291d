"""How far is each runtime's answer from the same net in float64? On several samples where few
values come out: of two softmax outputs of one picture a ratio of errors tells nothing."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from benchmarks.files import Array, Prepared, place
from benchmarks.subjects import Subject

MOST_SAMPLES = 16
#: Values that are enough to take a root mean square of.
VALUES = 4096
#: Multiply-accumulates of all samples together: NumPy takes about a minute for as many.
MACS = 2e9


def samples(subject: Subject, prepared: Prepared) -> Path | None:
    """The inputs of all samples in the layout of a prepared file; None where one suffices."""
    kept = place(subject) / "samples-source.npz"
    if not kept.exists():
        return None
    arrays = _arrays(kept)
    if not prepared.perms:
        return kept
    perms = prepared.perms * (len(arrays) // len(prepared.perms))
    path = kept.with_name(f"samples-{prepared.model.suffix[1:]}.npz")
    if not path.exists():
        turned = [a.transpose(p) for a, p in zip(arrays, perms, strict=True)]
        np.savez(path, *map(np.ascontiguousarray, turned))
    return path


def expected(subject: Subject) -> Path:
    """What the reference answers to all samples: each operator in float64, rounded once."""
    return place(subject) / "expected-all.npz"


def make(subject: Subject) -> None:
    """Draw the samples and compute what is expected, where that is not there yet."""
    if subject.dtype != "float32" or expected(subject).exists():
        return
    from edgewright.pipeline.model import load_model
    from edgewright.verify.reference import reference_outputs
    from edgewright.verify.samples import draw

    model = load_model(subject.source(), shapes=subject.shapes or None)
    drawn = draw(model.module.main, MOST_SAMPLES)
    outputs = reference_outputs(model.module, drawn[:1])
    values = sum(array.size for array in outputs[0].values())
    count = sample_count(values, model.macs)
    if count > 1:
        outputs = reference_outputs(model.module, drawn[:count])
        flat = [array for one in drawn[:count] for array in one.values()]
        np.savez(place(subject) / "samples-source.npz", *flat)
    np.savez(expected(subject), *[array for one in outputs for array in one.values()])


def sample_count(values: int, macs: int) -> int:
    """So many that VALUES come out, within bounds."""
    affordable = int(MACS / max(macs, 1))
    return max(1, min(MOST_SAMPLES, math.ceil(VALUES / max(values, 1)), affordable))


def rms(outputs: Path, wanted: Path) -> float | None:
    """Root mean square error over the range of what is expected; None if layouts differ."""
    first, second = _arrays(outputs), _arrays(wanted)
    if [a.shape for a in first] != [b.shape for b in second]:
        return None
    pairs = list(zip(first, second, strict=True))
    squares = [np.square(a.astype(np.float64) - b).reshape(-1) for a, b in pairs]
    values = np.concatenate([b.astype(np.float64).reshape(-1) for b in second])
    spread = float(values.max() - values.min()) or 1.0
    return float(np.sqrt(np.mean(np.concatenate(squares)))) / spread


def _arrays(path: Path) -> list[Array]:
    with np.load(path) as file:
        return [file[k] for k in file.files]
