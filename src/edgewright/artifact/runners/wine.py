"""Windows programs under wine: the package's own `main.c` and DLL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.runners.program import arguments, link_main, outcome_of
from edgewright.toolchain import cache

MEASURES: Measures = "time"


def run(job: Job) -> Outcome:
    """Run the job; this machine's CPU is the program's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        library = Path(shutil.copy(job.folder / job.info.library, folder))
        shutil.copy(link_main(job, library), folder / "program.exe")
        shutil.copy(job.folder / "weights.bin", folder)
        # Files, not pipes: wine's services hold what they inherit for seconds after the program.
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            done = subprocess.run(
                [job.runner.program, "program.exe", "weights.bin", *arguments(job)],
                cwd=folder,  # it sees its own folder under a drive's letter: paths stay relative
                input=job.stream,
                stdout=out,
                stderr=err,
                timeout=TIMEOUT_S,
                check=False,
                env=_environment(),
            )
        message = (folder / "err").read_text("utf-8", errors="replace")
        if done.returncode:
            fail(message)
        return outcome_of((folder / "out").read_bytes(), message)


def _environment() -> dict[str, str]:
    """A Windows of our own, which wine makes at its first start in a few seconds."""
    prefix = cache.root() / "wine"
    prefix.mkdir(parents=True, exist_ok=True)
    quiet = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml="}
    return {**os.environ, "WINEPREFIX": str(prefix.resolve()), **quiet}
