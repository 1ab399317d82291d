"""Profile a model: run instrumented code, here or elsewhere, and say where the time goes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgewright import targets, toolchain
from edgewright.artifact import runners
from edgewright.artifact.devices import Device
from edgewright.artifact.native import NativeModel
from edgewright.artifact.products import Built
from edgewright.bench import ceilings, profile
from edgewright.bench.memory_map import Piece, memory_map
from edgewright.bench.statistics import Timing, summarize
from edgewright.codegen import Code, generate
from edgewright.codegen.names import identifier
from edgewright.errors import MissingRunner
from edgewright.pipeline.elsewhere import choose_target
from edgewright.pipeline.files import entry_infos, target_info
from edgewright.pipeline.instrumented import open_instrumented
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.prove import draw_vectors

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ModelProfile:
    """A profile, what it is of, and the memory plan of the same code.

    `runner` is what ran it: a device, say; "" for this process.
    """

    model: str
    requantization: str
    level: str
    profile: profile.Profile
    arena_bytes: int
    memory: tuple[Piece, ...]
    runner: str = ""

    def to_json(self) -> dict[str, Any]:
        """One document; times in microseconds, rates in 10^9 operations a second."""
        found = self.profile
        return {
            "model": self.model,
            "requantization": self.requantization,
            "level": self.level,
            "runner": self.runner,
            "total": asdict(found.total),
            "ceilings": asdict(found.ceilings) if found.ceilings else None,
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
    target: str = "host",
    seconds: float = 1.0,
    level: str | None = None,
    progress: Progress = lambda _: None,
    **options: Any,
) -> ModelProfile:
    """Time every operator of a model on this machine, on one thread.

    Args:
        model: a file, or what `load_model` returned.
        target: one that this process can load.
        seconds: how long to measure.
        level: the instruction set level; default: the best that this CPU has.
        progress: called with a line at each step.
        options: those of `load_model`, when `model` is a file.

    Raises:
        what `load_model` raises; MissingCompiler; InvalidOption for an unknown level.
    """
    loaded = model if isinstance(model, Model) else load_model(model, **options)
    host = loaded.built_for(targets.get(target))
    progress("compiling")
    code = generate(loaded.module, host, identifier(loaded.path.stem), profiled=True)
    samples, _ = draw_vectors(loaded)
    with tempfile.TemporaryDirectory() as place:
        native = _load(code, host, Path(place))
        if level is not None:
            native.use_level(level)
        progress("measuring what this machine can do")
        limits = ceilings.measure(native.level)
        bound = native.bind(samples[0])
        marks = native.instrument(code.marked + 1)
        progress("measuring")
        ticks = profile.ticks_per_us(bound, marks)
        taken, wholes = profile.take(bound, marks, seconds)
    times = profile.times_of(taken, ticks)
    return _found(loaded, code, native.level, times, summarize(wholes), limits)


def profile_elsewhere(
    model: Model | str | os.PathLike[str],
    target: str | None = None,
    device: Device | None = None,
    *,
    seconds: float = 1.0,
    level: str | None = None,
    progress: Progress = lambda _: None,
    **options: Any,
) -> ModelProfile:
    """Time every operator where another CPU runs it, on one thread.

    Args:
        model: a file, or what `load_model` returned.
        target: where it runs; default: the first one that fits the device.
        device: what `devices.connect` returned; default: a runner of this machine with a real CPU
            behind it, such as wine.
        seconds: how long to measure whole runs, and once more the operators.
        level: the instruction set level; default: the best that the CPU has.
        progress: called with a line at each step.
        options: those of `load_model`, when `model` is a file.

    Raises:
        what `load_model` raises; InvalidOption; MissingRunner: the device does not answer, or
        nothing measures time, or the CPU has no counter that programs may read.
    """
    held = targets.get(choose_target(target, device))
    runner = device.runner if device else runners.that_measures("time", held)
    loaded = model if isinstance(model, Model) else load_model(model, **options)
    held = loaded.built_for(held)
    progress(f"compiling for {held.name}")
    code = generate(loaded.module, held, identifier(loaded.path.stem), profiled=True)
    sample = draw_vectors(loaded)[0][0]
    with tempfile.TemporaryDirectory() as place:
        remote = open_instrumented(code, held, runner, Path(place))
        remote.use_level(level or remote.levels_here()[-1])
        progress(f"measuring on {runner.name}")
        found = remote.repeat(sample, seconds)
    if found.timing is None or len(found.nodes) != code.marked:
        raise MissingRunner(f"{runner.name} has no counter that a program may read",
                            help="edgewright bench times whole runs there")  # fmt: skip
    took = found.timing
    total = Timing(took.median_us, took.spread_us, took.median_us, took.runs)
    times = [(node.average_us, node.best_us) for node in found.nodes]
    return _found(loaded, code, remote.level, times, total, None, runner.name)


def _found(
    loaded: Model,
    code: Code,
    level: str,
    times: Sequence[tuple[float, float]],
    total: Timing,
    limits: ceilings.Ceilings | None,
    runner: str = "",
) -> ModelProfile:
    plan = next(iter(code.plans.values()))
    rows = profile.rows_of(plan.order[loaded.module.main], times, limits)
    return ModelProfile(
        loaded.path.name,
        loaded.module.requantization,
        level,
        profile.Profile(rows, total, limits),
        code.sizes.arena,
        tuple(memory_map(plan)),
        runner,
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
