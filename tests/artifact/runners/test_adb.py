"""adb as far as it goes without a phone: the real server, and its answers in every other case."""

import shutil
import stat
from pathlib import Path

import pytest

import edgewright as ew
from edgewright import targets
from edgewright.artifact import devices
from edgewright.errors import MissingRunner

#: an `adb` with one phone: a folder of this machine, whose CPU is this machine's
_PHONE = """#!/bin/sh
root={root}
[ "$1" = devices ] && {{ printf 'List of devices attached\\nPHONE1\\t{state}\\n'; exit 0; }}
shift 2
verb=$1; shift
here() {{ printf '%s' "$1" | sed "s#/data/local/tmp#$root#g"; }}
case $verb in
  shell) if [ "$1" = getprop ]; then echo {abi}; else sh -c "$(here "$*")"; fi ;;
  push) cp "$1" "$(here "$2")" ;;
  pull) cp -r "$(here "$1")" "$2" ;;
esac
"""


def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, abi: str) -> Path:
    """Put an `adb` on the path that keeps the phone's files under the returned folder."""
    root, programs = tmp_path / "phone", tmp_path / "bin"
    root.mkdir()
    programs.mkdir()
    script = programs / "adb"
    script.write_text(_PHONE.format(root=root, state=state, abi=abi))
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return root


@pytest.mark.skipif(shutil.which("adb") is None, reason="needs adb (apt-get install adb)")
def test_without_a_phone_the_error_says_what_to_do() -> None:
    with pytest.raises(MissingRunner, match="no phone is connected") as caught:
        devices.connect("adb://")
    assert "USB debugging" in str(caught.value.help)
    with pytest.raises(MissingRunner, match="no phone 'R58M' is connected"):
        devices.connect("adb://R58M")


def test_a_phone_that_does_not_trust_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone(tmp_path, monkeypatch, "unauthorized", "arm64-v8a")
    with pytest.raises(MissingRunner, match="PHONE1 is unauthorized") as caught:
        devices.connect("adb://")
    assert caught.value.help == "accept the question on the phone's screen"


def test_a_phone_of_an_unknown_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phone(tmp_path, monkeypatch, "device", "mips")
    with pytest.raises(MissingRunner, match="'mips'"):
        devices.connect("adb://PHONE1")


@pytest.mark.slow
def test_push_run_pull(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, on a phone that is a folder here; `slow`: the first run compiles musl."""
    root = phone(tmp_path, monkeypatch, "device", "x86_64")
    if not targets.get("host").is_native:
        pytest.skip("the stand-in phone is an x86-64 machine")
    model = examples / "models" / "digits_int8.onnx"
    package = ew.build(model, targets=["host", "android-x86_64"], out=tmp_path / "digits")
    report = ew.verify(package, device=devices.connect("adb://PHONE1", cores="0"))
    assert report.good
    assert {v.target for v in report.targets} == {"android-x86_64"}
    host = {v.crc32 for v in package.manifest.targets["host"].verdicts}
    assert {v.verdict.crc32 for v in report.targets} == host
    assert not list(root.iterdir())
