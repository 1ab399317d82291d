"""What a model costs away from this machine: time on a device, instructions on an emulator."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgewright import targets
from edgewright.artifact import runners
from edgewright.artifact.devices import Device
from edgewright.artifact.package import Package, is_package, load_package
from edgewright.artifact.remote import RemoteModel
from edgewright.errors import InternalError, InvalidOption
from edgewright.pipeline.build import build
from edgewright.pipeline.elsewhere import choose_target

Progress = Callable[[str], None]
PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class CountRow:
    """Instructions of a run at one ISA level, the mean over the package's test vectors."""

    level: str
    runner: str
    vectors: int
    instructions: int


@dataclass(frozen=True)
class CountReport:
    """What an emulator counted; it measures no time."""

    model: str
    target: str
    rows: list[CountRow]

    def to_json(self) -> dict[str, Any]:
        """One document."""
        return asdict(self)


@dataclass(frozen=True)
class DeviceRow:
    """A run on a device with so many threads, in microseconds."""

    threads: int
    median_us: float
    spread_us: float
    runs: int


@dataclass
class DeviceReport:
    """What a device measured itself."""

    model: str
    device: str
    target: str
    level: str
    cores: str
    seconds: float
    rows: list[DeviceRow] = field(default_factory=list)

    @property
    def best(self) -> DeviceRow | None:
        """The fastest row where it differs from each other one by more than both spreads."""
        first = min(self.rows, key=lambda row: row.median_us)
        others = [row for row in self.rows if row is not first]
        apart = all(
            row.median_us - first.median_us > row.spread_us + first.spread_us for row in others
        )
        return first if apart else None

    def to_json(self) -> dict[str, Any]:
        """One document."""
        return {**asdict(self), "best_threads": self.best.threads if self.best else None}


def count_runs(model: PathLike, target: str, **options: Any) -> CountReport:
    """Instructions of a run at each ISA level, on the first emulator that counts.

    Args:
        model: a model file, which is built for the target, or a package that has it.
        target: one that an emulator runs.
        options: those of `load_model`, when `model` is a file.

    Raises:
        MissingRunner: nothing here counts its instructions; and what building raises.
    """
    with tempfile.TemporaryDirectory() as place:
        package = _package(Path(model), target, Path(place), options)
        rows = _counted(package, targets.get(target))
        return CountReport(package.manifest.source.file, target, rows)


def _counted(package: Package, target: targets.Target) -> list[CountRow]:
    """A row for each level."""
    model = _remote(package, target, runners.that_measures("instructions", target))
    samples = [{t.name: x[t.identifier] for t in model.entry.inputs} for x, _ in package.vectors()]
    rows = []
    for level in model.levels_here():
        model.use_level(level)
        model.run_all(samples, count=True)
        if model.instructions is None:
            raise InternalError(f"{model.runner.name} did not count the instructions")
        mean = round(model.instructions / len(samples))
        rows.append(CountRow(level, model.runner.name, len(samples), mean))
    return rows


def time_elsewhere(
    model: PathLike,
    target: str | None = None,
    device: Device | None = None,
    *,
    threads: Sequence[int] = (1,),
    seconds: float = 1.0,
    progress: Progress = lambda _: None,
    **options: Any,
) -> DeviceReport:
    """Time a model with the package's own `main.c`, for each number of threads.

    Args:
        model: a model file, which is built for the target, or a package that has it.
        target: where it runs; default: the package's first, or the first there is, that fits the
            device.
        device: what `devices.connect` returned; default: a runner of this machine with a real CPU
            behind it, such as wine.
        threads: how many to use, one row each.
        seconds: how long each row takes.
        progress: called with a line at each step.
        options: those of `load_model`, when `model` is a file.

    Raises:
        InvalidOption: the package was built for fewer threads, or has no code that fits.
        MissingRunner: the device does not answer, or nothing measures time; and what building
            raises.
    """
    with tempfile.TemporaryDirectory() as place:
        path = Path(model)
        has = load_package(path).manifest.targets if is_package(path) else None
        chosen = choose_target(target, device, has)
        if has is None:
            progress(f"building for {chosen}")
            options = {**options, "threads": max(threads)}
        package = _package(path, chosen, Path(place), options)
        held = targets.get(chosen)
        runner = device.runner if device else runners.that_measures("time", held)
        remote = _remote(package, held, runner)
        _check_threads(remote, max(threads))
        remote.use_level(remote.levels_here()[-1])
        cores = runner.options[1] if device and len(runner.options) > 1 else ""
        file = package.manifest.source.file
        report = DeviceReport(file, runner.name, chosen, remote.level, cores, seconds)
        inputs = package.vectors()[0][0]
        sample = {info.name: inputs[info.identifier] for info in remote.entry.inputs}
        for count in threads:
            progress(f"{count} thread{'s' * (count > 1)}")
            found = remote.time(sample, seconds, count if remote.info.threads > 1 else 0)
            report.rows.append(DeviceRow(count, found.median_us, found.spread_us, found.runs))
        return report


def _package(path: Path, target: str, folder: Path, options: dict[str, Any]) -> Package:
    if is_package(path):
        return load_package(path, target)
    return load_package(build(path, [target], folder / "package", **options).folder, target)


def _remote(package: Package, target: targets.Target, runner: targets.Runner) -> RemoteModel:
    manifest = package.manifest
    folder, info = package.folder / "targets" / target.name, manifest.targets[target.name]
    return RemoteModel(folder, manifest.name, info, manifest.entries[0], target, runner)


def _check_threads(model: RemoteModel, most: int) -> None:
    """Raise InvalidOption where the package was built for fewer."""
    if most > model.info.threads:
        raise InvalidOption(
            f"the package was built for {model.info.threads} threads, not {most}",
            help=f"edgewright build --threads {most}",
        )
