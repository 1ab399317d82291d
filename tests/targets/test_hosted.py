"""Every target with an operating system, on one small model: what is built, run, and promised."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner

import edgewright as ew
from edgewright import targets, toolchain
from edgewright.artifact import Package
from edgewright.artifact.manifest import TargetInfo
from edgewright.cli import cli
from edgewright.errors import InternalError
from edgewright.targets import Target
from edgewright.toolchain.archive import Archive
from edgewright.toolchain.elf import Elf
from edgewright.toolchain.macho import MachO
from edgewright.toolchain.pe import Pe

pytestmark = pytest.mark.timeout(900)

ELSEWHERE = ("macos-arm64", "macos-x86_64", "ios-arm64", "ios-simulator-arm64")
HOSTED = (
    *("linux-x86_64", "linux-armv7", "windows-x86_64", "generic-c"),
    *("android-arm64", "android-armv7", "android-x86_64"),
    *ELSEWHERE,
)
INTERFACE = {"digits_run", "digits_check_weights", "digits_detect_isa", "digits_scale",
             "digits_zero"}  # fmt: skip


@pytest.fixture(scope="module")
def model(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digit classifier without its softmax: int8 out."""
    held = onnx.load(examples / "models/digits_int8.onnx")
    last = held.graph.node[-3]
    del held.graph.node[-2:], held.graph.output[:]
    shape: tuple[str | int, ...] = ("N", 10)
    held.graph.output.append(
        onnx.helper.make_tensor_value_info(last.output[0], onnx.TensorProto.INT8, shape)
    )
    path = tmp_path_factory.mktemp("model") / "digits.onnx"
    onnx.save(held, path)
    return path


@pytest.fixture(scope="module")
def package(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    return ew.build(model, ["host", *HOSTED], tmp_path_factory.mktemp("hosted") / "digits")


@pytest.fixture(params=HOSTED)
def target(request: pytest.FixtureRequest) -> Target:
    return targets.get(request.param)


@pytest.fixture
def info(package: Package, target: Target) -> TargetInfo:
    return package.manifest.targets[target.name]


@pytest.fixture
def library(package: Package, target: Target, info: TargetInfo) -> Path:
    if target.product == "c_sources":
        pytest.skip("sources have no library")
    return package.folder / "targets" / target.name / info.library


def test_what_runs_here_gives_the_bits_of_the_host(
    package: Package, target: Target, info: TargetInfo
) -> None:
    host = package.manifest.targets["host"].verdicts[0]
    if not targets.available(target):
        assert info.verdicts == ()
        return
    assert {v.crc32 for v in info.verdicts} == {host.crc32}
    assert [v.level for v in info.verdicts] == list(target.level_names)[: len(info.verdicts)]
    assert all(v.exact and v.max_error == 0 for v in info.verdicts)


def test_a_library_needs_and_offers_what_its_target_states(library: Path, target: Target) -> None:
    binary = toolchain.check_library(library, target)
    levels = {f"digits_run__{level}" for level in target.level_names}
    private = levels if target.product == "static_library" else set()  # hidden once it is linked
    assert binary.exported == INTERFACE | private
    assert binary.undefined <= target.allowed_undefined
    assert binary.writable_bytes == 0
    assert binary.text_bytes > 1000


def test_a_library_has_the_format_of_its_platform(library: Path, target: Target) -> None:
    kind = {"Darwin": MachO, "iOS": Archive, "Windows": Pe}.get(target.system, Elf)
    assert isinstance(toolchain.read_binary(library), kind)


@pytest.mark.parametrize("name", ["android-arm64", "android-armv7", "android-x86_64"])
def test_android_gets_16_kb_pages_and_names_its_libc(package: Package, name: str) -> None:
    path = package.folder / "targets" / name / "libdigits.so"
    binary = toolchain.read_binary(path)
    assert isinstance(binary, Elf)
    assert binary.page_bytes == 16384
    assert (b"\0libc.so\0" in path.read_bytes()) == bool(binary.undefined)


def test_a_library_with_small_pages_is_refused(package: Package) -> None:
    android = targets.get("android-x86_64")
    plain = package.folder / "targets/linux-x86_64/libdigits.so"
    with pytest.raises(InternalError, match="multiple of 4096 bytes; android-x86_64 has"):
        toolchain.check_library(plain, android)


def test_apple_libraries_are_for_the_stated_systems(package: Package) -> None:
    data = (package.folder / "targets/macos-arm64/libdigits.dylib").read_bytes()
    assert b"@rpath/libdigits.dylib\0" in data
    build_version = (50).to_bytes(4, "little")  # LC_BUILD_VERSION: platform 1, at least 11.0
    assert build_version + (32).to_bytes(4, "little") + b"\1\0\0\0\0\0\x0b\0" in data


def test_a_dll_states_its_name(package: Package) -> None:
    data = (package.folder / "targets/windows-x86_64/digits.dll").read_bytes()
    assert b"\0digits.dll\0" in data


def test_nothing_is_called_verified_that_did_not_run(package: Package) -> None:
    report = ew.verify(package)
    assert set(ELSEWHERE) <= set(report.not_run)
    assert report.not_run["macos-arm64"] == "needs a Mac with Apple silicon"
    assert not {v.target for v in report.targets} & set(ELSEWHERE)


def test_build_says_what_a_target_that_did_not_run_takes(model: Path, tmp_path: Path) -> None:
    words = ["build", str(model), "-o", str(tmp_path / "p"), "-t", "macos-arm64"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0
    assert "macos-arm64: not run here, so not verified (needs a Mac with Apple" in done.output


def test_every_compiler_of_generic_c_agrees(package: Package) -> None:
    generic = targets.get("generic-c")
    assert [runner.name for runner in generic.runners] == ["gcc", "clang-19"]
    if any(runner.missing for runner in generic.runners):
        pytest.skip("needs gcc and clang-19")
    report = ew.verify(package, every_runner=True)
    ran = {v.verdict.ran_on: v.verdict.crc32 for v in report.targets if v.target == "generic-c"}
    assert set(ran) == {"gcc", "clang-19"}
    assert len(set(ran.values())) == 1


def test_generic_c_uses_no_vector_instructions_of_its_own(package: Package) -> None:
    text = (package.folder / "targets/generic-c/model.c").read_text()
    assert "#define EW_SIMD_SCALAR 1" in text
