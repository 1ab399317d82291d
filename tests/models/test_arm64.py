"""The int8 keyword spotter on 64-bit Arm: the same bits as on this machine."""

from pathlib import Path

import pytest

import edgewright as ew
from edgewright import targets
from edgewright.artifact.remote import RemoteModel

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]
ARM64 = targets.get("linux-arm64")


@pytest.mark.skipif(not targets.available(ARM64), reason="needs qemu-aarch64 and the arm64 libc")
@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_same_bits_as_the_host(models: Path, tmp_path: Path, mode: str) -> None:
    package = ew.build(models / "kws/models/dscnn_int8.tflite", targets=["host", ARM64.name],
                       out=tmp_path / "kws", requantization=mode)  # fmt: skip
    built = package.manifest.targets
    assert [v.level for v in built[ARM64.name].verdicts] == ["neon", "dotprod", "i8mm"]
    assert built[ARM64.name].code_bytes <= 40_000  # three levels; weights are apart
    crcs = {v.crc32 for info in built.values() for v in info.verdicts}
    assert len(crcs) == 1
    assert all(v.max_error == 0 for info in built.values() for v in info.verdicts)
    remote = RemoteModel(package.folder / "targets" / ARM64.name, package.manifest.name,
                         built[ARM64.name], package.manifest.entries[0], ARM64)  # fmt: skip
    for index, level in enumerate(ARM64.level_names):  # the code finds out what each CPU has
        remote.use_level(level)
        assert remote._execute(b"", 0, count=False, detect=True).isa == index
    report = ew.verify(package, against=models / "kws/models/dscnn_int8.tflite")
    assert report.good
    assert not report.not_run
    arm = ew.load_package(package.folder, ARM64.name)
    (info,) = arm.inputs
    sample = {info.name: package.vectors()[0][0][info.identifier]}
    name = arm.outputs[0].name
    assert arm.run(sample)[name].tobytes() == package.run(sample)[name].tobytes()
