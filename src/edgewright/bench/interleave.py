"""Several runtimes on one model, in turns, each in a process of its own on the same cores."""

from __future__ import annotations

import json
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

OURS = "edgewright"
ANSWER_LIMIT_S = 120.0
#: Idle threads of some runtimes spin for a while after a call; the next runtime waits for them.
PAUSE_S = 0.02
#: Calls that take longer are made once less per block.
LONG_US = 25e3
#: Whole calls are timed in each third round: their overhead needs fewer.
COMPLETE_EVERY = 3


@dataclass(frozen=True)
class Settings:
    """How long things take; `complete`: time whole Python calls and our loop in C, too."""

    rounds: int = 9
    block_ms: float = 40.0
    warm_ms: float = 120.0
    calls_per_block: int = 3
    clock: str = "wall"
    complete: bool = True


@dataclass(frozen=True)
class WorkerJob:
    """What a worker is started with.

    Attributes:
        model: a file that the runtime reads; the folder of a package for ours.
        inputs: an .npz file with the arrays in the order of the file's inputs.
        threads: how many the runtime may use.
        cpus: what its process is pinned to.
        clock: "wall" or "cpu"; see worker.CLOCKS.
        log: a folder for what the runtime prints.
        samples: an .npz file with the arrays of several sets of inputs, one set after the other;
            the results are those of all of them then.
    """

    model: Path
    inputs: Path
    threads: int
    cpus: Sequence[int]
    clock: str
    log: Path
    samples: Path | None = None


@dataclass
class Taken:
    """What one runtime showed on one model.

    `blocks` are the medians of the rounds in microseconds, `complete` those of whole Python calls,
    `native` those of a loop in C.
    """

    runtime: str
    hello: dict[str, Any] = field(default_factory=dict)
    blocks: list[float] = field(default_factory=list)
    complete: list[float] = field(default_factory=list)
    native: list[float] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    outputs: Path | None = None
    failure: str = ""

    @property
    def median_us(self) -> float:
        """Of the rounds' medians."""
        return statistics.median(self.blocks)

    @property
    def spread_us(self) -> float:
        """Half the distance between the quartiles of the rounds' medians."""
        q1, q3 = np.percentile(self.blocks, [25, 75])
        return float(q3 - q1) / 2


class Failed(Exception):
    """A worker reported a failure, or ended."""


class Worker:
    """A runtime's process."""

    def __init__(self, runtime: str, job: WorkerJob) -> None:
        job.log.mkdir(parents=True, exist_ok=True)
        self.runtime = runtime
        cpus = ",".join(map(str, job.cpus))
        with (job.log / f"{runtime}.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edgewright.bench.worker", runtime, str(job.model),
                 str(job.inputs), str(job.threads), cpus, job.clock],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.hello = self._read()

    def ask(self, **asked: Any) -> dict[str, Any]:
        """Send a line, wait for its answer. Raises Failed."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed("its process ended") from None
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], ANSWER_LIMIT_S)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self._process.kill()
            raise Failed("its process crashed" if ready else f"silent for {ANSWER_LIMIT_S:.0f} s")
        answer: dict[str, Any] = json.loads(line)
        if "failure" in answer:
            raise Failed(answer["failure"])
        return answer

    def close(self) -> None:
        """End the process, however it feels about it."""
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe:
                    pipe.close()
            except BrokenPipeError:
                continue
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def contest(
    jobs: Mapping[str, WorkerJob],
    settings: Settings,
    folder: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Taken]:
    """Time the runtimes in turns, then ask for their results and memory.

    Args:
        jobs: by runtime; one that fails says so in its `Taken`.
        settings: how long.
        folder: where the results are put, `outputs-NAME.npz`.
        progress: called with a line at each step.
    """
    taken = {name: Taken(name) for name in jobs}
    workers: dict[str, Worker] = {}
    try:
        for name, job in jobs.items():
            progress(f"loading {name}")
            try:
                workers[name] = Worker(name, job)
                taken[name].hello = workers[name].hello
            except Failed as error:
                taken[name].failure = str(error)
        progress("measuring in turns")
        pause_s = PAUSE_S if any(job.threads > 1 for job in jobs.values()) else 0.0
        interleave(workers, taken, settings, pause_s)
        for name, worker in workers.items():
            _finish(worker, taken[name], folder / f"outputs-{name}.npz", jobs[name].samples)
    finally:
        for worker in workers.values():
            worker.close()
    return taken


def _finish(worker: Worker, taken: Taken, path: Path, samples: Path | None) -> None:
    """Results and memory; the memory of timed runs only, before further samples are loaded."""
    if taken.failure:
        return
    try:
        taken.memory = worker.ask(outputs=str(path))
        if samples is not None:
            worker.ask(outputs=str(path), samples=str(samples))
        taken.outputs = path
    except Failed as error:
        taken.failure = str(error)


def interleave(
    workers: Mapping[str, Worker], taken: Mapping[str, Taken], settings: Settings, pause_s: float
) -> None:
    """Fill `taken` with blocks of each runtime in turn; the order turns round with every round."""
    block_ms = {}
    for name in list(workers):
        warm = _block(workers[name], taken[name], settings.warm_ms, "bound")
        if warm is not None:
            calls = settings.calls_per_block - (warm > LONG_US)
            wanted = warm * calls / 1e3 / 0.8
            block_ms[name] = max(settings.block_ms, wanted)
    for index in range(settings.rounds):
        for how in ("bound", "complete"):
            if how == "complete" and (index % COMPLETE_EVERY or not settings.complete):
                continue
            for name in list(block_ms)[:: 1 if index % 2 else -1]:
                time.sleep(pause_s)
                kept = taken[name].blocks if how == "bound" else taken[name].complete
                median = _block(workers[name], taken[name], block_ms[name], how)
                if median is not None:
                    kept.append(median)
                if name == OURS and how == "complete":
                    native = _block(workers[name], taken[name], block_ms[name], "native")
                    taken[name].native += [] if native is None else [native]


def _block(worker: Worker, taken: Taken, milliseconds: float, how: str) -> float | None:
    if taken.failure:
        return None
    try:
        return float(worker.ask(run=milliseconds, how=how)["median"])
    except Failed as error:
        taken.failure = str(error)
        return None


def ratio(theirs: Taken, ours: Taken) -> tuple[float, float, float]:
    """The peer's time over ours: median over the rounds, and the quartiles of that.

    Each round's blocks stood next to one another, so what slows the machine slows both.
    """
    pairs = [t / o for t, o in zip(theirs.blocks, ours.blocks, strict=True)]
    low, middle, high = np.percentile(pairs, [25, 50, 75])
    return float(middle), float(low), float(high)
