"""The suite's runtimes on one subject, each with the file that it reads."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress

from benchmarks import accuracy
from benchmarks.files import Prepared, Unavailable, place, prepare, refresh
from benchmarks.places import FOLDER
from benchmarks.subjects import Subject
from edgewright.bench import runtimes
from edgewright.bench.interleave import OURS, Failed, Settings, Taken, Worker, WorkerJob, contest


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
    taken, jobs = {name: Taken(name) for name in able}, {}
    for name in able:
        try:
            prepared = prepare(subject, runtimes.get(name), version, threads)
        except Unavailable as error:
            taken[name].failure = str(error)
            continue
        samples = accuracy.samples(subject, prepared)
        jobs[name] = WorkerJob(prepared.model, prepared.inputs, threads, cpus, settings.clock,
                               FOLDER, samples)  # fmt: skip
        _warm(name, prepared, jobs[name])
    return taken | contest(jobs, settings, place(subject))


#: Runtimes whose libraries this process has had read already.
_warmed: set[str] = set()


def _warm(name: str, prepared: Prepared, job: WorkerJob) -> None:
    """Have the system read from disk what loading reads, so that loading does not wait for that.

    Just after a restart the first loads took six times as long. A model's file is read each time;
    a runtime's libraries once, by a process that loads and is forgotten. Our packages are always
    read by such a process, since it is the loader that asks for their weights in huge pages.
    """
    if name == OURS or name not in _warmed:
        _warmed.add(name)
        with suppress(Failed):
            Worker(name, job).close()
        return
    for file in (prepared.model, prepared.model.with_suffix(".bin")):
        if file.is_file():
            file.read_bytes()


def loads(
    subject: Subject, chosen: Sequence[str], cpus: Sequence[int], version: str, times: int = 7
) -> dict[str, float]:
    """Microseconds from opening the file to the first answer: medians over fresh processes.

    Each has imported its runtime before it opens the file, which the system has in memory, as it
    has the runtime's libraries; the runtimes take turns. Those that cannot have the subject are
    left out.
    """
    jobs = _load_jobs(subject, chosen, cpus, version)
    found: dict[str, list[float]] = {}
    for _ in range(times):
        for name, job in jobs.items():
            with suppress(Failed):
                worker = Worker(name, job)
                found.setdefault(name, []).append(worker.hello["load_us"])
                worker.close()
    return {name: statistics.median(values) for name, values in found.items()}


def _load_jobs(
    subject: Subject, chosen: Sequence[str], cpus: Sequence[int], version: str
) -> Mapping[str, WorkerJob]:
    """For those that can have the subject, with all that they read in the system's memory."""
    jobs = {}
    for name in chosen:
        with suppress(Unavailable):
            prepared = prepare(subject, runtimes.get(name), version, 1)
            jobs[name] = WorkerJob(prepared.model, prepared.inputs, 1, cpus, "wall", FOLDER)
            _warm(name, prepared, jobs[name])
    return jobs
