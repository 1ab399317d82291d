"""The suite's runtimes on one subject, each with the file that it reads."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from benchmarks.files import Unavailable, place, prepare, refresh
from benchmarks.places import FOLDER
from benchmarks.subjects import Subject
from edgewright.bench import runtimes
from edgewright.bench.interleave import (
    PAUSE_S,
    Failed,
    Settings,
    Taken,
    Worker,
    WorkerJob,
    interleave,
)


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
            job = WorkerJob(prepared.model, prepared.inputs, threads, cpus, settings.clock, FOLDER)
            workers[name] = Worker(name, job)
            taken[name].hello = workers[name].hello
        except (Unavailable, Failed) as error:
            taken[name].failure = str(error)
    try:
        interleave(workers, taken, settings, PAUSE_S if threads > 1 else 0.0)
        _finish(subject, workers, taken)
    finally:
        for worker in workers.values():
            worker.close()
    return taken


def loads(
    subject: Subject, chosen: Sequence[str], cpus: Sequence[int], version: str, times: int = 7
) -> dict[str, float]:
    """Microseconds from opening the file to the first answer: medians over fresh processes.

    Each has imported its runtime before it opens the file, which the system has in memory; the
    runtimes take turns. Those that cannot have the subject are left out.
    """
    found: dict[str, list[float]] = {}
    for _ in range(times):
        for name in chosen:
            with suppress(Unavailable, Failed):
                prepared = prepare(subject, runtimes.get(name), version, 1)
                job = WorkerJob(prepared.model, prepared.inputs, 1, cpus, "wall", FOLDER)
                worker = Worker(name, job)
                found.setdefault(name, []).append(worker.hello["load_us"])
                worker.close()
    return {name: statistics.median(values) for name, values in found.items()}


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
