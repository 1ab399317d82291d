"""Microcontrollers under qemu's machine emulation: a test program around the product's object.

The program is the product's own start-up code and memory map with a `main` that reads inputs from a
file of this machine and writes outputs to another, through semihosting.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome, counting
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.runners.harness_c import buffer_bytes, harness_text
from edgewright.codegen.firmware import STACK_BYTES
from edgewright.codegen.kernels import read_kernel
from edgewright.errors import MissingRunner

MEASURES: Measures = "instructions"

#: start-up code, semihosting and the compiler's own routines, at most
PROGRAM_BYTES = 8192

_QUIET = ("-display", "none", "-monitor", "none", "-serial", "none", "-no-reboot")
_SEMIHOSTING = ("-semihosting-config", "enable=on,target=native")


def run(job: Job) -> Outcome:
    """Run the job on the emulated board. Raises MissingRunner when the board is too small."""
    if reason := obstacle(job):
        help_ = "run it on a board with more memory"
        raise MissingRunner(f"{job.target.name} {reason}", help=help_)
    firmware = link_firmware(job)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "input").write_bytes(job.stream)
        command = [job.runner.program, *job.runner.options, *_QUIET, *_SEMIHOSTING]
        command += counting.options(job, folder) if job.count else []
        message = _execute([*command, "-kernel", str(firmware)], folder)
        output = folder / "output"
        if message is not None or not output.exists():
            fail(message or "no output")
        return counting.counted(job, Outcome(output.read_bytes()), folder)


def obstacle(job: Job) -> str | None:
    """Why the emulated board cannot hold the test program; None when it can."""
    board, memory = job.target.board, job.info.memory
    if board is None:
        return "the target has no board"
    ram = memory.arena_bytes + memory.state_bytes + buffer_bytes(job.entry) + STACK_BYTES
    flash = job.info.code_bytes + memory.weights_bytes + PROGRAM_BYTES
    for kind, need, have in (("RAM", ram, board.ram[1]), ("flash", flash, board.flash[1])):
        if need > have:
            return f"needs {need} bytes of {kind}, the {board.name} has {have}"
    return None


def link_firmware(job: Job) -> Path:
    """The test program, with names for every function, in the cache."""
    package = ("model.h", "startup.c", "memory.c", "board.ld")
    sources = {name: (job.folder / name).read_bytes() for name in package}
    sources["harness.c"] = harness_text(job.name, job.entry, job.info.memory, job.samples).encode()
    sources["semihosting.h"] = read_kernel("firmware/semihosting.h").encode()
    sources["weights.bin"] = (job.folder / "weights.bin").read_bytes()
    return toolchain.link_firmware(sources, job.target, objects=[job.folder / job.info.library])


def _execute(command: list[str], folder: Path) -> str | None:
    """What the program printed when it failed; None when it did not."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it did not end within {TIMEOUT_S} s"
    if done.returncode == 0:
        return None
    text = (done.stdout + done.stderr).decode(errors="replace")
    if "Lockup" in text:  # qemu prints all registers after that
        return "a fault within a fault: the program left its memory"
    return text or f"status {done.returncode}"
