"""What a model costs away from this machine: time on a device, instructions on an emulator."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgewright import targets
from edgewright.artifact.devices import Device
from edgewright.artifact.package import Package, is_package, load_package
from edgewright.artifact.remote import RemoteModel
from edgewright.errors import InternalError, InvalidOption, MissingRunner
from edgewright.pipeline.build import build

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
        rows = _first_count(package, targets.get(target))
        return CountReport(package.manifest.source.file, target, rows)


def _package(path: Path, target: str, folder: Path, options: dict[str, Any]) -> Package:
    if is_package(path):
        return load_package(path, target)
    return load_package(build(path, [target], folder / "package", **options).folder, target)


def _first_count(package: Package, target: targets.Target) -> list[CountRow]:
    targets.require_runner(target)
    for runner in target.runners_here:
        if rows := _counted(package, target, runner):
            return rows
    raise MissingRunner(f"nothing here counts the instructions of {target.name}",
                        help="time is measured on the hardware itself: --device")  # fmt: skip


def _counted(package: Package, target: targets.Target, runner: targets.Runner) -> list[CountRow]:
    """A row for each level; none where the runner does not count."""
    manifest, name = package.manifest, target.name
    folder, entry = package.folder / "targets" / name, manifest.entries[0]
    model = RemoteModel(folder, manifest.name, manifest.targets[name], entry, target, runner)
    samples = [{t.name: x[t.identifier] for t in entry.inputs} for x, _ in package.vectors()]
    rows = []
    for level in model.levels_here():
        model.use_level(level)
        model.run_all(samples, count=True)
        if model.instructions is None:
            return []
        mean = round(model.instructions / len(samples))
        rows.append(CountRow(level, runner.name, len(samples), mean))
    return rows


def time_on_device(
    package: PathLike,
    device: Device,
    *,
    target: str | None = None,
    threads: Sequence[int] = (1,),
    seconds: float = 1.0,
    progress: Progress = lambda _: None,
) -> DeviceReport:
    """Time a package on a board or phone, with its own `main.c`, for each number of threads.

    Args:
        package: where it is.
        device: what `devices.connect` returned.
        target: one of the package's that fits; default: the first one.
        threads: how many to use, one row each.
        seconds: how long each row takes.
        progress: called with a line at each step.

    Raises:
        InvalidOption: it is no package, or was built for fewer threads.
        MissingRunner: the device does not answer.
    """
    if not is_package(Path(package)):
        raise InvalidOption("a device runs packages",
                            help="edgewright build MODEL -t TARGET")  # fmt: skip
    opened = load_package(package, target, device)
    model = opened.model
    if not isinstance(model, RemoteModel):
        raise InternalError("a device's model is not remote")
    if max(threads) > model.info.threads:
        raise InvalidOption(
            f"the package was built for {model.info.threads} threads, not {max(threads)}",
            help=f"edgewright build --threads {max(threads)}",
        )
    model.use_level(model.levels_here()[-1])
    cores = device.runner.options[1] if len(device.runner.options) > 1 else ""
    report = DeviceReport(opened.manifest.source.file, device.runner.name, opened.target_name,
                          model.level, cores, seconds)  # fmt: skip
    inputs = opened.vectors()[0][0]
    sample = {info.name: inputs[info.identifier] for info in opened.inputs}
    for count in threads:
        progress(f"{count} threads")
        chosen = count if model.info.threads > 1 else 0
        found = model.time(sample, seconds, chosen)
        report.rows.append(DeviceRow(count, found.median_us, found.spread_us, found.runs))
    return report
