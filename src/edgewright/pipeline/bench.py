"""Time a model beside other runtimes, in turns on the same cores, and name no winner in noise."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.artifact.package import Package, is_package, load_package
from edgewright.bench import runtimes
from edgewright.bench.answers import difference
from edgewright.bench.ceilings import cpu_model
from edgewright.bench.interleave import OURS, Settings, Taken, WorkerJob, contest, ratio
from edgewright.errors import InternalError, InvalidOption
from edgewright.pipeline.build import build
from edgewright.pipeline.model import Model, load_model
from edgewright.pipeline.peers import (
    PeerFile,
    Unable,
    check_installed,
    check_names,
    file_for,
)
from edgewright.toolchain import cache

Array = npt.NDArray[Any]
Progress = Callable[[str], None]
ROUNDS = 9
#: Where a process has its memory decides about so much, and stays for all its rounds.
PLACEMENT = 0.01


@dataclass(frozen=True)
class Ratio:
    """A peer's time over ours: the median of the rounds' ratios, and the quartiles of these."""

    median: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Ours is "ahead" or "behind" where the quartiles agree on it, else it is "noise"."""
        if self.low > 1.0 + PLACEMENT:
            return "ahead"
        return "behind" if self.high < 1.0 - PLACEMENT else "noise"


@dataclass(frozen=True)
class BenchRow:
    """One runtime; times in microseconds, sizes in bytes.

    `load_us` is from the start of loading to the end of the first run, `peak_bytes` the resident
    memory above a Python with NumPy, `ratio` None for our own row, `difference` the largest one to
    our results as a share of their range.
    """

    runtime: str
    title: str
    version: str
    file: str
    median_us: float
    spread_us: float
    load_us: float
    peak_bytes: int
    library_bytes: int
    ratio: Ratio | None = None
    difference: float = 0.0


@dataclass(frozen=True)
class Absent:
    """A runtime that was asked for and not measured: why, and what helps ("" for nothing)."""

    runtime: str
    reason: str
    help: str = ""


@dataclass
class BenchReport:
    """What `bench` measured, and how."""

    model: str
    cpu: str
    threads: int
    cpus: tuple[int, ...]
    rounds: int
    seconds: float
    rows: list[BenchRow] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)

    @property
    def measured(self) -> bool:
        """Whether anything that was asked for was measured: some peer, where any was named."""
        return len(self.rows) > 1 or not self.absent

    def to_json(self) -> dict[str, Any]:
        """One document."""
        rows = [
            {**asdict(row), "verdict": row.ratio.verdict if row.ratio else None}
            for row in self.rows
        ]
        return {**asdict(self), "cpus": list(self.cpus), "rows": rows}


def bench(
    model: Model | str | os.PathLike[str],
    against: Sequence[str] = (),
    *,
    threads: int = 1,
    cpus: Sequence[int] = (),
    seconds: float = 1.0,
    source: str | os.PathLike[str] | None = None,
    progress: Progress = lambda _: None,
    **options: Any,
) -> BenchReport:
    """Time a model or package on this machine, beside other runtimes.

    Each runtime has a process of its own on the same cores; they take turns, so that what slows
    the machine slows all. Inputs are the package's first test vector, the same for all.

    Args:
        model: a model file, what `load_model` returned, or where a package is.
        against: names of runtimes; see `peers.known`.
        threads: that each runtime may use; a model is built for so many.
        cpus: what all are pinned to; default: the first `threads` that this process may use.
        seconds: how long each runtime is timed, apart from its warm-up.
        source: the model file that a package was built from, for the peers to read.
        progress: called with a line at each step.
        options: those of `load_model`.

    Raises:
        InvalidOption: an unknown runtime, too many threads, or `source` is another model;
        and what `build` and `load_package` raise.
    """
    names = list(dict.fromkeys(against))
    check_names(names)
    pinned = _cpus(threads, cpus)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        package, known = _subject(model, source, folder, threads, options, progress)
        report = BenchReport(_title(package, known), cpu_model(), threads, pinned, ROUNDS, seconds)
        run = _Run(report, package, known, folder)
        run.start(names, progress)
        run.measure(progress)
    return report


def _cpus(threads: int, given: Sequence[int]) -> tuple[int, ...]:
    """The CPUs to pin to. Raises InvalidOption when there are fewer than threads."""
    if hasattr(os, "sched_getaffinity"):
        able = sorted(os.sched_getaffinity(0))
    else:
        able = list(range(os.cpu_count() or 1))
    if outside := [cpu for cpu in given if cpu not in able]:
        raise InvalidOption(f"there is no CPU {outside[0]} for this process",
                            help=f"it may use {', '.join(map(str, able))}")  # fmt: skip
    chosen = tuple(given) or tuple(able[:threads])
    if threads < 1 or len(chosen) < threads:
        raise InvalidOption(f"{threads} threads on {len(chosen)} CPUs would measure the scheduler",
                            help=f"use 1 to {len(chosen)}")  # fmt: skip
    return chosen


def _subject(
    model: Model | str | os.PathLike[str],
    source: str | os.PathLike[str] | None,
    folder: Path,
    threads: int,
    options: dict[str, Any],
    progress: Progress,
) -> tuple[Package, Model | None]:
    """The package, and the model for the peers where there is one."""
    if isinstance(model, Model) or not is_package(Path(model)):
        if source is not None:
            raise InvalidOption("--source goes with a package", help="leave it out: MODEL is it")
        held = model if isinstance(model, Model) else load_model(model, **options)
        return build(held, out=folder / "package", threads=threads, progress=progress), held
    package = load_package(model, threads=threads)
    if not _is_native(package):
        have = ", ".join(package.manifest.targets)
        raise InvalidOption(f"the package has no code for this machine: it has {have}",
                            help="name its target with -t to count instructions on an emulator, or "
                            "a board with --device")  # fmt: skip
    built = package.manifest.targets[package.target_name].threads
    if threads > built:
        raise InvalidOption(f"the package was built for {built} threads, not {threads}",
                            help=f"edgewright build --threads {threads}")  # fmt: skip
    package.model  # noqa: B018 - a damaged one is refused here, not in a process of its own
    return package, None if source is None else _source(package, Path(source))


def _is_native(package: Package) -> bool:
    from edgewright import targets

    return targets.get(package.target_name).is_native


def _source(package: Package, path: Path) -> Model:
    """The model of a package. Raises InvalidOption when the file is another one."""
    manifest = package.manifest
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != (
        manifest.source.sha256
    ):
        raise InvalidOption(f"{path} is not the model that the package was built from",
                            help=f"that was {manifest.source.file}")  # fmt: skip
    about = manifest.source
    return load_model(
        path, requantization=manifest.requantization, shapes=about.shapes, states=about.states
    )


def _title(package: Package, model: Model | None) -> str:
    return model.path.name if model is not None else package.manifest.source.file


def _difference(theirs: Taken, ours: Taken) -> float:
    if ours.outputs is None or theirs.outputs is None:
        raise InternalError("a runtime that was timed gave no results")
    return difference(ours.outputs, theirs.outputs)


class _Run:
    """The workers of one report."""

    def __init__(
        self, report: BenchReport, package: Package, model: Model | None, folder: Path
    ) -> None:
        self._report, self._package, self._model, self._folder = report, package, model, folder
        inputs = package.vectors()[0][0]
        self._arrays = [inputs[info.identifier] for info in package.inputs]
        self._files: dict[str, str] = {}
        self._jobs: dict[str, WorkerJob] = {}
        self._settings = Settings(
            rounds=report.rounds, block_ms=1e3 * report.seconds / report.rounds,
            warm_ms=min(300.0, 200 * report.seconds), complete=False,
        )  # fmt: skip

    def start(self, names: Sequence[str], progress: Progress) -> None:
        """Find a file for each runtime; what has none is named in the report."""
        self._job(OURS, PeerFile(self._package.folder, "package"))
        for name in names:
            progress(f"preparing {name}")
            try:
                check_installed(name)
                self._job(name, self._file(name))
            except Unable as error:
                self._report.absent.append(Absent(name, error.reason, error.help))

    def _file(self, name: str) -> PeerFile:
        if self._model is None:
            built = self._package.manifest.source.file
            raise Unable("a package holds no model file that it could read",
                         f"add --source {built}")  # fmt: skip
        return file_for(name, self._model, self._folder)

    def _job(self, name: str, file: PeerFile) -> None:
        layouts = file.layouts or (None,) * len(self._arrays)
        arrays = [
            a if perm is None else np.ascontiguousarray(a.transpose(perm))
            for a, perm in zip(self._arrays, layouts, strict=True)
        ]
        inputs = self._folder / f"inputs-{name}.npz"
        np.savez(inputs, *arrays)
        log = cache.root() / "logs" / "bench"
        self._files[name] = file.origin
        self._jobs[name] = WorkerJob(
            file.path, inputs, self._report.threads, self._report.cpus, "wall", log
        )

    def measure(self, progress: Progress) -> None:
        """Let them take turns. Raises InternalError when our own package does not run."""
        taken = contest(self._jobs, self._settings, self._folder, progress)
        ours = taken[OURS]
        if ours.failure:
            raise InternalError(f"the package does not run: {ours.failure}")
        for name, one in taken.items():
            if one.failure:
                self._report.absent.append(Absent(name, one.failure))
            else:
                self._report.rows.append(self._row(one, ours))

    def _row(self, taken: Taken, ours: Taken) -> BenchRow:
        return BenchRow(
            runtime=taken.runtime,
            title=runtimes.get(taken.runtime).TITLE,
            version=taken.hello["version"],
            file=self._files[taken.runtime],
            median_us=taken.median_us,
            spread_us=taken.spread_us,
            load_us=taken.hello["load_us"],
            peak_bytes=taken.memory["peak_bytes"],
            library_bytes=taken.hello["library_bytes"],
            ratio=None if taken is ours else Ratio(*ratio(taken, ours)),
            difference=_difference(taken, ours),
        )
