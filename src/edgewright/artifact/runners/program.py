"""The package's own `main.c` as the program that a runner starts."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.runners import Job

_ISA = re.compile(r"\bisa (\d+)\b")


def link_main(job: Job, library: Path) -> Path:
    """Link `main.c` with the package's library; it is found beside the program when it runs."""
    sources = {n: (job.folder / n).read_text("utf-8") for n in ("main.c", "model.h")}
    return toolchain.link_program(sources, job.target, objects=[library])


def link_whole(job: Job) -> Path:
    """Link `main.c` with the objects that the library is made of.

    An emulator knows the names of a program's functions, not those of its libraries.
    """
    names = ("main.c", "model.h", "model.c")
    sources = {name: (job.folder / name).read_text("utf-8") for name in names}
    model, includes = sources.pop("model.c"), {"model.h": sources["model.h"]}
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
    return [] if job.detect else ["--isa", str(job.isa)]


def reported_isa(stderr: str) -> int | None:
    """The index of the level that the program says it used."""
    found = _ISA.search(stderr)
    return int(found[1]) if found else None
