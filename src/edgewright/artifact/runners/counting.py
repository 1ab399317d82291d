"""Count instructions under qemu, exactly: a plugin, compiled once, adds them up by function."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from edgewright.artifact.runners import Job, Outcome
from edgewright.errors import MissingCompiler
from edgewright.toolchain import cache

_SOURCE = Path(__file__).with_name("instruction_count.c")
_REPORT = "instructions"
_MARK = "ew_mark"
_FLAGS = ("-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Function:
    """Instructions of one function's own, and until another of the model's functions went on."""

    name: str
    own: int
    within: int


def plugin() -> Path:
    """The compiled plugin, in the cache. Raises MissingCompiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise MissingCompiler("counting instructions takes a C compiler for this machine",
                              help="apt-get install gcc libc6-dev")  # fmt: skip
    program: str = compiler

    def make(out: Path) -> None:
        subprocess.run([program, *_FLAGS, str(_SOURCE), "-o", str(out)], check=True)

    return cache.lookup(cache.key([*_FLAGS, _SOURCE.read_bytes()]) + ".so", make)


def options(job: Job, folder: Path) -> list[str]:
    """Arguments of qemu; the plugin writes its report into `folder`."""
    report = folder / _REPORT
    return ["-plugin", f"{plugin()},own={job.name}_,mark={_MARK},out={report}"]


def counted(job: Job, outcome: Outcome, folder: Path) -> Outcome:
    """The outcome with the counts of the report that lies in `folder`; unchanged without one."""
    report = folder / _REPORT
    if not report.exists():
        return outcome
    lines = [line.split(" ", 3) for line in report.read_text("utf-8").splitlines()]
    functions = [Function(w[3], int(w[1]), int(w[2])) for w in lines if w[0] == "function"]
    marks = [int(w[2]) for w in lines if w[0] == "mark"]
    return replace(
        outcome,
        instructions=sum(f.within for f in functions if _is_entry(job, f.name)),
        functions={f.name: f.own for f in sorted(functions, key=lambda f: (-f.own, f.name))},
        marks=tuple(_by_node(marks, job.samples)),
    )


def _is_entry(job: Job, name: str) -> bool:
    entry = job.entry.function
    return name == entry or name.startswith(f"{entry}__")


def _by_node(marks: list[int], samples: int) -> Iterator[int]:
    """Sums over the samples; each begins with a mark of its own, which no node precedes."""
    each = len(marks) // samples if samples else 0
    for index in range(1, each):
        yield sum(marks[index::each])
