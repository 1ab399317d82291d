"""Real models in Node.js and Chromium, in all three forms: the host's bits, small code."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import edgewright as ew
from benchmarks import nets
from edgewright import targets
from edgewright.artifact import Package
from edgewright.pipeline.verify import Report
from tests.models.catalog import Case

pytestmark = [pytest.mark.models, pytest.mark.timeout(1800)]
WEB = ("web", "web-relaxed", "web-threads")
KWS = "kws/models/dscnn_int8.tflite"
MOBILENET_V2 = "imagenet/models/mobilenet_v2_1.0_224_quant.tflite"
INTEGER = (
    KWS,
    "cifar10/models/resnet8_mlperf_int8.tflite",
    "vww/models/vww_96_int8.tflite",
    "ad/models/ad01_int8.tflite",
    "micro/micro_speech/micro_speech.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_quant.tflite",
    MOBILENET_V2,
)
FLOAT = (
    "kws/models/dscnn_float32.tflite",
    "cifar10/models/resnet8_mlperf.tflite",
    "vww/models/vww_96_float.tflite",
    "ad/models/ad01_fp32.tflite",
    "imagenet/models/mobilenet_v1_0.25_224_float.tflite",
)
KIB = 1024
#: bytes of the .wasm after gzip
MOST = {KWS: 25 * KIB, "kws/models/dscnn_float32.tflite": 25 * KIB, MOBILENET_V2: 60 * KIB}
needs_browsers = pytest.mark.skipif(
    bool({m for r in targets.get("web").runners for m in r.missing}),
    reason="needs nodejs and chromium",
)


def gzipped(package: Package, target: str) -> int:
    """Bytes that a browser loads as code."""
    info = package.manifest.targets[target]
    wasm = package.folder / "targets" / target / info.library
    return len(gzip.compress(wasm.read_bytes(), 9))


def check_sizes(package: Package, path: str) -> None:
    sizes = {target: gzipped(package, target) for target in WEB}
    print(path, package.manifest.requantization, "gzipped", sizes)
    assert max(sizes.values()) <= MOST.get(path, 60 * KIB)


def ran(report: Report) -> set[str]:
    return {f"{v.target} {v.verdict.ran_on}" for v in report.targets}


EVERYWHERE = {
    *("web node", "web chromium", "web-threads node", "web-threads chromium"),
    "web-relaxed chromium",
}


@needs_browsers
@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_the_keyword_spotter_has_the_host_s_bits(models: Path, tmp_path: Path, mode: str) -> None:
    package = ew.build(models / KWS, targets=["host", "web"], out=tmp_path / "p",
                       requantization=mode)  # fmt: skip
    built = package.manifest.targets
    assert built["web"].verdicts
    assert len({v.crc32 for info in built.values() for v in info.verdicts}) == 1
    assert gzipped(package, "web") <= MOST[KWS]


@needs_browsers
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("path", INTEGER, ids=lambda p: Case(p).id)
def test_integer_models_give_one_checksum(
    models: Path, tmp_path: Path, path: str, mode: str
) -> None:
    package = ew.build(models / path, targets=["host", *WEB], out=tmp_path / "p",
                       requantization=mode)  # fmt: skip
    report = ew.verify(package, every_runner=True)
    assert ran(report) >= EVERYWHERE
    assert len({v.verdict.crc32 for v in report.targets}) == 1
    check_sizes(package, path)


@needs_browsers
@pytest.mark.slow
@pytest.mark.parametrize("path", FLOAT, ids=lambda p: Case(p).id)
def test_float_models_are_within_tolerance(models: Path, tmp_path: Path, path: str) -> None:
    check_float(ew.build(models / path, targets=WEB, out=tmp_path / "p"), path)


@needs_browsers
@pytest.mark.slow
def test_mobilenet_v2_in_float32_is_within_tolerance(tmp_path: Path) -> None:
    model = nets.write("mobilenet_v2", tmp_path)
    check_float(ew.build(model, targets=WEB, out=tmp_path / "p"), MOBILENET_V2)


def check_float(package: Package, path: str) -> None:
    report = ew.verify(package, every_runner=True)
    assert ran(report) >= EVERYWHERE
    assert report.good
    print(path, "errors", sorted({v.verdict.max_error for v in report.targets}))
    check_sizes(package, path)
