"""`edgewright convert`: what it prints, its exit statuses, and Ctrl-C at any moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgewright.cli import main

MODEL = "digits_float.onnx"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Status, stdout, stderr of a command in this process."""
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


def test_the_summary(examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "digits.tflite"
    status, text, _ = run(capsys, "convert", examples / "models" / MODEL, out, "--layers")
    assert status == 0
    assert out.stat().st_size > 1000
    said = ("size:", "operators", "transposes: 0 inside", "runs in:", "or newer",
            "in LiteRT against ONNX Runtime", "operator by operator:", f"wrote {out}")  # fmt: skip
    assert [words for words in said if words not in text] == []


def test_json(examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, names = tmp_path / "digits.onnx", tmp_path / "names.json"
    arguments = ["convert", examples / "models" / MODEL, out, "--json", "--opset", 20]
    status, text, _ = run(capsys, *arguments, "--names", names)
    found = json.loads(text)
    assert status == 0
    assert found["minimum"].startswith("opset 20,")
    assert found["verified"]["error"] <= found["verified"]["tolerance"] == 1e-4
    assert found["transposes"] == {"inside": 0, "interface": 0}
    assert found["names"] == json.loads(names.read_text())
    assert found["bytes_after"] == out.stat().st_size


def test_unverified_is_said_loudly(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = examples / "models" / MODEL, tmp_path / "digits.onnx"
    status, text, _ = run(capsys, "convert", model, out, "--unverified")
    assert status == 0
    assert "NOT VERIFIED" in text
    assert text.rstrip().endswith("UNVERIFIED")


def test_a_difference_is_status_1(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = examples / "models" / MODEL, tmp_path / "digits.tflite"
    status, _, err = run(capsys, "convert", model, out, "--tolerance", "0")
    assert status == 1
    assert "error[verification-failed]: the tflite file differs in LiteRT" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_status_2(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o500)
    status, _, err = run(capsys, "convert", examples / "models" / MODEL, tmp_path / "out.onnx")
    tmp_path.chmod(0o700)
    assert status == 2
    assert "cannot write the file" in err


def test_a_place_that_is_no_folder_is_status_2(
    examples: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    model, out = examples / "models" / MODEL, tmp_path / "file" / "out.onnx"
    status, _, err = run(capsys, "convert", model, out)
    assert status == 2
    assert "cannot write the file" in err


def test_control_c_leaves_nothing_under_the_name(examples: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits.tflite"
    command = [sys.executable, "-m", "edgewright", "convert", str(examples / "models" / MODEL)]
    child = subprocess.Popen([*command, str(out)], stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.iterdir()) and child.poll() is None:
        time.sleep(0.005)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "interrupted; nothing was written" in err
    assert list(tmp_path.iterdir()) == []
