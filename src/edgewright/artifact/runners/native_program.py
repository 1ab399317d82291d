"""Sources compiled here by a compiler of this machine, as a user would, and run."""

from __future__ import annotations

import subprocess

from edgewright import toolchain
from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.runners.program import arguments, outcome_of
from edgewright.toolchain import flags

MEASURES: Measures = "time"


def run(job: Job) -> Outcome:
    """Compile `main.c` and `model.c` without a warning, and run the program."""
    names = ("main.c", "model.c", "model.h")
    program = toolchain.link_program(
        {name: (job.folder / name).read_text("utf-8") for name in names},
        job.target,
        extra_flags=["-std=c11", *flags.PEDANTIC],
        compiler=toolchain.system_compiler(job.runner.program),
    )
    done = subprocess.run(
        [str(program), str(job.folder / "weights.bin"), *arguments(job)],
        input=job.stream,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    message = done.stderr.decode(errors="replace")
    if done.returncode:
        fail(message)
    return outcome_of(done.stdout, message)
