"""Profile a model: run instrumented code on this machine and say where the time goes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgewright import targets, toolchain
from edgewright.artifact.native import NativeModel
from edgewright.artifact.products import Built
from edgewright.bench import ceilings, profile
from edgewright.bench.memory_map import Piece, memory_map
from edgewright.codegen import Code, generate
from edgewright.codegen.names import identifier
from edgewright.pipeline.files import entry_infos, target_info
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.prove import draw_vectors

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ModelProfile:
    """A profile, what it is of, and the memory plan of the same code."""

    model: str
    requantization: str
    level: str
    profile: profile.Profile
    arena_bytes: int
    memory: tuple[Piece, ...]

    def to_json(self) -> dict[str, Any]:
        """One document; times in microseconds, rates in 10^9 operations a second."""
        found = self.profile
        return {
            "model": self.model,
            "requantization": self.requantization,
            "level": self.level,
            "total": asdict(found.total),
            "ceilings": asdict(found.ceilings),
            "operators": [
                {**asdict(row), "gflops": row.rate, "roofline": row.roofline} for row in found.rows
            ],
            "types": [asdict(row) for row in found.by_type],
            "arena_bytes": self.arena_bytes,
            "memory": [asdict(piece) for piece in self.memory],
        }


def profile_model(
    model: Model | str | os.PathLike[str],
    *,
    seconds: float = 1.0,
    level: str | None = None,
    progress: Progress = lambda _: None,
    **options: Any,
) -> ModelProfile:
    """Time every operator of a model on this machine, on one thread.

    Args:
        model: a file, or what `load_model` returned.
        seconds: how long to measure.
        level: the instruction set level; default: the best that this CPU has.
        progress: called with a line at each step.
        options: those of `load_model`, when `model` is a file.

    Raises:
        what `load_model` raises; MissingCompiler; InvalidOption for an unknown level.
    """
    loaded = model if isinstance(model, Model) else load_model(model, **options)
    host = targets.get("host")
    progress("compiling")
    code = generate(loaded.module, host, identifier(loaded.path.stem), profiled=True)
    samples, _ = draw_vectors(loaded)
    with tempfile.TemporaryDirectory() as place:
        native = _load(code, host, Path(place))
        if level is not None:
            native.use_level(level)
        progress("measuring what this machine can do")
        limits = ceilings.measure(native.level)
        nodes = next(iter(code.plans.values())).order[loaded.module.main]
        bound = native.bind(samples[0])
        marks = native.instrument(len(nodes) + 1)
        progress("measuring")
        ticks = profile.ticks_per_us(bound, marks)
        taken, wholes = profile.take(bound, marks, seconds)
    plan = next(iter(code.plans.values()))
    rows = profile.rows_of(nodes, taken, ticks, limits)
    found = profile.Profile(rows, profile.whole(wholes), limits)
    return ModelProfile(
        loaded.path.name,
        loaded.module.requantization,
        native.level,
        found,
        code.sizes.arena,
        tuple(memory_map(plan)),
    )


def _load(code: Code, host: targets.Target, folder: Path) -> NativeModel:
    """Compile the instrumented code and load it."""
    library = f"lib{code.name}{host.library_suffix}"
    built = toolchain.build_library(
        code.model_c, host, soname=library, includes={"model.h": code.model_h}
    )
    (folder / library).write_bytes(built.read_bytes())
    (folder / "weights.bin").write_bytes(code.weights)
    info = target_info(code, host, Built(library, 0, 0), "")
    return NativeModel(folder, code.name, info, entry_infos(code)[0])
