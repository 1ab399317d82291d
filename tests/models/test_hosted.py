"""Real models on every target with an operating system: one CRC, or within tolerance."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgewright as ew
from edgewright import targets
from edgewright.codegen.names import identifier
from tests.models.catalog import Case, find
from tests.models.conftest import source

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(1800)]

HOSTED = (
    *("host", "linux-x86_64", "linux-armv7", "linux-arm64", "linux-riscv64", "windows-x86_64"),
    *("android-arm64", "android-armv7", "android-x86_64", "generic-c"),
    *("macos-arm64", "macos-x86_64", "ios-arm64", "ios-simulator-arm64"),
)
MODELS = (
    *("kws/models/dscnn_int8.tflite", "kws/models/dscnn_float32.tflite"),
    *("cifar10/models/resnet8_mlperf_int8.tflite", "cifar10/models/resnet8_mlperf.tflite"),
    *("vww/models/vww_96_int8.tflite", "vww/models/vww_96_float.tflite"),
    *("ad/models/ad01_int8.tflite", "ad/models/ad01_fp32.tflite"),
    "micro/micro_speech/micro_speech_quantized_tflm.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_quant.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_float.tflite",
)


@pytest.mark.parametrize(
    ("case", "mode"),
    [pytest.param(find(path), mode, id=f"{identifier(Path(path).stem)}-{mode}")
     for path in MODELS for mode in find(path).modes],
)  # fmt: skip
def test_hosted_targets_agree(models: Path, tmp_path: Path, case: Case, mode: str) -> None:
    package = ew.build(source(models, case), HOSTED, tmp_path / "p", requantization=mode)
    built = package.manifest.targets
    for name, info in built.items():
        assert bool(info.verdicts) == bool(targets.available(targets.get(name))), name
        assert all(v.max_error <= v.tolerance for v in info.verdicts), name
    if case.quantised:
        assert len({v.crc32 for info in built.values() for v in info.verdicts}) == 1
