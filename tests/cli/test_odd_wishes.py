"""Odd wishes on the command line get the right answer, or an error that says what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgewright.cli import main
from edgewright.pipeline import build, destination

SIZES: tuple[int | str, ...] = (1, 4)
X = np.array([[1, -2, 3, 4]], np.float32)


def save(
    path: Path,
    inputs: Sequence[str],
    outputs: Sequence[str],
    sizes: Sequence[int | str] = SIZES,
) -> Path:
    """A model whose first output is the sum of its inputs, the next one the sum without -0."""
    made = [o for o in outputs if o not in inputs]
    nodes = [helper.make_node("Sum", list(inputs), made[:1])]
    nodes += [helper.make_node("Relu", made[:1], [o]) for o in made[1:]]
    read, written = (
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, sizes) for n in names]
        for names in (inputs, outputs)
    )
    graph = helper.make_graph(nodes, "g", read, written)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def status(*arguments: object) -> int:
    """The exit status of a command."""
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of y = x."""
    folder = tmp_path_factory.mktemp("sound")
    build(save(folder / "sound.onnx", ["x"], ["y"]), out=folder / "package")
    return folder / "package"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """An input of the models here."""
    np.save(tmp_path / "x.npy", X)
    return tmp_path / "x.npy"


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (["int", "class", "NULL", "linux", "stdin"], ["return"]),
        (["x", "X", "arena_bytes", "layout_hash", "EW_OK"], ["out_dims"]),
        (["a/b", "a:b", "[/red]a[b]"], ["输出"]),
        (["x"], ["y", "x"]),
    ],
)
def test_any_names_build_and_verify(
    tmp_path: Path, inputs: list[str], outputs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    model = save(tmp_path / "net.onnx", inputs, outputs)
    assert status("build", model, "-o", tmp_path / "p") == 0
    assert status("verify", tmp_path / "p", "--against", model) == 0
    capsys.readouterr()
    assert status("inspect", model) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in [*inputs, *outputs])
    header = (tmp_path / "p/targets/host/model.h").read_text()
    (tmp_path / "user.cpp").write_text(header)
    if shutil.which("g++"):
        subprocess.run(
            ["g++", "-x", "c++", "-fsyntax-only", tmp_path / "user.cpp"], check=True, timeout=60
        )


def test_a_run_time_size_may_be_named_like_its_input(tmp_path: Path) -> None:
    model = save(tmp_path / "net.onnx", ["h"], ["y"], ("a", "b"))
    assert status("build", model, "--shape", "h=h:1..3,w:1..4", "-o", tmp_path / "p") == 0


@pytest.mark.parametrize("sizes", ["h=int:1..3,4", "h=state:1..3,4", "h=n:1..3,N:1..4"])
def test_sizes_that_c_cannot_spell_are_refused(
    tmp_path: Path, sizes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save(tmp_path / "net.onnx", ["h"], ["y"], ("a", "b"))
    assert status("check", model, "--shape", sizes) == 2
    assert "choose another name in --shape" in capsys.readouterr().err


def test_shapes_with_run_time_sizes_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save(tmp_path / "net.onnx", ["h"], ["y"], ("a", "b"))
    assert status("inspect", model, "--shape", "h=n:1..3,w:1..4") == 0
    assert "[n, w]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--state", "s=t", "--state", "x=t"], "output 't' is tied to two inputs"),
        (["--state", "s=t", "--state", "s=y"], "--state names 's' twice"),
        (["--shape", "x=1,4", "--shape", "x=1,5"], "--shape names 'x' twice"),
    ],
)
def test_contradicting_options_are_refused(
    tmp_path: Path, options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save(tmp_path / "net.onnx", ["x", "s"], ["y", "t"])
    assert status("check", model, *options) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("place", ["notes", "notes/file.txt", "notes/file.txt/sub", "notes.ew"])
def test_nothing_but_packages_is_replaced(tmp_path: Path, place: str) -> None:
    model = save(tmp_path / "net.onnx", ["x"], ["y"])
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/file.txt").write_text("mine")
    (tmp_path / "notes.ew").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert status("build", model, "-o", tmp_path / place) == 2
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "notes.ew").read_text() == "mine"


def test_building_into_the_folder_that_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = save(tmp_path / "net.onnx", ["x"], ["y"])
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert status("build", model, "-o", ".") == 0
    assert (tmp_path / "here/manifest.json").is_file()


def test_of_many_builds_into_one_place_one_stays_whole(tmp_path: Path) -> None:
    def make(index: int) -> None:
        with destination.workshop(tmp_path / "out") as workshop:
            (workshop / "package").mkdir()
            (workshop / "package/a").write_text(str(index))
            (workshop / "package/b").write_text(str(index))
            destination.put(workshop / "package", tmp_path / "out")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(40)))
    assert (tmp_path / "out/a").read_text() == (tmp_path / "out/b").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_interrupted_build_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    model = save(tmp_path / "net.onnx", ["x"], ["y"])
    # `edgewright.pipeline.build` is the verb; the module of that name is found here
    monkeypatch.setattr(sys.modules[build.__module__], "prove_source", interrupt)
    assert status("build", model, "-o", tmp_path / "p", "--no-cache") == 130
    assert list(tmp_path.iterdir()) == [model]


def test_an_old_package_survives_a_move_that_fails(
    tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "p"
    shutil.copytree(package, place)
    missing = tmp_path / "workshop/package"
    missing.parent.mkdir()
    with pytest.raises(FileNotFoundError):
        destination.put(missing, place)
    assert (place / "manifest.json").is_file()


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, package: Path, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "p.ew"
    model = save(tmp_path / "net.onnx", ["x"], ["y"])
    assert status("build", model, "-o", archive) == 0
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(sample / "cache"))
    assert status("run", archive, sample) == 2
    assert status("build", model, "-o", tmp_path / "q") == 2


def test_a_package_runs_where_it_was_moved_to(
    tmp_path: Path, package: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(package, tmp_path / "wo anders é")
    assert status("run", tmp_path / "wo anders é", sample) == 0
    assert "[ 1., -2.,  3.,  4.]" in capsys.readouterr().out


def cut(path: Path) -> None:
    """Halve a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """Change a byte behind the header of the weights."""
    data = bytearray(path.read_bytes())
    data[80] ^= 1
    path.write_bytes(data)


def edit(**changes: object) -> Callable[[Path], None]:
    """Change fields of the manifest."""

    def change(path: Path) -> None:
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def replace(old: str, new: str) -> Callable[[Path], None]:
    """Change a text in a file."""

    def change(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def test_an_input_is_given_once(
    package: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status("run", package, f"x={sample}", f"x={sample}") == 2
    assert "input 'x' is given twice" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        ("targets/host/weights.bin", flip, "checksum"),
        ("targets/host/weights.bin", cut, "bytes"),
        ("targets/host/libsound.so", cut, "missing or changed"),
        ("targets/host/libsound.so", Path.unlink, "missing or changed"),
        ("manifest.json", cut, "not JSON"),
        ("manifest.json", edit(schema_version=2), "schema version 2"),
        ("manifest.json", edit(entries=[]), "entries"),
        ("manifest.json", edit(targets={}), "targets"),
        ("manifest.json", replace('"function": "sound_run"', '"function": "other"'), "'other'"),
        ("manifest.json", replace('"dtype": "float32"', '"dtype": "float33"'), "float33"),
        ("manifest.json", replace("            4\n", '            "n"\n'), "shape of"),
    ],
)
def test_damaged_packages_are_not_run(
    tmp_path: Path, package: Path, sample: Path, file: str, damage: Callable[[Path], None],
    says: str, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copytree(package, tmp_path / "p")
    damage(tmp_path / "p" / file)
    assert status("run", tmp_path / "p", sample) == 2
    told = capsys.readouterr().err
    assert "error[invalid-package]" in told
    assert says in told


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("profile net.onnx --html pipe", "no regular file"),
        ("profile net.onnx --html absent/page.html", "there is no folder"),
        ("profile net.onnx --seconds nan", "no number of seconds"),
        ("bench net.onnx --seconds nan", "no number of seconds"),
        ("build net.onnx -o p --tune pipe.json/tune.json", "there is no folder"),
        ("build net.onnx -o p --tune absent/tune.json", "there is no folder"),
        ("convert net.onnx net.tflite --names pipe", "no regular file"),
        ("convert net.onnx net.tflite --names net.onnx", "the model itself"),
        ("convert net.onnx net.tflite --names net.tflite", "the converted file itself"),
        ("convert net.onnx pipe.tflite", "no regular file"),
        ("convert net.onnx net.tflite --tolerance nan", "no tolerance"),
        ("convert net.onnx net.tflite --tolerance -0.1", "no tolerance"),
        ("profile package", "a package that was built, not a model"),
        ("inspect package", "a package that was built, not a model"),
        ("bench damaged", "weights cannot be read"),
        ("bench damaged --against litert --source net.onnx", "weights cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused_and_replaces_nothing(
    tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch,
    words: str, says: str, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "net.onnx", ["x"], ["y"])
    for name in ("package", "damaged"):
        shutil.copytree(package, tmp_path / name)
    (tmp_path / "damaged/targets/host/weights.bin").unlink()
    for name in ("pipe", "pipe.tflite", "pipe.json"):  # a device would be replaced as these would
        os.mkfifo(name)
    before = sorted(tmp_path.iterdir())
    content = (tmp_path / "net.onnx").read_bytes()
    assert status(*words.split()) == 2
    told = capsys.readouterr().err
    assert told.startswith("error["), told
    assert says in told
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "net.onnx").read_bytes() == content
    assert all((tmp_path / name).is_fifo() for name in ("pipe", "pipe.tflite", "pipe.json"))


def test_another_model_is_named_before_its_shapes_are_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = save(tmp_path / "net.onnx", ["h"], ["y"], ("a", "b"))
    assert status("build", model, "--shape", "h=n:1..3,4", "-o", tmp_path / "p") == 0
    other = save(tmp_path / "other.onnx", ["x"], ["y"])
    assert status("verify", tmp_path / "p", "--against", other) == 2
    assert "not the model that the package was built from" in capsys.readouterr().err


def test_no_samples_are_not_an_accuracy(package: Path, examples: Path) -> None:
    assert status("evaluate", package, "--data", examples / "digits/labels.csv", "--limit", 0) == 2


def test_a_classifier_answers_with_its_own_labels(
    tmp_path: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = helper.make_node(
        "LinearClassifier", ["x"], ["label", "scores"], domain="ai.onnx.ml",
        classlabels_strings=["cat", "dog"], coefficients=[1.0, 0, 0, 0, 0, 0, 0, 1.0],
        intercepts=[0.0, 0.0],
    )  # fmt: skip
    read = [helper.make_tensor_value_info("x", TensorProto.FLOAT, SIZES)]
    label = helper.make_tensor_value_info("label", TensorProto.STRING, [1])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 2])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    graph = helper.make_graph([node], "g", read, [label, scores])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    build(tmp_path / "m.onnx", out=tmp_path / "p")
    assert status("run", tmp_path / "p", sample, "--json") == 0
    classes = json.loads(capsys.readouterr().out)["classes"]
    assert [c["label"] for c in classes["label"]] == ["dog"]
    assert [c["label"] for c in classes["scores"]] == ["dog", "cat"]


def test_json_is_json_whatever_the_numbers(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    np.save(tmp_path / "x.npy", np.array([[np.nan, np.inf, -np.inf, 1]], np.float32))
    assert status("run", package, tmp_path / "x.npy", "--json") == 0
    document = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert document["outputs"]["y"]["values"] == ["nan", "inf", "-inf", 1.0]


def test_python_m_starts_the_command_line() -> None:
    command = [sys.executable, "-m", "edgewright", "--version"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("edgewright, version ")
