"""The package's own `main.c` as the program that a runner starts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.runners import Job, NodeTime, Outcome, RunTime

_TIME = re.compile(r"^time: median ([\d.]+) us, spread ([\d.]+) us, (\d+) runs$", re.MULTILINE)
_NODE = re.compile(r"^node: average ([\d.]+) us, best ([\d.]+) us$", re.MULTILINE)
_ISA = re.compile(r"\bisa (\d+)\b")


def program_sources(job: Job) -> dict[str, str]:
    """The program besides the model: text by file name."""
    names = ("main.c", "model.h", "threads.c", "threads.h")
    present = [name for name in names if (job.folder / name).is_file()]
    return {name: (job.folder / name).read_text("utf-8") for name in present}


def link_main(job: Job, library: Path) -> Path:
    """Link `main.c` with the package's library; it is found beside the program when it runs."""
    return toolchain.link_program(program_sources(job), job.target, objects=[library])


def link_whole(job: Job) -> Path:
    """Link `main.c` with the objects that the library is made of.

    An emulator knows the names of a program's functions, not those of its libraries.
    """
    sources, model = program_sources(job), (job.folder / "model.c").read_text("utf-8")
    includes = {"model.h": sources["model.h"]}
    objects = toolchain.compile_levels(model, job.target, includes=includes)
    return toolchain.link_program(sources, job.target, objects=objects)


def place_stubs(job: Job, folder: Path) -> None:
    """Empty libraries of the names that the target's system has and this one does not.

    What they stand for (Android's libc.so) is there already, under another name.
    """
    for name in job.target.needed:
        shutil.copy(toolchain.stub_library(name, job.target, ()), folder / name)


def arguments(job: Job) -> list[str]:
    """What follows the program and the weights; without a level the program asks the CPU."""
    words = [] if job.detect else ["--isa", str(job.isa)]
    words += ["--time", f"{job.seconds:g}"] if job.seconds else []
    return words + (["--threads", str(job.threads)] if job.threads else [])


def outcome_of(stdout: bytes, stderr: str) -> Outcome:
    """What the program gave, and what it says of itself: its level, and what runs took."""
    isa = _ISA.search(stderr)
    nodes = tuple(NodeTime(float(n[1]), float(n[2])) for n in _NODE.finditer(stderr))
    return Outcome(stdout, isa=int(isa[1]) if isa else None, timing=_time(stderr), nodes=nodes)


def _time(stderr: str) -> RunTime | None:
    found = _TIME.search(stderr)
    return RunTime(float(found[1]), float(found[2]), int(found[3])) if found else None
