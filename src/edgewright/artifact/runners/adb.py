"""A connected Android phone: push, run and pull through `adb`.

The program is linked statically with musl, since no NDK is needed for that; it holds the same
objects that the package's library was linked from.
"""

from __future__ import annotations

import shlex
import subprocess
import tempfile
import uuid
from dataclasses import replace
from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome, device
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.runners.program import outcome_of, program_sources
from edgewright.errors import MissingRunner
from edgewright.targets import Runner

MEASURES: Measures = "time"

_PLACE = "/data/local/tmp"
_MACHINES = {"arm64-v8a": "aarch64", "armeabi-v7a": "armv7l", "x86_64": "x86_64"}
_MUSL = {
    "aarch64": "aarch64-linux-musl",
    "armv7l": "arm-linux-musleabi",
    "x86_64": "x86_64-linux-musl",
}
_CONNECT = (
    "connect it by USB, switch on Developer options > USB debugging on the phone, and look for it "
    "in `adb devices`"
)
_STATES = {
    "unauthorized": "accept the question on the phone's screen",
    "offline": "unplug and replug it, or `adb reconnect`",
    "no permissions": "add a udev rule for it (apt-get install android-sdk-platform-tools-common)",
}


def platform(runner: Runner) -> tuple[str, str]:
    """("Android", CPU family) of the phone. Raises MissingRunner saying what is missing."""
    serial = _phone(runner)
    abi = _adb(serial, "shell", "getprop", "ro.product.cpu.abi").stdout.decode().strip()
    if abi not in _MACHINES:
        raise MissingRunner(f"the phone {serial} has a CPU that no target is for: {abi!r}")
    return "Android", _MACHINES[abi]


def run(job: Job) -> Outcome:
    """Run the job on the phone, pinned to the cores that `runner.options` names."""
    serial = _phone(job.runner)
    place = f"{_PLACE}/edgewright-{uuid.uuid4().hex}"  # a name on the phone, in no output
    cores = job.runner.options[1] if len(job.runner.options) > 1 else ""
    with tempfile.TemporaryDirectory() as name:
        local = Path(name) / "job.tar"
        local.write_bytes(device.archive(job, _program(job), with_library=False))
        inside = f"tar xf job.tar && {{ {device.command(job, cores)} > output 2> message; }}"
        script = f"cd {place} && {inside}; echo $? > status"
        try:
            _adb(serial, "shell", f"mkdir {place}")
            _adb(serial, "push", str(local), f"{place}/job.tar")
            _adb(serial, "shell", script)
            _adb(serial, "pull", place, str(Path(name) / "back"))
        finally:
            _adb(serial, "shell", f"rm -rf {place}", check=False)
        return _outcome(Path(name) / "back")


def _outcome(folder: Path) -> Outcome:
    message = (folder / "message").read_text(errors="replace")
    if (folder / "status").read_text().strip() != "0":
        fail(message)
    return outcome_of((folder / "output").read_bytes(), message)


def _program(job: Job) -> Path:
    target = replace(job.target, libc=_MUSL[job.target.arch])
    sources, model = program_sources(job), (job.folder / "model.c").read_text("utf-8")
    includes = {"model.h": sources["model.h"]}
    objects = toolchain.compile_levels(model, job.target, includes=includes)
    return toolchain.link_program(sources, target, objects=objects, extra_flags=["-static"])


def _phone(runner: Runner) -> str:
    """The serial number of the phone that is asked for, or of the only one."""
    wanted = runner.options[0].removeprefix("adb://")
    lines = _run("devices").stdout.decode(errors="replace").splitlines()[1:]
    phones = dict(line.split("\t", 1) for line in lines if "\t" in line)
    if wanted and wanted not in phones:
        listed = ", ".join(sorted(phones)) or "none"
        raise MissingRunner(f"no phone {wanted!r} is connected", help=f"connected: {listed}")
    if not phones:
        raise MissingRunner("no phone is connected", help=_CONNECT)
    if not wanted and len(phones) > 1:
        raise MissingRunner(
            "several phones are connected",
            help="one of: " + ", ".join(f"--device adb://{serial}" for serial in sorted(phones)),
        )
    serial = wanted or next(iter(phones))
    state = phones[serial].split(";")[0].strip()
    if state != "device":
        advice = next((text for key, text in _STATES.items() if state.startswith(key)), _CONNECT)
        raise MissingRunner(f"the phone {serial} is {state}", help=advice)
    return serial


def _adb(serial: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    done = _run("-s", serial, *words)
    if check and done.returncode:
        message = (done.stderr or done.stdout).decode(errors="replace").strip()
        last = message.splitlines()[-1:] or ["no message"]
        said = shlex.join(words[:1])
        raise MissingRunner(f"adb {said} failed on {serial}: {last[0]}", help=_CONNECT)
    return done


def _run(*words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["adb", *words], capture_output=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise MissingRunner("adb was not found", help="apt-get install adb") from None
