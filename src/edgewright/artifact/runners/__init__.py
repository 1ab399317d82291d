"""Runners: how the code of a target is run outside this process.

One module per kind (`targets.Runner.kind`), with a function `run(job) -> Outcome`. A runner gets a
stream of inputs, one sample after the other from the initial state, and gives back the stream of
outputs; `artifact/remote.py` makes and reads both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

from edgewright.artifact.manifest import EntryInfo, TargetInfo
from edgewright.errors import MissingRunner
from edgewright.targets import Runner, Target, require_runner

TIMEOUT_S = 600

#: what a runner can say of a run besides its outputs: a real CPU's time, an emulator's exact count
#: of instructions, or nothing
Measures = Literal["time", "instructions", "nothing"]


@dataclass(frozen=True)
class Job:
    """One run of a target's code.

    Attributes:
        folder: `targets/NAME` of the package: what the product wrote.
        name: prefix of the C functions.
        info: the target's entry of the manifest.
        entry: the entry point.
        target: where the code runs.
        runner: how.
        isa: index of the ISA level.
        stream: for each sample its run-time sizes (int32) and its inputs, as in memory. An entry
            point without inputs gets one byte per sample.
        samples: how many there are.
        count: whether instructions are wanted, where the runner can count.
        detect: whether the code shall choose the level itself, instead of `isa`.
        seconds: how long the last sample's run is repeated afterwards, to be timed where it runs;
            0 for not at all. Only for runners that measure time: an emulator's means nothing.
        threads: how many to use, in code that was built for some; 0 for as many as it has.
    """

    folder: Path
    name: str
    info: TargetInfo
    entry: EntryInfo
    target: Target
    runner: Runner
    isa: int
    stream: bytes
    samples: int
    count: bool = False
    detect: bool = False
    seconds: float = 0.0
    threads: int = 0


@dataclass(frozen=True)
class RunTime:
    """Microseconds a run: the median, and half the distance between the quartiles."""

    median_us: float
    spread_us: float
    runs: int


@dataclass(frozen=True)
class NodeTime:
    """Microseconds that a node of instrumented code took: the mean of all runs, and the least."""

    average_us: float
    best_us: float


@dataclass(frozen=True)
class Outcome:
    """What a run gave.

    Attributes:
        data: the outputs of each sample, as in memory.
        instructions: executed by the entry point over all samples; None where nothing counts.
        functions: the same by C function, where the runner can tell.
        marks: instructions up to each mark of instrumented code (kernels/profile.h), since the one
            before, over all samples; empty where nothing counts.
        isa: index of the level that was used, where the program says so.
        timing: what repeating a run took, where `Job.seconds` asked for it.
        nodes: what each node of instrumented code took then.
    """

    data: bytes
    instructions: int | None = None
    functions: Mapping[str, int] = field(default_factory=dict)
    marks: tuple[int, ...] = ()
    isa: int | None = None
    timing: RunTime | None = None
    nodes: tuple[NodeTime, ...] = ()


class RunnerModule(Protocol):
    """What a module of this folder has."""

    MEASURES: Measures

    def run(self, job: Job) -> Outcome:
        """Run `job.samples` samples. Raises InvalidInput, InternalError, MissingRunner."""


def find(runner: Runner) -> RunnerModule:
    """The module that drives `runner`."""
    return cast(RunnerModule, import_module(f"{__name__}.{runner.kind}"))


def measures(runner: Runner) -> Measures:
    """What it can say of a run besides its outputs."""
    return find(runner).MEASURES


def that_measures(what: Measures, target: Target) -> Runner:
    """The first runner of `target` on this machine that can say so much of a run.

    Raises:
        MissingRunner: there is none, or what it starts is not installed.
    """
    able = [r for r in target.runners if not r.native and measures(r) == what]
    if not able:
        raise MissingRunner(f"nothing measures the {what} of {target.name} here",
                            help="time is measured on the hardware itself: --device")  # fmt: skip
    if here := [runner for runner in able if not runner.missing]:
        return here[0]
    return require_runner(replace(target, runners=tuple(able)))
