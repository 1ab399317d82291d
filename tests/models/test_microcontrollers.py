"""Real models on emulated microcontrollers: the host's bits, within the memory of the boards."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import edgewright as ew
from edgewright import targets
from edgewright.toolchain import read_binary
from tests.models.catalog import Case

pytestmark = [pytest.mark.models, pytest.mark.timeout(1800)]
KWS = "kws/models/dscnn_int8.tflite"
INTEGER = (
    KWS,
    "micro/micro_speech/micro_speech.tflite",
    "ad/models/ad01_int8.tflite",
    "cifar10/models/resnet8_mlperf_int8.tflite",
    "vww/models/vww_96_int8.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_quant.tflite",
)
FLOAT = (
    "kws/models/dscnn_float32.tflite",
    "ad/models/ad01_fp32.tflite",
    "cifar10/models/resnet8_mlperf.tflite",
    "vww/models/vww_96_float.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_float.tflite",
)
BOARDS = tuple(n for n, t in targets.registry().items() if t.product == "microcontroller")
WITH_FPU = tuple(n for n in BOARDS if targets.get(n).fpu)
#: RAM that the micro:bit has is too little for these
TOO_LARGE_FOR_M0 = INTEGER[2:]
needs_qemu = pytest.mark.skipif(
    not all(targets.available(targets.get(name)) for name in BOARDS),
    reason="needs qemu-system-arm and qemu-system-misc",
)


@needs_qemu
def test_the_keyword_spotter_needs_no_float32(models: Path, tmp_path: Path) -> None:
    boards = ["host", "cortex-m0", "cortex-m4", "cortex-m55", "rv32imc"]
    package = ew.build(models / KWS, targets=boards, out=tmp_path / "kws")
    built = package.manifest.targets
    assert len({v.crc32 for info in built.values() for v in info.verdicts}) == 1
    assert all(info.verdicts for info in built.values())
    for name in ("cortex-m0", "rv32imc"):
        library = package.folder / "targets" / name / built[name].library
        assert not read_binary(library).undefined & targets.get(name).soft_float
        assert not built[name].notes
    assert built["cortex-m4"].code_bytes <= 24 << 10


@needs_qemu
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fixed", "float"])
@pytest.mark.parametrize("path", INTEGER, ids=lambda p: Case(p).id)
def test_integer_models_give_one_checksum(
    models: Path, tmp_path: Path, path: str, mode: str
) -> None:
    package = ew.build(models / path, targets=["host", *BOARDS], out=tmp_path / "p",
                       requantization=mode)  # fmt: skip
    built = package.manifest.targets
    ran = {name for name, info in built.items() if info.verdicts}
    assert {"host", *BOARDS} - ran <= ({"cortex-m0"} if path in TOO_LARGE_FOR_M0 else set())
    assert len({v.crc32 for info in built.values() for v in info.verdicts}) == 1
    notes = " ".join(package.manifest.proof_notes)
    assert ("cortex-m0" in ran) != ("not run here: cortex-m0 needs" in notes)


@needs_qemu
@pytest.mark.slow
@pytest.mark.parametrize("path", FLOAT, ids=lambda p: Case(p).id)
def test_float_models_are_within_tolerance(models: Path, tmp_path: Path, path: str) -> None:
    package = ew.build(models / path, targets=list(WITH_FPU), out=tmp_path / "p")
    built = package.manifest.targets
    assert all(info.verdicts for info in built.values())
    assert all(v.max_error <= v.tolerance for info in built.values() for v in info.verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("path", [*INTEGER[:1], *INTEGER[2:5]], ids=lambda p: Case(p).id)
def test_ram_against_tflite_micro(models: Path, path: str) -> None:
    from edgewright.codegen import generate

    model = ew.load_model(models / path, requantization="fixed")
    sizes = generate(model.module, targets.get("cortex-m4"), "m").sizes
    theirs = tflite_micro_arena(models / path)
    print(f"{path}: {sizes.arena + sizes.state} bytes, tflite-micro {theirs}")
    assert sizes.arena + sizes.state <= 0.8 * theirs


def tflite_micro_arena(path: Path) -> int:
    """What its recording allocator reports, head and tail of the arena together, in bytes."""
    done = subprocess.run(
        [sys.executable, "-c", RECORD, str(path)], capture_output=True, text=True, check=True
    )
    found = re.search(r"Arena allocation total (\d+) bytes", done.stdout + done.stderr)
    assert found
    return int(found[1])


RECORD = """
import sys
from tflite_micro.python.tflite_micro import runtime
recording = runtime.InterpreterConfig.kAllocationRecording
given = dict(intrepreter_config=recording, arena_size=1 << 20)  # its own spelling
runtime.Interpreter.from_file(sys.argv[1], **given).print_allocations()
"""
