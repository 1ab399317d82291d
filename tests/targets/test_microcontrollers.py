"""The digits net on microcontrollers: built, run on emulated boards, counted, built by CMake."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import edgewright as ew
from edgewright import targets
from edgewright.artifact import Package
from edgewright.artifact.remote import RemoteModel
from edgewright.errors import InternalError, MissingRunner
from edgewright.pipeline.instructions import count_instructions
from edgewright.toolchain import read_binary

BOARDS = ("cortex-m0", "cortex-m4", "cortex-m55", "rv32imc")
RUN = tuple(name for name in BOARDS if targets.available(targets.get(name)))
pytestmark = pytest.mark.timeout(600)
needs_m4 = pytest.mark.skipif("cortex-m4" not in RUN, reason="needs qemu-system-arm")


@pytest.fixture(scope="module")
def package(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The int8 digits net for the host and every board; the mode is chosen for the M0."""
    out = tmp_path_factory.mktemp("boards") / "digits"
    return ew.build(examples / "models/digits_int8.onnx", targets=["host", *BOARDS], out=out)


def test_all_boards_give_the_bits_of_the_host(package: Package) -> None:
    if not RUN:
        pytest.skip("needs qemu-system-arm and qemu-system-misc")
    built = package.manifest.targets
    ran = {name: info.verdicts for name, info in built.items() if info.verdicts}
    assert set(ran) == {"host", *RUN}
    assert len({v.crc32 for verdicts in ran.values() for v in verdicts}) == 1


def test_the_mode_is_fixed_where_a_board_has_no_fpu(package: Package) -> None:
    assert package.manifest.requantization == "fixed"
    assert any("cortex-m0, rv32imc has no FPU" in note for note in package.manifest.notes)


def test_float_mode_without_an_fpu_says_what_it_links(examples: Path, tmp_path: Path) -> None:
    model = examples / "models/digits_int8.onnx"
    package = ew.build(model, targets=["cortex-m3"], out=tmp_path / "p", requantization="float")
    (note,) = package.manifest.targets["cortex-m3"].notes
    assert note.startswith("float32 arithmetic is done in software")
    assert "__aeabi_fmul" in note


def test_sizes_are_those_of_the_files(package: Package) -> None:
    for name in BOARDS:
        info, folder = package.manifest.targets[name], package.folder / "targets" / name
        binary = read_binary(folder / info.library)
        code = binary.text_bytes + binary.rodata_bytes
        assert info.flash_bytes == code + (folder / "weights.bin").stat().st_size
        assert info.ram_bytes == info.memory.arena_bytes + info.memory.state_bytes
        assert f"_FLASH_BYTES {info.flash_bytes}\n" in (folder / "board.h").read_text()


def test_the_weights_array_is_the_weights_file(package: Package) -> None:
    folder = package.folder / "targets/cortex-m4"
    words = re.findall(r"0x([0-9a-f]{8}),", (folder / "weights.c").read_text())
    assert (
        np.array([int(w, 16) for w in words], "<u4").tobytes()
        == (folder / "weights.bin").read_bytes()
    )


@pytest.mark.parametrize("name", ["cortex-m4", "rv32imc"])
@pytest.mark.parametrize("source", ["OFF", "ON"])
def test_cmake_builds_it_without_a_warning(
    package: Package, tmp_path: Path, name: str, source: str
) -> None:
    compiler = targets.get(name).cross_cc
    if shutil.which("cmake") is None or shutil.which(compiler) is None:
        pytest.skip(f"needs cmake and {compiler}")
    folder, info = package.folder / "targets" / name, package.manifest.targets[name]
    option = f"-D{package.manifest.name.upper()}_FROM_SOURCE={source}"
    configure: list[str | Path] = [
        "cmake",
        "-S",
        folder,
        "-B",
        tmp_path,
        "-DCMAKE_TOOLCHAIN_FILE=toolchain.cmake",
    ]
    subprocess.run([*configure, option], check=True, capture_output=True)
    done = subprocess.run(
        ["cmake", "--build", tmp_path], check=True, capture_output=True, text=True
    )
    assert "warning" not in done.stdout + done.stderr
    elf = read_binary(tmp_path / f"{package.manifest.name}.elf")
    assert info.flash_bytes is not None
    if source == "OFF":
        assert 0 <= elf.text_bytes + elf.rodata_bytes - info.flash_bytes < 8192


@needs_m4
def test_counts_are_exact_and_linear(package: Package) -> None:
    once, again, twice = (_count(package, n) for n in (1, 1, 2))
    assert once == again
    assert once > 10_000
    assert twice == 2 * once


def _count(package: Package, runs: int) -> int:
    model = ew.load_package(package.folder, "cortex-m4").model
    assert isinstance(model, RemoteModel)
    sample = package.vectors()[0][0]
    model.run_all([sample] * runs, count=True)
    assert model.instructions is not None
    return model.instructions


@needs_m4
def test_operators_add_up_to_the_whole(examples: Path) -> None:
    counts = count_instructions(examples / "models/digits_int8.onnx", "cortex-m4")
    assert all(node.instructions > 0 for node in counts.nodes)
    outside = counts.total - sum(node.instructions for node in counts.nodes)
    assert 0 < outside < 200
    heaviest = max(counts.nodes, key=lambda node: node.instructions)
    assert heaviest.op == "conv"
    assert heaviest.macs_per_instruction > 0.1


@needs_m4
def test_a_model_too_large_for_its_board_is_built_and_not_run(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ew.load_package(package.folder, "cortex-m4").model
    assert isinstance(model, RemoteModel)
    memory = model.info.memory.model_copy(update={"arena_bytes": 5 << 20})
    model.info = model.info.model_copy(update={"memory": memory})
    with pytest.raises(
        MissingRunner, match=r"needs 52\d+ bytes of RAM, the mps2-an386 has 4194304"
    ):
        model.run(package.vectors()[0][0])


@needs_m4
def test_weights_of_another_model_are_refused_on_the_board(
    package: Package, tmp_path: Path
) -> None:
    copy = tmp_path / "p"
    shutil.copytree(package.folder, copy)
    model = ew.load_package(copy, "cortex-m4").model
    weights = copy / "targets/cortex-m4/weights.bin"
    data = bytearray(weights.read_bytes())
    data[8] ^= 1  # the layout hash
    weights.write_bytes(data)
    with pytest.raises(InternalError, match="weights: error 04"):
        model.run(package.vectors()[0][0])
