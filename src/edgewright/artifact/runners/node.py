"""Node.js: the package's own ES module, loaded from its folder."""

from __future__ import annotations

import subprocess
from importlib.resources import as_file, files

from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome
from edgewright.artifact.runners.failure import fail

MEASURES: Measures = "nothing"


def run(job: Job) -> Outcome:
    """Run the job in a process of Node.js."""
    module = job.folder / f"{job.name}.js"
    with as_file(files(__package__) / "web") as scripts:
        done = subprocess.run(
            [job.runner.program, str(scripts / "node.mjs"), str(module), job.entry.graph],
            input=job.stream,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    if done.returncode:
        fail(done.stderr.decode(errors="replace"))
    return Outcome(done.stdout)
