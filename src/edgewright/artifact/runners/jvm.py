"""Android's x86-64 library in a Java virtual machine, called through JNI as an app would."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.runners.program import (
    arguments,
    outcome_of,
    place_stubs,
    program_sources,
)
from edgewright.errors import InternalError
from edgewright.toolchain import cache

MEASURES: Measures = "time"

_SOURCES = Path(__file__).with_name("java")
_QUICK = ("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-Xmx256m")  # it starts, calls, and ends


def run(job: Job) -> Outcome:
    """Run the job; this machine's CPU is the program's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = Path(shutil.copy(job.folder / job.info.library, folder))
        place_stubs(job, folder)
        shutil.copy(_shim(job), folder / "libshim.so")
        shutil.copy(_class(), folder / "Program.class")
        words = [
            str(folder / "libshim.so"),
            str(library),
            str(job.folder / "weights.bin"),
            *arguments(job),
        ]
        done = subprocess.run(
            ["java", *_QUICK, "-cp", name, "Program", *words],
            input=job.stream,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, "LD_LIBRARY_PATH": name},
        )
    message = done.stderr.decode(errors="replace")
    if done.returncode:
        fail(message)
    return outcome_of(done.stdout, message)


def _shim(job: Job) -> Path:
    """A library with the package's `main.c` in it, under another name, and the native method.

    What it calls is bound late: `shim.c` loads the model's library first.
    """
    sources = program_sources(job)
    sources["shim.c"] = (_SOURCES / "shim.c").read_text("utf-8")
    options = ["-shared", "-fPIC", "-Dmain=program", "-Wl,-z,lazy"]
    return toolchain.link_program(sources, job.target, extra_flags=options)


def _class() -> Path:
    """The compiled `Program.java`. Raises InternalError when javac refuses it."""
    source = (_SOURCES / "Program.java").read_text("utf-8")

    def make(out: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "Program.java"
            path.write_text(source, encoding="utf-8")
            done = subprocess.run(
                ["javac", "--release", "8", "-Xlint:-options", str(path)],
                check=False,
                capture_output=True,
                text=True,
            )
            if done.returncode:
                raise InternalError(f"javac failed: {done.stderr.strip()}")
            shutil.copyfile(path.with_suffix(".class"), out)

    return cache.lookup(cache.key(["javac", source]) + ".class", make)
