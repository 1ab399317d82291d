"""What a device that is not this machine gets: one archive with everything, and one command."""

from __future__ import annotations

import io
import shlex
import tarfile
from pathlib import Path

from edgewright.artifact.runners import Job
from edgewright.artifact.runners.program import arguments

PROGRAM = "program"


def archive(job: Job, program: Path, *, with_library: bool) -> bytes:
    """A tar of program, weights, input and, where the program loads it, the library."""
    files = {
        PROGRAM: (program.read_bytes(), 0o755),
        "weights.bin": ((job.folder / "weights.bin").read_bytes(), 0o644),
        "input": (job.stream, 0o644),
    }
    if with_library:
        files[job.info.library] = ((job.folder / job.info.library).read_bytes(), 0o755)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (data, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def command(job: Job, cores: str = "") -> str:
    """The shell's words that run the program in its folder, pinned to `cores` as by taskset -c."""
    words = [f"./{PROGRAM}", "weights.bin", *arguments(job)]
    run = " ".join(map(shlex.quote, words))
    pin = f"taskset -c {shlex.quote(cores)} " if cores else ""
    return f"LD_LIBRARY_PATH=. {pin}{run} < input"
