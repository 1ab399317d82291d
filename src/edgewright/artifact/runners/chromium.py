"""Chromium without a window: a page loads the package's own ES module and posts its outputs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from queue import Empty, Queue

from edgewright.artifact.runners import TIMEOUT_S, Job, Measures, Outcome
from edgewright.artifact.runners.failure import fail
from edgewright.artifact.site import LOOPBACK, Answer, Request, content, site, text
from edgewright.errors import InternalError

MEASURES: Measures = "nothing"

_FLAGS = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--mute-audio",
)  # fmt: skip
_MOST_BYTES = 1 << 30  # of the outputs of one job
_POLL_S = 0.5


def run(job: Job) -> Outcome:
    """Run the job in a browser of its own."""
    answers: Queue[tuple[bool, bytes]] = Queue()
    respond = _pages(job, answers)
    program = job.runner.program
    with (
        site(respond, most_bytes=_MOST_BYTES) as port,
        browser(program, f"http://{LOOPBACK}:{port}/page.html") as process,
    ):
        good, body = _wait(answers, process)
    if not good:
        fail(body.decode(errors="replace"))
    return Outcome(body)


def _pages(job: Job, answers: Queue[tuple[bool, bytes]]) -> Callable[[Request], Answer]:
    """The runner's page and script, the files of the product, and where the outputs go."""
    scripts = files(__package__) / "web"
    module = f"./module/{job.name}.js"
    known = {name: (scripts / name).read_bytes for name in ("page.html", "stream.mjs")}
    known["job.json"] = json.dumps({"entry": job.entry.graph, "module": module}).encode
    known["inputs"] = lambda: job.stream
    known |= {f"module/{path.name}": path.read_bytes for path in job.folder.glob("*.*")}

    def respond(request: Request) -> Answer:
        if request.method == "POST" and request.path in ("outputs", "failure"):
            answers.put((request.path == "outputs", request.body))
            return text(200, "thank you")
        read = known.get(request.path) if request.method == "GET" else None
        return content(request.path, read()) if read else text(404, "there is no such file")

    return respond


def _wait(
    answers: Queue[tuple[bool, bytes]], process: subprocess.Popen[bytes]
) -> tuple[bool, bytes]:
    """The page's answer. Raises InternalError when the browser ends, or takes too long."""
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        with suppress(Empty):
            return answers.get(timeout=_POLL_S)
        if process.poll() is not None:
            raise InternalError(f"the browser ended with status {process.returncode}")
    raise InternalError(f"the browser did not answer within {TIMEOUT_S} s")


@contextmanager
def browser(program: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A browser that shows `url`, with a profile of its own; it ends with the block."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses root otherwise
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        profile = f"--user-data-dir={Path(name) / 'profile'}"
        process = subprocess.Popen(
            [program, *_FLAGS, *root, profile, url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
