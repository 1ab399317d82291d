"""Linux programs of another CPU under qemu's user mode: the package's own `main.c` and library."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome, counting
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.runners.program import (
    arguments,
    link_main,
    link_whole,
    outcome_of,
    place_stubs,
)

MEASURES: Measures = "instructions"


def run(job: Job) -> Outcome:
    """Run the job on the emulator's CPU for its level."""
    with tempfile.TemporaryDirectory() as name:
        library = Path(shutil.copy(job.folder / job.info.library, name))
        place_stubs(job, library.parent)
        done = subprocess.run(
            [*_command(job, library), str(job.folder / "weights.bin"), *arguments(job)],
            input=job.stream,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env={k: v for k, v in os.environ.items() if not k.startswith("LD_")},
        )
        message = done.stderr.decode(errors="replace")
        if done.returncode:
            fail(message)
        outcome = outcome_of(done.stdout, message)
        return counting.counted(job, outcome, library.parent) if job.count else outcome


def _command(job: Job, library: Path) -> list[str]:
    """Emulator and program; one that counts is linked whole."""
    words = _emulator(job, library.parent)
    if not job.count:
        return [*words, str(link_main(job, library))]
    return [*words, *counting.options(job, library.parent), str(link_whole(job))]


def _emulator(job: Job, libraries: Path) -> list[str]:
    cpu = job.target.level(job.info.levels[job.isa]).emulator_cpu
    choice = ["-cpu", cpu] if cpu else []
    # Bound at once: resolving a symbol on its first call would count as the caller's instructions.
    environment = ["-E", f"LD_LIBRARY_PATH={libraries}", "-E", "LD_BIND_NOW=1"]
    return [job.runner.program, *choice, *job.runner.options, *environment]
