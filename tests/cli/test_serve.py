"""`edgewright serve` as its users meet it: what it prints, how it stops."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import edgewright as ew
from edgewright.cli.serve import _code, device

RESULT = {"target": "web", "median_ms": 1.5, "low_ms": 1.0, "high_ms": 2.25, "runs": 10,
          "check": "ok", "top": {"label": "seven\u0007", "score": 0.875}}  # fmt: skip


@pytest.fixture(scope="module")
def package(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("serve") / "digits"
    return ew.build(examples / "models/digits_int8.onnx", ["web"], out, name="digits").folder


class Serving:
    """The command, in a process of its own; `stop` does what Ctrl-C does."""

    def __init__(self, package: Path, *words: str) -> None:
        command = [sys.executable, "-m", "edgewright", "serve", str(package), "--port", "0", *words]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def stop(self) -> tuple[int, str, str]:
        """Exit status, and what was printed since the last line."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@pytest.fixture
def serving(package: Path) -> Iterator[Callable[..., Serving]]:
    started: list[Serving] = []

    def start(*words: str) -> Serving:
        started.append(Serving(package, *words))
        return started[-1]

    yield start
    for each in started:
        with each.process as process:
            process.kill()


def post(url: str) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "Mozilla/5.0 (X; Y; Z) Firefox/9"}
    request = urllib.request.Request(url + "results", json.dumps(RESULT).encode(), headers)
    urllib.request.urlopen(request, timeout=10).close()


def test_results_are_printed_and_ctrl_c_ends_it(serving: Callable[..., Serving]) -> None:
    served = serving()
    name, url = served.line().split()
    assert (name, url[:17]) == ("web:", "http://127.0.0.1:")
    assert "Ctrl-C" in served.line()
    post(url)
    assert "median" in served.line()
    row = served.line()
    assert row.startswith("Firefox 9 (X; Y)")
    assert "seven? 87.5 %" in row
    status, out, err = served.stop()
    assert (status, out) == (130, "")
    assert "Traceback" not in err


def test_json_is_a_document_a_line(serving: Callable[..., Serving]) -> None:
    served = serving("--json")
    first = json.loads(served.line())
    assert first["target"] == "web"
    post(first["url"])
    found = json.loads(served.line())
    assert {key: found[key] for key in RESULT} == RESULT
    assert found["address"] == "127.0.0.1"
    assert served.stop()[0] == 130


def test_the_code_is_square_and_quiet() -> None:
    lines = _code("http://192.168.178.123:8000/?token=abcdefghijklmnopqrstuv").splitlines()
    assert {len(row) for row in lines} == {len(lines[0])}
    assert 2 * len(lines) in range(len(lines[0]) - 1, len(lines[0]) + 3)
    assert set("".join(lines)) <= set(" █▀▄")


CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Mobile Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
    "like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome 140 (Linux; Android 10)"),
        (SAFARI, "Safari 18 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"),
        ("curl/8", "curl/8"),
        ("", "unknown"),
    ],
)
def test_devices_have_names(agent: str, name: str) -> None:
    assert device(agent) == name
