"""A Linux board over SSH: push, run and pull in one connection, nothing left behind.

The user's own `ssh` is used, so that his keys, aliases and jump hosts work.
"""

from __future__ import annotations

import shlex
import subprocess
from urllib.parse import SplitResult, urlsplit

from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome, device
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.runners.program import link_main, outcome_of
from edgewright.errors import InvalidOption, MissingRunner
from edgewright.targets import Runner

MEASURES: Measures = "time"

CONNECT_TIMEOUT_S = 10
#: ssh's own exit status when it could not connect or log in
_NO_CONNECTION = 255


def platform(runner: Runner) -> tuple[str, str]:
    """System and CPU family of the board, as `platform` spells them: ("Linux", "aarch64")."""
    answer = _ssh(runner, "uname -sm", b"").stdout.decode(errors="replace").split()
    if len(answer) != 2:
        raise MissingRunner(f"{runner.name} does not answer as a Linux board does")
    return answer[0], answer[1]


def run(job: Job) -> Outcome:
    """Run the job on the board. Raises MissingRunner when it cannot be reached."""
    program = link_main(job, job.folder / job.info.library)
    inside = device.command(job, job.runner.options[1] if len(job.runner.options) > 1 else "")
    script = (
        'd=$(mktemp -d) && cd "$d" && tar xf - && '
        f'{{ {inside}; s=$?; cd /; rm -rf "$d"; exit $s; }}'
    )
    done = _ssh(job.runner, script, device.archive(job, program, with_library=True))
    message = done.stderr.decode(errors="replace")
    if done.returncode:
        fail(message)
    return outcome_of(done.stdout, message)


def _ssh(runner: Runner, script: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    address = _address(runner.options[0])
    port = ["-p", str(address.port)] if address.port else []
    user = f"{address.username}@" if address.username else ""
    options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT_S}"]
    command = ["ssh", *options, *port, f"{user}{address.hostname}", f"sh -c {shlex.quote(script)}"]
    try:
        done = subprocess.run(
            command, input=stdin, capture_output=True, timeout=TIMEOUT_S, check=False
        )
    except FileNotFoundError:
        raise MissingRunner("ssh was not found", help="apt-get install openssh-client") from None
    if done.returncode == _NO_CONNECTION:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise MissingRunner(
            f"{runner.name} cannot be reached: {last[0]}",
            help=f"`ssh {' '.join([*port, user + str(address.hostname)])} true` must work without "
            "a password",
        )
    return done


def _address(url: str) -> SplitResult:
    """The parts of `ssh://user@host:port`. Raises InvalidOption."""
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and not str(parts.hostname).startswith("-")
        usable = usable and not (parts.username or "").startswith("-") and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise InvalidOption(f"{url!r} is no address of a board", help="ssh://user@host[:port]")
    return parts
