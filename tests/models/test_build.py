"""Every real model: built, proven, and within the promises of DESIGN.md section 2."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import edgewright as ew
from edgewright import targets
from edgewright.artifact import Package
from edgewright.cli import cli
from edgewright.toolchain import read_binary
from tests.models.catalog import Case, each_model

pytestmark = [pytest.mark.models, pytest.mark.timeout(1800)]
#: what values of a few bytes lose to alignment
TINY_BYTES = 128
#: operators whose results are a runtime's own to the last bit, in each mode
SUMS = ("conv", "depthwise_conv", "fully_connected")
HOST = targets.get("host")


@each_model()
def test_code_equals_reference_at_every_level(package: Package) -> None:
    verdicts = package.manifest.targets["host"].verdicts
    assert [v.level for v in verdicts] == [level.name for level in targets.levels_here(HOST)]
    for verdict in verdicts:
        assert verdict.max_error <= (0.0 if verdict.exact else 1e-4)
    if all(v.exact for v in verdicts):
        assert len({v.crc32 for v in verdicts}) == 1


@each_model()
def test_model_equals_its_source_end_to_end(package: Package, case: Case, mode: str) -> None:
    (oracle,) = package.manifest.oracles
    if case.quantised and mode == "fixed" and case.has_oracle_of(mode):
        assert oracle.exact is not case.ends_in_float
        assert oracle.max_error <= (1e-7 if case.ends_in_float else 0.0)
    elif not case.quantised:
        assert oracle.max_error <= 1e-4


@each_model()
def test_verify_passes_on_other_samples_and_by_operator(
    package: Package, case: Case, mode: str, models: Path
) -> None:
    report = ew.verify(package, against=models / case.path, layers=True)
    departing = [layer for layer in report.layers if not layer.good]
    assert report.good, departing[:3] or report.sources
    assert report.layers
    if case.quantised and case.has_oracle_of(mode):
        sums = [layer for layer in report.layers if layer.op in SUMS]
        compared = [layer for layer in sums if layer.source_error is not None]
        assert [layer for layer in compared if layer.source_error != 0.0] == []
        assert compared or not sums


@each_model()
def test_memory_is_near_its_lower_bound(package: Package) -> None:
    memory = package.manifest.targets["host"].memory
    assert memory.arena_bytes <= 1.05 * memory.arena_lower_bound + TINY_BYTES


@each_model(lambda case: case.cnn)
def test_inspect_tells_all_and_no_transpose_is_inside(
    case: Case, mode: str, package: Package, models: Path
) -> None:
    states = [f"--state={k}={v}" for k, v in case.states.items()]
    arguments = ["inspect", str(models / case.path), "--json", f"--requantization={mode}", *states]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["transposes"]["inside"] == 0
    assert set(found["transposes"]) == {"source", "inside", "interface", "bytes"}
    assert found["memory"]["arena_bytes"] >= found["memory"]["lower_bound"] > 0
    assert found["parameters"] == package.manifest.parameters > 0
    assert found["macs"] == package.manifest.macs > 0


@each_model()
def test_library_needs_nothing_and_writes_nowhere(package: Package) -> None:
    elf = read_binary(
        package.folder / "targets" / "host" / package.manifest.targets["host"].library
    )
    assert elf.undefined <= HOST.allowed_undefined == {"memcpy", "memset"}
    assert elf.writable_bytes == 0
