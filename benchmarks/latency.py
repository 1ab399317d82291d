"""How fast is each model beside LiteRT, ONNX Runtime, OpenVINO, ncnn and MNN on the same core?

    python -m benchmarks.latency [--quick] [--json] [--models NAME ...] [--runtimes NAME ...]

Each runtime has a process of its own on the same core(s), with the same number of threads. After a
warm-up they take turns in blocks. Times are medians of the rounds' medians, with half the distance
between the quartiles as spread; a ratio is the median of the rounds' ratios, and names a winner
only where the quartiles of these ratios agree. The answers are compared too, roughly: a runtime
that computes in less than float32 where float32 was asked for is shown, but is no peer.

Results go to build/bench.json after every model; --resume goes on where a run was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks import accuracy, bars, files, roofline, summary, table
from benchmarks.measure import loads as measure_loads
from benchmarks.measure import measure
from benchmarks.places import BUILD
from benchmarks.subjects import Subject, subjects
from edgewright import targets, toolchain
from edgewright.artifact.manifest import read_manifest
from edgewright.bench import c_call, runtimes
from edgewright.bench.interleave import OURS, Settings

#: Convolutions of at least this size are held against the peak.
LARGE_MACS = 50_000_000
RESULTS = BUILD / "bench.json"
#: Parts of the summary that no row has; `Run.measure_once` says what they are.
ONCE = ("build_mobilenet_v2", "convolutions", "code_bytes", "load")
QUICK = Settings(rounds=3, block_ms=15.0, warm_ms=30.0, calls_per_block=2)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="*", default=[], metavar="NAME",
                        help="parts of names, such as mobilenet or resnet50-int8")  # fmt: skip
    parser.add_argument("--runtimes", nargs="*", default=[], choices=runtimes.names())
    parser.add_argument("--groups", nargs="*", default=[], metavar="GROUP",
                        help="nets, tiny, larger, again, trees")  # fmt: skip
    parser.add_argument("--threads", nargs="*", type=int, default=[1, 2])
    parser.add_argument("--cpus", default="", help="such as 0,1; default: the last ones")
    parser.add_argument("--rounds", type=int, default=Settings.rounds)
    parser.add_argument("--quick", action="store_true", help="a few short blocks: a smoke test")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall",
                        help="cpu: on a machine with other work; for one thread only")  # fmt: skip
    parser.add_argument("--resume", action="store_true", help="keep what is in the results")
    parser.add_argument("--requantization", choices=["float", "fixed"], default="float")
    parser.add_argument("--only-models", action="store_true",
                        help="neither time builds, loads and single convolutions")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the results, not the tables")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def chosen_subjects(given: argparse.Namespace) -> list[Subject]:
    """Those that the options name."""
    return [
        s for s in subjects()
        if (not given.models or any(m in s.key for m in given.models))
        and (not given.groups or s.group in given.groups)
    ]  # fmt: skip


def available(wanted: Sequence[str]) -> list[str]:
    """Runtimes that are installed, Edgewright first."""
    found = []
    for name in runtimes.names():
        if wanted and name not in wanted and name != OURS:
            continue
        try:
            runtimes.get(name).prepare()
            found.append(name)
        except ImportError as error:
            print(f"{name} is not installed: {error}", file=sys.stderr)
    return found


def machine() -> dict[str, Any]:
    """What the numbers depend on besides the software."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "")
    return {
        "cpu": model or platform.processor(), "cpus": os.cpu_count(),
        "kernel": platform.release(), "system": platform.platform(),
        "load_average": os.getloadavg(),
    }  # fmt: skip


def build_times(subject: Subject) -> dict[str, float]:
    """Seconds of `edgewright build`, with an empty cache and with what that left."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "edgewright", "build", str(subject.source())]
        environment = {**os.environ, "EDGEWRIGHT_CACHE": f"{folder}/cache"}
        environment |= {"PYTHONPYCACHEPREFIX": f"{folder}/pyc"}  # installed packages have theirs
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        times = []
        for _ in range(2):
            start = time.perf_counter()
            subprocess.run([*command, "-o", f"{folder}/out"], env=environment, check=True,
                           capture_output=True)  # fmt: skip
            times.append(time.perf_counter() - start)
    return {"cold_s": times[0], "cached_s": times[1]}


def layer_shares() -> dict[str, Any]:
    """The least share of the peak among large convolutions in direct form, and every layer's."""
    command = [sys.executable, str(Path(__file__).with_name("kernels.py")), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    every = json.loads(done.stdout)
    large = [e for e in every if e["macs"] >= LARGE_MACS and not e["depthwise"]]
    least = {kind: min(e["peak_share"] for e in large if e["kind"] == kind)
             for kind in ("f32", "s8")}  # fmt: skip
    return {"least_of_large": least, "layers": every}


def level_bytes(package: Path) -> dict[str, int]:
    """Bytes of code and constants of each level of a package's host library."""
    manifest = read_manifest(package)
    folder = package / "targets" / "host"
    host = targets.with_threads([targets.get("host")], manifest.targets["host"].threads)[0]
    texts = {n: (folder / n).read_text() for n in ("model.c", "model.h")}
    includes = {"model.h": texts["model.h"]}
    objects = toolchain.compile_levels(texts["model.c"], host, includes=includes)
    found = {}
    for level, path in zip(host.levels, objects, strict=False):  # the last one only dispatches
        binary = toolchain.read_binary(path)
        found[level.name] = binary.text_bytes + binary.rodata_bytes
    return found


class Run:
    """The results so far, in the file and on the terminal."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.out: Path = given.out
        settings = QUICK if given.quick else Settings(rounds=given.rounds)
        self.settings = replace(settings, clock=given.clock)
        cpus = sorted(os.sched_getaffinity(0))
        self.cpus = [int(c) for c in given.cpus.split(",")] if given.cpus else cpus[::-1]
        self.runtimes = available(given.runtimes)
        self.version = files.compiler_version(given.requantization)
        self.rows: list[summary.Row] = []
        self.document: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}
        self.bars: list[bars.Bar] = []
        if given.resume and self.out.exists():
            self.document = json.loads(self.out.read_text())
            self.rows = self.document["rows"]
            known = self.document.get("summary", {})
            self.extra = {name: known[name] for name in ONCE if name in known}

    def start(self) -> None:
        """Machine, versions, settings and ceilings."""
        c_call.loop()
        self.roof = roofline.measure(self.cpus[0])
        self.document |= {
            "machine": machine(), "ceilings": asdict(self.roof),
            "settings": asdict(self.settings) | {"cpus": self.cpus},
            "versions": {n: runtimes.get(n).version() for n in self.runtimes}
            | {"sources": self.version, "python": platform.python_version()},
        }  # fmt: skip
        self.say(f"{self.document['machine']['cpu']}: {self.roof.float32 / 1e9:.0f} GFLOP/s, "
                 f"{self.roof.int8 / 1e9:.0f} GOP/s int8 on one core")  # fmt: skip
        self.say(table.heading(self.runtimes))

    def build(self, wanted: Sequence[Subject]) -> None:
        """Build the packages that are not there yet, side by side, before anything is timed."""

        def one(subject: Subject) -> None:
            files.refresh(subject)
            try:
                for threads in subject.threads:
                    if threads in self.given.threads and not self.has(subject, threads):
                        files.package(subject, self.version, threads)
                        accuracy.make(subject)
            except (files.Unavailable, OSError):
                return  # the table will say why

        with ThreadPoolExecutor(len(self.cpus)) as pool:
            list(pool.map(one, wanted))

    def has(self, subject: Subject, threads: int) -> bool:
        """Whether an earlier run measured it."""
        wanted = (subject.name, subject.dtype, threads)
        return any((r["model"], r["dtype"], r["threads"]) == wanted for r in self.rows)

    def one(self, subject: Subject, threads: int) -> None:
        """Measure a subject, show it, keep it."""
        if threads > len(self.cpus):
            return
        taken = measure(subject, threads, self.runtimes, self.cpus[:threads], self.settings,
                        self.version)  # fmt: skip
        found = summary.rows(subject, threads, taken)
        self.rows += found
        self.say(table.line(found, self.runtimes))
        for reason in table.reasons(found):
            print(f"    {reason}", file=sys.stderr)
        self.save()

    def save(self) -> None:
        """Write the document."""
        contests = summary.contests(self.rows, self.roof)
        found = summary.summary(self.rows, self.roof) | self.extra
        self.bars = bars.bars(found, contests)
        held = [asdict(bar) | {"met": bar.met} for bar in self.bars]
        self.document |= {"contests": contests, "summary": found, "bars": held, "rows": self.rows}
        self.out.parent.mkdir(parents=True, exist_ok=True)
        self.out.write_text(json.dumps(self.document, indent=1))

    def measure_once(self) -> None:
        """What is held against a bar and is no latency: for MobileNet V2, and single layers."""
        nets = [s for s in subjects() if s.name == "mobilenet_v2"]
        self.extra["build_mobilenet_v2"] = build_times(nets[0])
        self.extra["convolutions"] = layer_shares()
        self.extra["code_bytes"] = {}
        taken = []
        for net in nets:
            package = files.package(net, self.version)
            self.extra["code_bytes"][f"MobileNet V2 {net.dtype}"] = level_bytes(package)
            times = measure_loads(net, self.runtimes, self.cpus[:1], self.version)
            ours, peers = times[OURS], [v for k, v in times.items() if k != OURS]
            row = {"model": net.name, "dtype": net.dtype, "load_us": ours, "each_us": times}
            taken.append(row | ({"ratio": min(peers) / ours} if peers else {}))
        others = [r for r in summary.summary(self.rows, None)["load"] if r["model"] != net.name]
        self.extra["load"] = taken + others

    def say(self, text: str) -> None:
        """A line of the table."""
        print(text, file=sys.stderr if self.given.json else sys.stdout, flush=True)


def main() -> int:
    """Measure, print, write."""
    given = options()
    answer = os.fdopen(os.dup(1), "w")
    if given.json:
        os.dup2(2, 1)  # MNN prints what the CPU can do when it is imported
    run = Run(given)
    wanted = chosen_subjects(given)
    run.build(wanted)
    run.start()
    for subject in wanted:
        for threads in subject.threads:
            if threads in given.threads and not run.has(subject, threads):
                run.one(subject, threads)
    if not given.quick and not given.only_models:
        run.measure_once()
    run.save()
    for text in [*table.figures(run.document["summary"]), "", *bars.lines(run.bars)]:
        run.say(text)
    if given.json:
        answer.write(json.dumps(run.document, indent=1) + "\n")
        answer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
