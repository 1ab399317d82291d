"""Runners that use this machine's CPU: wine, a Java virtual machine, programs compiled here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgewright as ew
from edgewright import targets
from edgewright.artifact import Package
from edgewright.artifact.remote import RemoteModel
from edgewright.errors import InternalError, InvalidPackage, MissingCompiler
from edgewright.targets import Runner, Target

pytestmark = pytest.mark.timeout(600)
NAMES = ("windows-x86_64", "android-x86_64", "generic-c")


@pytest.fixture(scope="module")
def package(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Called "net" since the JDK has a libnet.so of its own, which must not be taken for ours."""
    out = tmp_path_factory.mktemp("runners") / "p"
    return ew.build(examples / "models/digits_int8.onnx", ["host", *NAMES], out, name="net")


@pytest.fixture(params=NAMES)
def target(request: pytest.FixtureRequest) -> Target:
    found = targets.get(request.param)
    if not targets.available(found):
        pytest.skip(f"{found.name} does not run here: {targets.available(found).advice}")
    return found


@pytest.fixture
def model(package: Package, target: Target) -> RemoteModel:
    manifest = package.manifest
    return RemoteModel(package.folder / "targets" / target.name, manifest.name,
                       manifest.targets[target.name], manifest.entries[0], target)  # fmt: skip


def test_levels_are_those_that_the_cpu_has(model: RemoteModel, target: Target) -> None:
    have = targets.cpu_features()
    wanted = [level.name for level in target.levels if have.issuperset(level.cpu_features)]
    assert model.levels_here() == wanted


def test_bytes_that_text_modes_would_change_pass_through(
    package: Package, model: RemoteModel
) -> None:
    """Line ends and the end-of-file mark of Windows are ordinary numbers here."""
    (info,) = package.manifest.entries[0].inputs
    size = int(np.prod([d if isinstance(d, int) else 1 for d in info.shape]))
    shape = tuple(d if isinstance(d, int) else 1 for d in info.shape)
    pattern = np.resize(np.array([0x0A, 0x0D, 0x1A, 0x0D], np.uint8), size * 4).view("<f4")
    sample = {info.name: pattern.reshape(shape).astype(info.dtype)}
    (name,) = (o.name for o in package.manifest.entries[0].outputs)
    found, wanted = model.run(sample)[name], package.run(sample)[name]
    assert np.allclose(found, wanted, atol=1e-6)


def test_damaged_weights_are_reported(package: Package, model: RemoteModel, tmp_path: Path) -> None:
    folder = tmp_path / "target"
    folder.mkdir()
    for path in model._folder.iterdir():
        data = path.read_bytes()
        (folder / path.name).write_bytes(data[:100] if path.name == "weights.bin" else data)
    model._folder = folder
    (info,) = package.manifest.entries[0].inputs
    vector = package.vectors()[0][0][info.identifier]
    with pytest.raises((InternalError, InvalidPackage), match="cannot read the weights"):
        model.run({info.name: vector})


def test_a_compiler_that_is_not_there_is_named(package: Package) -> None:
    generic = targets.get("generic-c")
    absent = Runner("native_program", program="no-such-cc")
    assert absent.missing == ("no-such-cc",)
    manifest = package.manifest
    model = RemoteModel(package.folder / "targets/generic-c", manifest.name,
                        manifest.targets["generic-c"], manifest.entries[0],
                        replace(generic, runners=(absent,)), absent)  # fmt: skip
    (info,) = manifest.entries[0].inputs
    with pytest.raises(MissingCompiler, match="no-such-cc was not found"):
        model.run({info.name: package.vectors()[0][0][info.identifier]})
