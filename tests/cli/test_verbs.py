"""Every verb: its exit status, its JSON, and what it says about wrong input."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgewright as ew
from edgewright.artifact import Package, load_package
from edgewright.cli import cli, main

Cli = Callable[..., tuple[int, str, str]]
MODEL = "digits_int8.onnx"


@pytest.fixture
def edgewright(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command line in this process: status, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, out, err

    return run


@pytest.fixture(scope="module")
def built(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A package of the demo's model."""
    return ew.build(examples / "models" / MODEL, out=tmp_path_factory.mktemp("cli") / "digits")


@pytest.fixture
def sample(built: Package, tmp_path: Path) -> Path:
    """One image as .npy."""
    (info,) = built.inputs
    path = tmp_path / "x.npy"
    np.save(path, built.vectors()[0][0][info.identifier])
    return path


def document(result: tuple[int, str, str], status: int = 0) -> dict[str, Any]:
    """The one JSON document that a command printed."""
    assert result[0] == status, result[2]
    found = json.loads(result[1])
    assert isinstance(found, dict)
    return found


def test_inspect(edgewright: Cli, examples: Path) -> None:
    found = document(edgewright("inspect", examples / "models" / MODEL, "--json", "--why"))
    assert {"parameters", "macs", "transposes", "memory", "declined"} <= set(found)
    assert found["transposes"]["inside"] == 0


def test_check(edgewright: Cli, examples: Path) -> None:
    model = examples / "models" / MODEL
    found = document(edgewright("check", model, "-t", "host", "-t", "linux-arm64", "--json"))
    assert [t["target"] for t in found["targets"]] == ["host", "linux-arm64"]
    assert all(t["builds"] for t in found["targets"])


def test_build(edgewright: Cli, examples: Path, tmp_path: Path) -> None:
    model = examples / "models" / MODEL
    found = document(edgewright("build", model, "-o", tmp_path / "p", "--json"))
    package = load_package(tmp_path / "p")
    assert found == package.manifest.model_dump(mode="json")
    status, out, _ = edgewright("build", model, "-o", tmp_path / "p")  # replaces a package
    assert status == 0
    assert found["targets"]["host"]["verdicts"][0]["crc32"] in out


def test_run(edgewright: Cli, built: Package, sample: Path, tmp_path: Path) -> None:
    arguments = ("run", built.folder, sample, "--save", tmp_path / "outputs", "--json")
    found = document(edgewright(*arguments))
    (info,) = built.outputs
    expected = built.vectors()[0][1][info.identifier]
    values = found["outputs"][info.name]["values"]
    np.testing.assert_allclose(values, expected.ravel(), atol=1e-6)
    saved = np.load(tmp_path / "outputs" / f"{info.identifier}.npy")
    assert saved.ravel().tolist() == values
    np.testing.assert_allclose(saved, expected, atol=1e-6)


def test_verify(edgewright: Cli, built: Package, examples: Path) -> None:
    model = examples / "models" / MODEL
    found = document(edgewright("verify", built.folder, "--against", model, "--layers", "--json"))
    assert found["good"]
    assert found["targets"]
    assert found["sources"]
    assert found["layers"]


def test_verify_fails_on_other_answers(edgewright: Cli, built: Package, tmp_path: Path) -> None:
    """Vectors that the code does not give: status 1."""
    import hashlib
    import shutil

    folder = tmp_path / "changed"
    shutil.copytree(built.folder, folder)
    (info,) = built.outputs
    path = folder / "vectors" / "0" / "outputs" / f"{info.identifier}.npy"
    wrong = np.load(path)
    np.save(path, wrong + np.ones_like(wrong))
    manifest = json.loads((folder / "manifest.json").read_text())
    name = path.relative_to(folder).as_posix()
    manifest["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = document(edgewright("verify", folder, "--json"), status=1)
    assert not found["good"]


def test_verify_refuses_changed_files(edgewright: Cli, built: Package, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "damaged"
    shutil.copytree(built.folder, folder)
    (folder / "graph.txt").write_text("other")
    status, _, err = edgewright("verify", folder)
    assert status == 2
    assert "graph.txt is missing or changed" in err


def test_evaluate(edgewright: Cli, built: Package, examples: Path) -> None:
    labels = examples / "digits" / "labels.csv"
    found = document(edgewright("evaluate", built.folder, "--data", labels, "--json"))
    assert found["total"] > 10
    assert found["correct"] / found["total"] > 0.8
    assert found["worst"]["accuracy"] <= found["accuracy"]


def test_targets(edgewright: Cli) -> None:
    status, out, _ = edgewright("targets", "--json")
    assert status == 0
    assert "linux-arm64" in out
    json.loads(out)


def test_every_verb_has_help_and_json() -> None:
    import click

    context = click.Context(cli)
    names = cli.list_commands(context)
    assert {"build", "check", "demo", "evaluate", "inspect", "run", "targets", "verify"} <= set(
        names
    )
    for name in names:
        command = cli.get_command(context, name)
        assert command is not None
        assert any("--json" in parameter.opts for parameter in command.params), name
        assert command.help, name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: x.reshape(-1), "shape"),
        (lambda x: x[..., :-1], "shape"),
        (lambda x: x.astype(np.float64), "dtype float64"),
        (lambda x: x.astype(np.int32), "dtype int32"),
        (lambda x: x.astype(str), "dtype"),
    ],
)
def test_run_refuses_other_arrays(
    edgewright: Cli, built: Package, sample: Path, change: Callable[[Any], Any], words: str
) -> None:
    np.save(sample, change(np.load(sample)))
    status, out, err = edgewright("run", built.folder, sample)
    assert (status, out) == (2, "")
    assert err.startswith("error[invalid-input]")
    assert words in err


def test_run_names_missing_and_extra_inputs(edgewright: Cli, built: Package, sample: Path) -> None:
    (info,) = built.inputs
    status, _, err = edgewright("run", built.folder)
    assert status == 2
    assert f"input {info.name!r} is missing" in err
    for extra in (f"other={sample}", str(sample)):
        status, _, err = edgewright("run", built.folder, f"{info.name}={sample}", extra)
        assert status == 2
        assert "there is no input" in err
    status, _, err = edgewright("run", built.folder, f"{info.name}=nowhere.npy")
    assert status == 2
    assert "nowhere.npy" in err
    status, _, err = edgewright("run", sample.parent / "nothing", sample)
    assert status == 2
    assert "there is no such package" in err


def test_missing_compiler_is_status_3(
    edgewright: Cli, examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    model = examples / "models" / MODEL
    status, _, err = edgewright("build", model, "-o", tmp_path / "p", "--compiler", "clang")
    assert status == 3
    assert "missing-compiler" in err
    assert not (tmp_path / "p").exists()


def test_internal_errors_are_status_70(
    edgewright: Cli, examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("edgewright.pipeline.model.load_model", broken)
    status, _, err = edgewright("inspect", examples / "models" / MODEL)
    assert status == 70
    assert "ZeroDivisionError: ours" in err
    assert "Traceback" not in err
    assert "Traceback" in edgewright("inspect", examples / "models" / MODEL, "--debug")[2]
