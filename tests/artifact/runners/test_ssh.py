"""A real SSH server on loopback: what runs on the far side gives the bits of this side."""

import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgewright as ew
from edgewright import targets
from edgewright.artifact import Package, devices
from edgewright.artifact.remote import RemoteModel
from edgewright.errors import InvalidOption, MissingRunner
from edgewright.pipeline.bench_elsewhere import time_elsewhere
from edgewright.pipeline.profile import profile_elsewhere

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
pytestmark = pytest.mark.skipif(
    not Path(SSHD).exists() or shutil.which("ssh") is None or os.geteuid() != 0,
    reason="needs root and sshd (apt-get install openssh-server)",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert server.poll() is None, "sshd ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("sshd does not listen")


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an sshd of our own, and on the path an `ssh` that has the key to it."""
    place, port = tmp_path_factory.mktemp("sshd"), free_port()
    for key in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / key], check=True
        )
    shutil.copy(place / "user.pub", place / "authorized")
    (place / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {place}/host\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {place}/authorized\nPidFile none\nPasswordAuthentication no\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    (place / "client").write_text(
        f"IdentityFile {place}/user\nIdentitiesOnly yes\nUserKnownHostsFile {place}/known\n"
        "StrictHostKeyChecking accept-new\n"
    )
    programs = place / "bin"
    programs.mkdir()
    real = shutil.which("ssh")
    (programs / "ssh").write_text(f'#!/bin/sh\nexec {real} -F {place}/client "$@"\n')
    (programs / "ssh").chmod(0o755)
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", place / "config"], stderr=subprocess.DEVNULL)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{programs}:{before}"
    try:
        wait_for(port, server)
        yield f"ssh://root@127.0.0.1:{port}"
    finally:
        os.environ["PATH"] = before
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def built(examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    model = examples / "models" / "digits_int8.onnx"
    return ew.build(model, out=tmp_path_factory.mktemp("ssh") / "digits")


def test_the_board_says_what_it_is(board: str) -> None:
    device = devices.connect(board)
    assert (device.system, device.arch) == (platform.system(), platform.machine())


def test_the_board_gives_the_bits_of_this_machine(board: str, built: Package) -> None:
    there = ew.load_package(built.folder, device=board)
    assert isinstance(there.model, RemoteModel)
    (info,) = built.inputs
    for inputs, _ in built.vectors()[:2]:
        sample = {info.name: inputs[info.identifier]}
        here, far = built.run(sample), there.run(sample)
        assert {k: v.tobytes() for k, v in here.items()} == {k: v.tobytes() for k, v in far.items()}


def test_verify_runs_each_level_that_the_board_has(board: str, built: Package) -> None:
    report = ew.verify(built, device=devices.connect(board))
    assert report.good
    assert {v.verdict.ran_on for v in report.targets} == {board}
    here = {v.level for v in built.manifest.targets["host"].verdicts}
    assert {v.verdict.level for v in report.targets} == here


def test_nothing_is_left_on_the_board(board: str, built: Package, tmp_path: Path) -> None:
    before = set(Path("/tmp").glob("tmp.*"))
    ew.verify(built, device=devices.connect(board))
    assert set(Path("/tmp").glob("tmp.*")) <= before


def test_a_board_that_does_not_answer_is_named(board: str) -> None:
    nobody = f"ssh://root@127.0.0.1:{free_port()}"
    with pytest.raises(MissingRunner, match=f"{nobody} cannot be reached") as caught:
        devices.connect(nobody)
    assert "must work without a password" in str(caught.value.help)


def test_code_for_another_cpu_is_refused(board: str, built: Package) -> None:
    device = devices.Device(devices.connect(board).runner, "Linux", "riscv64")
    with pytest.raises(InvalidOption, match="is riscv64 Linux") as caught:
        ew.verify(built, device=device)
    assert caught.value.help == "build with -t linux-riscv64"


@pytest.mark.parametrize(
    "address", ["ssh://", "ssh://-oProxyCommand=id@x", "ssh://x:99999", "pi@x"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidOption):
        devices.connect(address)


def test_a_run_is_timed_where_it_runs(board: str, built: Package) -> None:
    found = time_elsewhere(built.folder, device=devices.connect(board), seconds=0.05)
    (row,) = found.rows
    assert (row.threads, found.device) == (1, board)
    assert row.median_us > 0
    assert row.spread_us >= 0
    assert row.runs > 1


def test_a_board_is_timed_with_each_number_of_threads(
    board: str, examples: Path, tmp_path: Path
) -> None:
    model = examples / "models" / "digits_int8.onnx"
    built = ew.build(model, out=tmp_path / "digits", threads=2)
    device = devices.connect(board, "0")
    found = time_elsewhere(built.folder, device=device, threads=(1, 2), seconds=0.05)
    assert [row.threads for row in found.rows] == [1, 2]
    with pytest.raises(InvalidOption, match="was built for 2 threads, not 3"):
        time_elsewhere(built.folder, device=device, threads=(3,), seconds=0.05)


def test_a_model_is_built_for_the_board_and_profiled_on_it(board: str, examples: Path) -> None:
    model = examples / "models" / "digits_int8.onnx"
    device = devices.connect(board)
    whole = time_elsewhere(model, device=device, seconds=0.05)
    parts = profile_elsewhere(model, device=device, seconds=0.05)
    assert (whole.target, parts.runner) == (device.choose(targets.registry())[0], board)
    assert all(row.average_us >= row.best_us >= 0 for row in parts.profile.rows)
    assert any(row.best_us > 0 for row in parts.profile.rows)
