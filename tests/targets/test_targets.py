"""What a target states, how targets are found, and what is said when one cannot run."""

import platform
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from edgewright import targets
from edgewright.errors import InternalError, InvalidOption, MissingRunner
from edgewright.targets import Runner, Target

FOLDER = Path(targets.__file__).parent


@pytest.fixture(params=sorted(targets.registry()))
def target(request: pytest.FixtureRequest) -> Target:
    return targets.get(request.param)


def test_every_file_of_the_folder_is_a_target_of_its_name() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}
    assert files == {name.replace("-", "_") for name in targets.registry()}


def test_a_package_of_the_user_adds_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("my-board", "edgewright.targets.linux_arm64:TARGET", "edgewright.targets")
    monkeypatch.setattr(targets, "entry_points", lambda group: [entry])
    targets.registry.cache_clear()
    try:
        with pytest.raises(InternalError, match="two targets are called 'linux-arm64'"):
            targets.registry()
    finally:
        targets.registry.cache_clear()


def test_an_unknown_target_names_the_known_ones() -> None:
    with pytest.raises(InvalidOption, match="no target 'toaster'") as caught:
        targets.get("toaster")
    assert caught.value.help == f"one of: {', '.join(targets.registry())}"


def test_levels_are_found_by_name(target: Target) -> None:
    assert [target.level(level.name) for level in target.levels] == list(target.levels)
    with pytest.raises(InvalidOption, match="no level 'mmx'"):
        target.level("mmx")


def test_levels_only_add_features(target: Target) -> None:
    for lower, higher in zip(target.levels[1:], target.levels[2:], strict=False):
        assert lower.cpu != higher.cpu
    assert target.baseline is target.levels[0]


def test_levels_must_be_named_apart(target: Target) -> None:
    with pytest.raises(InternalError, match="named apart"):
        replace(target, levels=(target.baseline, target.baseline))
    with pytest.raises(InternalError, match="not a C identifier"):
        replace(target, levels=(replace(target.baseline, name="avx-2"),))


@pytest.mark.skipif(platform.system() != "Linux", reason="host is a Linux target")
def test_the_host_runs_here_at_its_baseline() -> None:
    host = targets.get("host")
    assert targets.available(host)
    assert targets.require_runner(host).native
    assert targets.levels_here(host)[0] == host.baseline


def test_levels_here_follow_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    host = targets.host.X86_64  # type: ignore[attr-defined]
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    haswell = frozenset({"avx2", "fma", "f16c", "movbe", "bmi1", "bmi2"})
    monkeypatch.setattr(targets, "cpu_features", lambda: haswell)
    assert [level.name for level in targets.levels_here(host)] == ["scalar", "avx2"]


def test_a_missing_emulator_names_the_packages() -> None:
    absent = Runner(
        "qemu_user", "qemu-nowhere", folders=("/no/such/root",), debian=("qemu-user", "libc6-x")
    )
    target = replace(targets.get("linux-arm64"), arch="pdp11", runners=(absent,))
    assert not targets.available(target)
    assert targets.levels_here(target) == ()
    with pytest.raises(MissingRunner) as caught:
        targets.require_runner(target)
    assert caught.value.render() == (
        "error[missing-runner]: cannot run code for linux-arm64: "
        "qemu-nowhere, /no/such/root not found\n"
        "  = help: apt-get install qemu-user libc6-x"
    )
