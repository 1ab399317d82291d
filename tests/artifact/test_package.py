"""Packages: folder and archive agree, hostile archives are refused, calls are thread-safe."""

from __future__ import annotations

import json
import shutil
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import edgewright as ew
from edgewright.artifact import Package
from edgewright.artifact import package as packages
from edgewright.artifact.native import LEVEL_VARIABLE, NativeModel
from edgewright.errors import InvalidInput, InvalidOption, InvalidPackage, Problems

Array = npt.NDArray[Any]


@pytest.fixture(scope="module")
def built(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A package of the demo's int8 model."""
    model = examples / "models" / "digits_int8.onnx"
    return ew.build(model, out=tmp_path_factory.mktemp("artifact") / "digits")


def samples(package: Package) -> list[dict[str, Array]]:
    (info,) = package.inputs
    return [{info.name: inputs[info.identifier]} for inputs, _ in package.vectors()]


def contents(folder: Path) -> dict[str, bytes]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def test_archive_holds_what_the_folder_does(built: Package, examples: Path, tmp_path: Path) -> None:
    model = examples / "models" / "digits_int8.onnx"
    zipped = ew.build(model, out=tmp_path / "digits.ew")
    assert contents(zipped.folder) == contents(built.folder)
    again = tmp_path / "again.ew"
    packages.write_archive(built.folder, again)
    assert again.read_bytes() == (tmp_path / "digits.ew").read_bytes()
    x = samples(built)[0]
    assert [y.tobytes() for y in zipped.run(x).values()] == [
        y.tobytes() for y in built.run(x).values()
    ]


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped-edgewright", "a/../../escaped"])
def test_paths_that_lead_outside_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.ew"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("manifest.json", "{}")
        file.writestr(name, "gotcha")
    with pytest.raises(InvalidPackage, match="leads outside"):
        ew.load_package(path)
    assert not list(tmp_path.rglob("escaped*"))
    assert not Path("/tmp/escaped-edgewright").exists()


def test_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_UNPACKED_BYTES", 1000)
    path = tmp_path / "bomb.ew"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("manifest.json", bytes(2000))
    with pytest.raises(InvalidPackage, match="unpacks to 2000 bytes"):
        ew.load_package(path)


@pytest.mark.parametrize("damage", ["cut", "flip", "text", "empty"])
def test_damaged_archives_are_refused(built: Package, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "damaged.ew"
    packages.write_archive(built.folder, path)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[200:260] = bytes(60)
    changed: dict[str, bytes | bytearray] = {
        "cut": data[:-50],
        "flip": data,
        "text": b"not a zip",
        "empty": b"",
    }
    path.write_bytes(changed[damage])
    with pytest.raises(InvalidPackage):
        ew.load_package(path).run(samples(built)[0])


@pytest.mark.parametrize("part", ["manifest.json", "targets/host/weights.bin"])
def test_missing_and_short_files_are_named(built: Package, tmp_path: Path, part: str) -> None:
    folder = tmp_path / "p"
    shutil.copytree(built.folder, folder)
    (folder / part).write_bytes((folder / part).read_bytes()[:100])
    with pytest.raises(InvalidPackage, match=r"manifest|weights"):
        ew.load_package(folder).run(samples(built)[0])
    (folder / part).unlink()
    with pytest.raises(InvalidPackage):
        ew.load_package(folder).run(samples(built)[0])


@pytest.mark.parametrize("checksum", ["crc32", "sha256"])
def test_another_library_is_not_loaded(built: Package, tmp_path: Path, checksum: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built.folder, folder)
    if checksum == "sha256":  # as in packages of before
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text())
        assert len(manifest["targets"]["host"].pop("library_crc32")) == 8
        path.write_text(json.dumps(manifest))
    assert ew.load_package(folder).run(samples(built)[0])
    (library,) = (folder / "targets" / "host").glob("*.so")
    content = bytearray(library.read_bytes())
    content[len(content) // 2] ^= 1
    library.unlink()  # the old one is loaded
    library.write_bytes(content)
    with pytest.raises(InvalidPackage, match="changed"):
        ew.load_package(folder).run(samples(built)[0])


def test_a_package_runs_whose_verdict_is_damaged(built: Package, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built.folder, folder)
    (folder / "verdict.json").write_text("{")
    package = ew.load_package(folder)
    assert package.run(samples(built)[0])
    with pytest.raises(InvalidPackage, match="not JSON"):
        _ = package.manifest


def test_eight_threads_get_their_own_answers(built: Package) -> None:
    (info,) = built.inputs
    random = np.random.default_rng(0)
    shape = [int(d) for d in info.shape]
    inputs = [random.random(shape, np.float32).astype(info.dtype) for _ in range(8)]
    expected = [next(iter(built.run({info.name: x}).values())).tobytes() for x in inputs]
    assert len(set(expected)) == 8
    wrong: list[int] = []

    def work(index: int) -> None:
        for _ in range(300):
            y = next(iter(built.run({info.name: inputs[index]}).values()))
            if y.tobytes() != expected[index]:
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_run_takes_arrays_and_keys_of_every_kind(built: Package) -> None:
    (info,), (x, *_) = built.inputs, samples(built)
    array = x[info.name]
    (expected,) = (y.tobytes() for y in built.run(x).values())
    loose = np.repeat(array, 2, axis=-1)[..., ::2]
    frozen = array.copy()
    frozen.flags.writeable = False
    fortran = np.asfortranarray(array)
    for given in ({info.name: a} for a in (array, loose, frozen, fortran, array)):
        assert [y.tobytes() for y in built.run(given).values()] == [expected]
    assert [y.tobytes() for y in built.run({info.identifier: array}).values()] == [expected]


def test_a_run_refuses_other_dtypes_and_shapes_again_and_again(built: Package) -> None:
    (info,), (x, *_) = built.inputs, samples(built)
    array = x[info.name]
    for _ in range(2):
        built.run(x)
        with pytest.raises(InvalidInput, match="has dtype float64"):
            built.run({info.name: array.astype(np.float64)})
        with pytest.raises(InvalidInput, match="has shape"):
            built.run({info.name: array[None]})
        with pytest.raises(InvalidInput, match="missing"):
            built.run({})


def test_bind_reads_and_writes_in_place(built: Package) -> None:
    first, second = samples(built)[:2]
    (name,) = first
    buffer = first[name].copy()
    call = built.bind({name: buffer})
    output = next(iter(call().values()))
    address = output.ctypes.data
    assert output.tobytes() == next(iter(built.run(first).values())).tobytes()
    buffer[...] = second[name]
    again = next(iter(call().values()))
    assert again.ctypes.data == address
    assert output.tobytes() == next(iter(built.run(second).values())).tobytes()


def test_bind_refuses_what_it_would_have_to_copy(built: Package) -> None:
    (name, x), = samples(built)[0].items()  # fmt: skip
    with pytest.raises(InvalidInput, match="without a copy"):
        built.bind({name: x.tolist()} if x.dtype == np.float64 else {name: x[..., ::-1]})


def test_the_variable_forces_a_level(built: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    model = built.entry_point("main")
    assert isinstance(model, NativeModel)
    answers = {}
    for level in model.levels_here():
        monkeypatch.setenv(LEVEL_VARIABLE, level)
        forced = built.entry_point("main")
        assert forced.level == level
        answers[level] = next(iter(forced.run(samples(built)[0]).values()))
    for y in answers.values():
        np.testing.assert_allclose(y, answers["scalar"], atol=1e-6)
    monkeypatch.setenv(LEVEL_VARIABLE, "sse9")
    with pytest.raises(InvalidOption, match="EDGEWRIGHT_ISA=sse9"):
        built.entry_point("main")


def test_wrong_inputs_are_all_named(built: Package) -> None:
    (info,) = built.inputs
    x = samples(built)[0][info.name]
    with pytest.raises(InvalidInput, match="shape"):
        built.run({info.name: x[0]})
    with pytest.raises(InvalidInput, match="dtype float64"):
        built.run({info.name: x.astype(np.float64)})
    with pytest.raises(Problems) as caught:
        built.run({"wrong": x})
    assert len(caught.value.errors) == 2
    with pytest.raises(InvalidInput, match="must be a dict"):
        built.run(x)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption, match="no target 'toaster'"):
        ew.load_package(built.folder, "toaster")
    with pytest.raises(InvalidOption, match="no entry point"):
        built.entry_point("other")
