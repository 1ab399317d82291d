"""The three targets for browsers, on one small model: bits, instructions, and what each needs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgewright as ew
from edgewright import targets, toolchain
from edgewright.artifact import Package
from edgewright.artifact.remote import RemoteModel
from edgewright.targets import Runner, web_relaxed
from edgewright.toolchain.wasm import Wasm

WEB = ("web", "web-relaxed", "web-threads")
#: opcodes: the prefix of SIMD, then f32x4.relaxed_madd, and that of shared memory
RELAXED_MADD = b"\xfd\x85\x02"


@pytest.fixture(scope="module")
def package(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    out = tmp_path_factory.mktemp("web") / "digits"
    return ew.build(examples / "models/digits_int8.onnx", ["host", *WEB], out, name="digits")


def wasm(package: Package, target: str) -> bytes:
    return (package.folder / "targets" / target / "digits.wasm").read_bytes()


@pytest.mark.parametrize("target", WEB)
def test_what_runs_here_gives_the_bits_of_the_host(package: Package, target: str) -> None:
    built = package.manifest.targets
    host = {v.crc32 for v in built["host"].verdicts}
    if not targets.available(targets.get(target)):
        pytest.skip(f"needs {', '.join(targets.available(targets.get(target)).missing)}")
    assert {v.crc32 for v in built[target].verdicts} == host
    assert all(v.max_error <= v.tolerance for v in built[target].verdicts)


@pytest.mark.parametrize("target", WEB)
def test_a_module_needs_nothing_of_its_host(package: Package, target: str) -> None:
    path = package.folder / "targets" / target / "digits.wasm"
    binary = toolchain.check_library(path, targets.get(target))
    assert isinstance(binary, Wasm)
    assert binary.undefined == frozenset()
    assert binary.imports == (("env.memory",) if target == "web-threads" else ())
    assert {"digits_run", "digits_check_weights", "__stack_pointer"} <= binary.exported


def test_only_the_relaxed_module_has_relaxed_instructions(examples: Path, tmp_path: Path) -> None:
    model = examples / "models/digits_float.onnx"
    package = ew.build(model, ["web", "web-relaxed"], tmp_path / "p", name="digits")
    assert RELAXED_MADD in wasm(package, "web-relaxed")
    assert RELAXED_MADD not in wasm(package, "web")


def test_workers_do_not_share_a_stack(package: Package) -> None:
    if not targets.available(targets.get("web-threads")):
        pytest.skip("needs nodejs")
    rng = np.random.default_rng(0)
    samples = [{"image": rng.random((1, 1, 8, 8), np.float32)} for _ in range(2000)]
    answers = {}
    for name in ("web", "web-threads"):
        model = ew.load_package(package.folder, name).model
        assert isinstance(model, RemoteModel)
        answers[name] = np.array([answer["scores"] for answer in model.run_all(samples)])
    np.testing.assert_array_equal(answers["web"], answers["web-threads"])


def test_builds_are_the_same_bytes(package: Package, examples: Path, tmp_path: Path) -> None:
    again = ew.build(examples / "models/digits_int8.onnx", WEB, tmp_path / "p", name="digits")
    files = [name for name in package.manifest.files if name.startswith("targets/web")]
    assert len(files) > 20
    assert {n: again.manifest.files[n] for n in files} == {
        n: package.manifest.files[n] for n in files
    }


def test_an_old_node_does_not_run_relaxed_simd(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "node"
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    for version, missing in (("v20.20.2", ("node 24 or newer",)), ("v24.1.0", ())):
        program.write_text(f"#!/bin/sh\necho {version}\n")
        program.chmod(0o755)
        assert web_relaxed._old_node() == missing


def test_without_a_browser_the_packages_are_named() -> None:
    absent = Runner("node", program="no-such-node", debian=("nodejs",))
    found = targets.available(replace(targets.get("web"), runners=(absent,)))
    assert not found
    assert found.install == "apt-get install nodejs"
