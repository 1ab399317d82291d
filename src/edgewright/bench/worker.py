"""One runtime with one model in a process of its own, which runs when it is told to.

    python -m edgewright.bench.worker RUNTIME MODEL INPUTS.npz THREADS CPUS CLOCK

Writes one JSON object per line to standard output: first what loading took, then an answer to each
line of standard input:

    {"run": 50, "how": "bound"}    run for 50 ms; answers median, quartiles, minimum, count (us);
                                   how: "bound", "complete" or "native" (see runtimes)
    {"outputs": "FILE.npz"}        save the results; answers the peak of memory so far
    {"outputs": "FILE.npz", "samples": "FILE.npz"}
                                   load the model anew for each set of inputs, save all results
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":  # before anything starts threads
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(c) for c in sys.argv[5].split(",")})
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[_name] = sys.argv[4]

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgewright.bench import runtimes

#: Calls are timed in groups that take at least this long, so that reading the clock is nothing.
GROUP_S = 30e-6
#: Part of each block that is run but not recorded: the caches belong to somebody else before it.
WARM_PART = 0.2


#: What time is read from: with "cpu" a busy machine's other work is left out, not its cache misses.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def block(
    call: Callable[[], object], seconds: float, clock: Callable[[], float]
) -> dict[str, float]:
    """Run for a while; microseconds per call."""
    start = time.perf_counter()
    call()
    calls = 1
    while time.perf_counter() - start < seconds * WARM_PART:
        call()
        calls += 1
    group = max(1, round(GROUP_S * calls / (time.perf_counter() - start)))
    times: list[float] = []
    end = start + seconds
    while not times or time.perf_counter() < end:
        begun = clock()
        for _ in range(group):
            call()
        times.append((clock() - begun) / group * 1e6)
    q1, median, q3 = np.percentile(times, [25, 50, 75])
    return {
        "median": float(median), "q1": float(q1), "q3": float(q3), "min": min(times),
        "count": len(times) * group,
    }  # fmt: skip


def native_us(run: Callable[[int], None], seconds: float, clock: Callable[[], float]) -> float:
    """Microseconds per call of a loop in C; the median of short loops."""

    def timed(count: int) -> float:
        start = clock()
        run(count)
        return (clock() - start) / count

    timed(1)
    count = max(1, round(3 * GROUP_S / max(timed(1), 1e-7)))
    end = time.perf_counter() + seconds
    times = [timed(count)]
    while time.perf_counter() < end:
        times.append(timed(count))
    return float(np.median(times)) * 1e6


def status_bytes(field: str) -> int:
    """A line of /proc/self/status in bytes; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(x.split()[1]) << 10 for x in lines if x.startswith(f"{field}:")), 0)


def forget_peak() -> None:
    """Make the kernel's peak of resident memory start from now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        sys.stderr.write("the peak of resident memory cannot be reset\n")


def library_bytes(packages: tuple[str, ...], model: Path) -> int:
    """Size of the mapped shared libraries of these packages, or of the model's own."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    mapped = {Path(x.split(maxsplit=5)[5]) for x in lines if ".so" in x}
    ours = [p for p in mapped if p.is_relative_to(model.absolute())]
    theirs = [
        p for p in mapped
        if any(x.split(".cpython")[0] in packages for x in p.parts)
    ]  # fmt: skip
    return sum(p.stat().st_size for p in {*ours, *theirs} if p.exists())


def weight_bytes(model: Path) -> int:
    """Size of the model's file, or of the weights of a package."""
    if model.is_dir():
        return sum(p.stat().st_size for p in model.glob("targets/*/weights.bin"))
    beside = model.with_suffix(".bin")
    return model.stat().st_size + (beside.stat().st_size if beside.exists() else 0)


def contents(file: Path) -> list[runtimes.Array]:
    """The arrays of an .npz file, in its order."""
    with np.load(file) as held:
        return [np.ascontiguousarray(held[k]) for k in held.files]


class Worker:
    """Loads, then answers."""

    def __init__(self, runtime: str, model: Path, inputs: Path, threads: int) -> None:
        self.runtime, self.model, self.threads = runtimes.get(runtime), model, threads
        arrays = contents(inputs)
        self.inputs = len(arrays)
        self.bare = status_bytes("VmRSS")
        self.runtime.prepare()
        self.imported = status_bytes("VmRSS")
        forget_peak()
        start = time.perf_counter()
        self.loaded = self.runtime.load(model, arrays, threads)
        loaded = time.perf_counter()
        self.loaded.bound()
        end = time.perf_counter()
        self.hello = {
            "load_us": (end - start) * 1e6, "first_us": (end - loaded) * 1e6,
            "library_bytes": library_bytes(self.runtime.PACKAGES, model),
            "weights_bytes": weight_bytes(model), "version": self.runtime.version(),
        }  # fmt: skip

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """One line's answer."""
        if "run" in asked:
            call, clock = getattr(self.loaded, asked["how"]), CLOCKS[sys.argv[6]]
            if asked["how"] == "native":
                return {"median": native_us(call, asked["run"] / 1e3, clock)}
            return block(call, asked["run"] / 1e3, clock)
        peak = status_bytes("VmHWM")
        np.savez(asked["outputs"], *self.results(asked.get("samples")))
        return {"peak_bytes": peak - self.bare, "model_peak_bytes": peak - self.imported}

    def results(self, samples: str | None) -> list[runtimes.Array]:
        """Those of the last `bound`, or of one run on each set of inputs in a file."""
        if samples is None:
            return list(self.loaded.outputs())
        arrays, found = contents(Path(samples)), []
        for start in range(0, len(arrays), self.inputs):
            given = arrays[start : start + self.inputs]
            loaded = self.runtime.load(self.model, given, self.threads)
            loaded.bound()
            found += loaded.outputs()
        return found


def main() -> None:
    """Serve until told to end."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like; it must not mix with the answers

    def say(what: dict[str, Any]) -> None:
        channel.write(json.dumps(what) + "\n")
        channel.flush()

    try:
        worker = Worker(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    except Exception as error:
        say({"failure": f"{type(error).__name__}: {error}"[:300]})
        return
    say(worker.hello)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            say(worker.answer(asked))
        except Exception as error:
            say({"failure": f"{type(error).__name__}: {error}"[:300]})
    channel.flush()
    os._exit(0)  # some runtimes crash when their threads are torn down


if __name__ == "__main__":
    main()
