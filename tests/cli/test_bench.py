"""`edgewright bench`: what it prints, what it refuses. No time is asserted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import edgewright as ew
from edgewright import targets
from edgewright.artifact import Package
from edgewright.cli import main
from edgewright.pipeline import peers

MODEL = "digits_int8.onnx"
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def edgewright(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command line in this process: status, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["bench", *[str(a) for a in arguments]])
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, out, err

    return run


@pytest.fixture(scope="module")
def built(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    place = tmp_path_factory.mktemp("bench") / "digits"
    return ew.build(examples / "models" / MODEL, ["host", "cortex-m4"], place)


def document(result: tuple[int, str, str], status: int = 0) -> dict[str, Any]:
    assert result[0] == status, result[2]
    found = json.loads(result[1])
    assert isinstance(found, dict)
    return found


def test_a_package_beside_the_runtime_that_reads_its_source(
    edgewright: Cli, built: Package, examples: Path
) -> None:
    source = examples / "models" / MODEL
    found = document(
        edgewright(built.folder, "--source", source, "--against", "onnxruntime",
                   "--seconds", "0.05", "--json")
    )  # fmt: skip
    ours, peer = found["rows"]
    assert (ours["runtime"], peer["runtime"]) == ("edgewright", "onnxruntime")
    assert ours["ratio"] is None
    ratio = peer["ratio"]
    assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"] < math.inf
    assert peer["verdict"] in ("ahead", "behind", "noise")
    assert found["cpus"] == found["cpus"][: found["threads"]]
    assert found["absent"] == []


def test_without_its_source_a_package_says_what_the_peers_lack(
    edgewright: Cli, built: Package
) -> None:
    status, text, _ = edgewright(built.folder, "--against", "onnxruntime", "--seconds", "0.05")
    assert status == 3
    assert "onnxruntime: not measured: a package holds no model file that it could read" in text
    assert f"(add --source {MODEL})" in text


def test_runtimes_that_are_absent_or_cannot_read_it_are_named_together(
    edgewright: Cli, built: Package, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "openvino" else name)
    status, text, _ = edgewright(
        built.folder, "--source", examples / "models" / MODEL, "--against", "openvino,sklearn",
        "--seconds", "0.05",
    )  # fmt: skip
    assert status == 3  # nothing that was asked for was measured
    assert "openvino: not measured: not installed (pip install 'edgewright[peers]')" in text
    assert "sklearn: not measured: reads .pickle, not .onnx" in text


def test_all_unknown_runtimes_are_refused_at_once(edgewright: Cli, built: Package) -> None:
    status, _, err = edgewright(built.folder, "--against", "litert,tensorrt,tvm")
    assert status == 2
    assert "'tensorrt', 'tvm'" in err
    assert "onnxruntime, openvino" in err


def test_an_emulated_target_gives_counts_and_no_time(edgewright: Cli, built: Package) -> None:
    if not targets.available(targets.get("cortex-m4")):
        pytest.skip("no emulator for cortex-m4")
    found = document(edgewright(built.folder, "-t", "cortex-m4", "--json"))
    assert set(found) == {"model", "target", "rows"}
    (row,) = found["rows"]
    assert row["instructions"] > 10_000
    assert not any(key.endswith("_us") for key in row)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threads", "0"], "no number of threads"),
        (["--threads", "1-2"], "a range of --threads is for devices"),
        (["--threads", "4096"], "would measure the scheduler"),
        (["--threads", "1", "--cpus", "99999"], "there is no CPU 99999"),
        (["--cpus", "a"], "no list of CPUs"),
        (["--cores", "1"], "--cores pins on a device"),
        (["-t", "cortex-m4", "--against", "litert"], "--against is for this machine"),
        (["-t", "nothing"], "nothing"),
        (["--source", "README.md"], "is not the model that the package was built from"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    edgewright: Cli, built: Package, options: list[str], message: str
) -> None:
    status, _, err = edgewright(built.folder, *options)
    assert status == 2, err
    assert message in err
