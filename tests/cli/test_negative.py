"""Files that must be refused: exit status 2, one clear error, and nothing left behind."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from edgewright.cli import main
from tests.cli import mutants

KWS = "kws/models/dscnn_int8.tflite"


class Refusal:
    """What one command did."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Refusal]:
    """Run a command that must end with status 2 and leave its folder as it was."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(place))

    def run(*arguments: object) -> Refusal:
        with pytest.raises(SystemExit) as end:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        assert end.value.code == 2, err
        assert err.startswith("error["), err
        assert "Traceback" not in err
        assert list(place.iterdir()) == []
        return Refusal(2, out, err)

    return run


def verbs(refuse: Callable[..., Refusal], path: Path) -> str:
    """The message of `check`, which `build` must give as well."""
    checked = refuse("check", path).err
    assert refuse("build", path, "-o", "out").err == checked
    assert refuse("build", path, "-o", "out.ew").err == checked
    return checked


def save(path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], **more: Any) -> Path:
    graph = helper.make_graph(nodes, "g", inputs, outputs, **more)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("my.ops", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)
    return path


def info(name: str, *shape: int) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


@pytest.mark.parametrize(
    ("file", "names"),
    [
        ("custom_op_fake_double.tflite", ["fake-op-double"]),
        ("git_lfs_pointer.tflite", ["LFS"]),
        ("onnx_opset_missing_super_resolution.onnx", ["opset"]),
        ("qonnx_tfc_1w2a.onnx", ["brevitas.BipolarQuant"]),
        ("select_tf_ops.tflite", ["Flex"]),
        ("signal_custom_ops.tflite", ["Signal"]),
    ],
)
def test_real_files(refuse: Callable[..., Refusal], models: Path, file: str,
                    names: list[str]) -> None:  # fmt: skip
    message = verbs(refuse, models / "negative" / file)
    assert file in message
    assert "help:" in message
    assert any(name in message for name in names), message


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated(
    refuse: Callable[..., Refusal], models: Path, tmp_path: Path, share: float
) -> None:
    data = (models / KWS).read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(data[: int(len(data) * share)])
    assert "cut.tflite" in verbs(refuse, path)


def test_folder_and_missing_file(refuse: Callable[..., Refusal], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert "folder" in verbs(refuse, folder)
    assert "nowhere.tflite" in verbs(refuse, tmp_path / "nowhere.tflite")


def test_tables_that_share_offsets(refuse: Callable[..., Refusal], tmp_path: Path) -> None:
    """A vector of 50,000 subgraphs, all of them the same table."""
    count = 50_000
    model_vtable = struct.pack("<HHHHHH", 12, 8, 0, 0, 4, 0)
    head = struct.pack("<I4s", 8 + len(model_vtable), b"TFL3") + model_vtable
    vector_at = len(head) + 8
    table = struct.pack("<iI", len(model_vtable), vector_at - len(head) - 4)
    end = vector_at + 4 + 4 * count  # the shared table and its vtable
    offsets = b"".join(struct.pack("<I", end + 4 - (vector_at + 4 + 4 * i)) for i in range(count))
    shared = struct.pack("<HHi", 4, 4, 4)
    path = tmp_path / "shared.tflite"
    path.write_bytes(head + table + struct.pack("<I", count) + offsets + shared)
    assert "lead to the same place" in verbs(refuse, path)


def test_unknown_custom_operator(refuse: Callable[..., Refusal], tmp_path: Path) -> None:
    node = helper.make_node("Frobnicate", ["x"], ["y"], name="middle", domain="my.ops")
    path = save(tmp_path / "custom.onnx", [node], [info("x", 1, 4)], [info("y", 1, 4)])
    message = verbs(refuse, path)
    assert "Frobnicate" in message
    assert "middle" in message
    assert "custom.onnx" in message


def test_all_unsupported_operators_are_named(
    refuse: Callable[..., Refusal], tmp_path: Path
) -> None:
    names = ["x", "a", "b", "c"]
    nodes = [
        helper.make_node(f"Strange{i}", [names[i]], [names[i + 1]], name=f"n{i}", domain="my.ops")
        for i in range(3)
    ]
    path = save(tmp_path / "three.onnx", nodes, [info("x", 1, 4)], [info("c", 1, 4)])
    message = verbs(refuse, path)
    for index in range(3):
        assert f"Strange{index}" in message
        assert f"n{index}" in message


def test_constants_that_fold_to_gigabytes(refuse: Callable[..., Refusal], tmp_path: Path) -> None:
    shape = helper.make_tensor("shape", TensorProto.INT64, [3], [2048, 2048, 512])
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["big"], name="huge"),
        helper.make_node("Add", ["big", "x"], ["y"]),
    ]
    path = save(tmp_path / "bomb.onnx", nodes, [info("x", 1)], [info("y", 2048, 2048, 512)],
                initializer=[shape])  # fmt: skip
    assert path.stat().st_size < 400
    assert "bomb.onnx" in verbs(refuse, path)


def test_json_holds_the_error(refuse: Callable[..., Refusal], tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.touch()
    found = json.loads(refuse("check", path, "--json").out)["error"]
    assert found["code"] == "invalid-model"
    assert "empty.onnx" in found["where"] + found["what"]


def test_a_bad_option_names_the_command(refuse: Callable[..., Refusal]) -> None:
    assert "edgewright build --help" in refuse("build", "x.tflite", "--frobnicate").err
    assert "there is no target 'toaster'" in refuse("build", "x.tflite", "-t", "toaster").err


def test_what_is_no_package_is_not_replaced(
    refuse: Callable[..., Refusal], models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "precious"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    message = refuse("build", models / KWS, "-o", folder).err
    assert "is not a package" in message
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_interrupt_leaves_nothing(models: Path, tmp_path: Path) -> None:
    """Ctrl-C during a build: status 130 and no half-written folder."""
    script = (
        "import signal, sys, os\n"
        "from edgewright import cli\n"
        "from edgewright.pipeline import build as _\n"
        "module = sys.modules['edgewright.pipeline.build']\n"
        "module._prove = lambda run: os.kill(os.getpid(), signal.SIGINT)\n"
        f"cli.main(['build', {str(models / 'micro/hello_world_int8.tflite')!r}, '-o', 'out'])\n"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_hostile_archive(refuse: Callable[..., Refusal], tmp_path: Path) -> None:
    path = tmp_path / "evil.ew"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("../escaped.txt", "gotcha")
    refuse("run", path, "x=1.npy")
    assert not (tmp_path.parent / "escaped.txt").exists()
    assert not (tmp_path / "escaped.txt").exists()


def test_mutated_models(models: Path, tmp_path: Path) -> None:
    """Seeded damage to real files: a model or an error of status 2, never anything else."""
    outcomes = mutants.survive(models, tmp_path, count=200, seed=1)
    assert outcomes.broken == []
    assert outcomes.refused > 50
    assert outcomes.built > 10


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_many_mutated_models(models: Path, tmp_path: Path) -> None:
    assert mutants.survive(models, tmp_path, count=5000, seed=2).broken == []
