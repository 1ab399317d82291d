"""Several runtimes on one model, in turns, each in a process of its own on the same cores."""

from __future__ import annotations

import json
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import runtimes
from benchmarks.files import Prepared, Unavailable, place, prepare, refresh
from benchmarks.places import FOLDER
from benchmarks.subjects import Subject

OURS = "edgewright"
ANSWER_LIMIT_S = 120.0
#: Idle threads of some runtimes spin for a while after a call; the next runtime waits for them.
PAUSE_S = 0.02
#: Calls that take longer are made once less per block.
LONG_US = 25e3


@dataclass(frozen=True)
class Settings:
    """How long things take."""

    rounds: int = 9
    block_ms: float = 40.0
    warm_ms: float = 120.0
    calls_per_block: int = 3
    clock: str = "wall"


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

    def __init__(
        self, runtime: str, prepared: Prepared, threads: int, cpus: Sequence[int], clock: str
    ) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.runtime = runtime
        with (FOLDER / f"{runtime}.log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", runtime, str(prepared.model),
                 str(prepared.inputs), str(threads), ",".join(map(str, cpus)), clock],
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


def measure(
    subject: Subject,
    threads: int,
    chosen: Sequence[str],
    cpus: Sequence[int],
    settings: Settings,
    version: str,
) -> dict[str, Taken]:
    """Every runtime on the subject; those that cannot have it say so in `failure`."""
    refresh(subject)
    able = [n for n in chosen if not subject.runtimes or n in subject.runtimes]
    taken = {name: Taken(name) for name in able}
    workers: dict[str, Worker] = {}
    for name in able:
        try:
            runtime = runtimes.get(name)
            prepared = prepare(subject, runtime, version, threads)
            workers[name] = Worker(name, prepared, threads, cpus, settings.clock)
            taken[name].hello = workers[name].hello
        except (Unavailable, Failed) as error:
            taken[name].failure = str(error)
    try:
        _interleave(workers, taken, settings, PAUSE_S if threads > 1 else 0.0)
        _finish(subject, workers, taken)
    finally:
        for worker in workers.values():
            worker.close()
    return taken


def _interleave(
    workers: Mapping[str, Worker], taken: Mapping[str, Taken], settings: Settings, pause_s: float
) -> None:
    """Blocks of each runtime in turn; the order turns round with every round."""
    block_ms = {}
    for name in list(workers):
        warm = _block(workers[name], taken[name], settings.warm_ms, "bound")
        if warm is not None:
            calls = settings.calls_per_block - (warm > LONG_US)
            wanted = warm * calls / 1e3 / 0.8
            block_ms[name] = max(settings.block_ms, wanted)
    for index in range(settings.rounds):
        for how in ("bound", "complete"):
            if how == "complete" and index % 3:  # the calls' overhead needs fewer rounds
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


def _finish(subject: Subject, workers: Mapping[str, Worker], taken: Mapping[str, Taken]) -> None:
    """Results and memory."""
    for name, worker in workers.items():
        if taken[name].failure:
            continue
        path = place(subject) / f"outputs-{name}.npz"
        try:
            worker.ask(outputs=str(path))
            taken[name].memory = worker.ask()
            taken[name].outputs = path
        except Failed as error:
            taken[name].failure = str(error)


def difference(ours: Path, theirs: Path) -> float:
    """The largest difference between the sorted values of two runtimes' results, over the range.

    Sorting makes it independent of the layout and of the order of the outputs: it is there to
    catch a runtime that computes something else, not to state an accuracy.
    """
    first, second = _values(ours), _values(theirs)
    if first.size != second.size:
        return float("inf")
    spread = float(first.max() - first.min()) or 1.0
    return float(np.abs(first - second).max()) / spread


def rms(outputs: Path, expected: Path) -> float | None:
    """Root mean square error over the range of what is expected; None if layouts differ."""
    with np.load(outputs) as first, np.load(expected) as second:
        pairs = [(first[a], second[b]) for a, b in zip(first.files, second.files, strict=False)]
        same = len(first.files) == len(second.files)
        if not same or any(a.shape != b.shape for a, b in pairs):
            return None
        squares = [np.square(a.astype(np.float64) - b).reshape(-1) for a, b in pairs]
        values = np.concatenate([b.astype(np.float64).reshape(-1) for _, b in pairs])
    spread = float(values.max() - values.min()) or 1.0
    return float(np.sqrt(np.mean(np.concatenate(squares)))) / spread


def _values(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    with np.load(path) as file:
        parts = [file[k].astype(np.float64).reshape(-1) for k in file.files]
    return np.sort(np.concatenate(parts))


def ratio(theirs: Taken, ours: Taken) -> tuple[float, float, float]:
    """The peer's time over ours: median over the rounds, and the quartiles of that.

    Each round's blocks stood next to one another, so what slows the machine slows both.
    """
    pairs = [t / o for t, o in zip(theirs.blocks, ours.blocks, strict=True)]
    low, middle, high = np.percentile(pairs, [25, 50, 75])
    return float(middle), float(low), float(high)
