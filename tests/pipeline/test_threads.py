"""Packages for several threads: the same bytes with any number of threads and callers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import edgewright as ew
from edgewright.artifact import Package
from edgewright.artifact.native import NativeModel
from edgewright.errors import InvalidOption

THREADS = 3


def float_model(path: Path) -> Path:
    """A 3x3 convolution (Winograd), a depthwise one, a 1x1 one: all large enough to be cut."""
    random = np.random.default_rng(3)
    shapes = {"a": (32, 16, 3, 3), "b": (32, 1, 3, 3), "c": (48, 32, 1, 1)}
    constants = [
        numpy_helper.from_array(random.normal(0, 0.1, shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["p"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["p"], ["q"]),
        helper.make_node("Conv", ["q", "b"], ["r"], pads=[1, 1, 1, 1], group=32),
        helper.make_node("Conv", ["r", "c"], ["y"]),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 29, 31])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 48, 29, 31])
    graph = helper.make_graph(nodes, "g", [image], [result], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The float model, built for one thread and for several."""
    place = tmp_path_factory.mktemp("threads")
    source = float_model(place / "net.onnx")
    for threads in (1, THREADS):
        ew.build(source, out=place / f"of{threads}", threads=threads)
    return place


def threads_of(package: Package) -> int:
    assert isinstance(package.model, NativeModel)
    return package.model.threads


def outputs(package: Package, inputs: dict[str, np.ndarray]) -> list[bytes]:
    return [array.tobytes() for array in package.run(inputs).values()]


def check_same(plain: Package, path: Path) -> None:
    """One to three threads, three callers at once."""
    vectors = [inputs for inputs, _ in plain.vectors()]
    expected = [outputs(plain, inputs) for inputs in vectors]
    rounds = 5
    for threads in range(1, THREADS + 1):
        package = ew.load_package(path, threads=threads)
        assert threads_of(package) == threads
        with ThreadPoolExecutor(3) as callers:
            found = list(callers.map(outputs, [package] * len(vectors) * rounds, vectors * rounds))
        assert found == expected * rounds


def test_float_is_bit_equal(folder: Path) -> None:
    """Not merely within a tolerance."""
    built = ew.load_package(folder / f"of{THREADS}")
    assert built.manifest.targets["host"].threads == THREADS
    assert "ew_parallel(env, " in (folder / f"of{THREADS}/targets/host/model.c").read_text()
    check_same(ew.load_package(folder / "of1"), folder / f"of{THREADS}")


@pytest.mark.slow
def test_int8_is_bit_equal(models: Path, tmp_path: Path) -> None:
    """MLPerf Tiny's visual wake words."""
    source = next(iter(sorted(models.rglob("*vww*int8*.tflite"))), None)
    if source is None:
        pytest.skip("the model is absent")
    plain = ew.build(source, out=tmp_path / "of1")
    ew.build(source, out=tmp_path / "of3", threads=THREADS)
    check_same(plain, tmp_path / "of3")


def test_default_is_what_the_machine_has(folder: Path) -> None:
    """As many threads as were built for, unless there are fewer CPUs."""
    package = ew.load_package(folder / f"of{THREADS}")
    assert threads_of(package) == min(THREADS, len(os.sched_getaffinity(0)))
    assert threads_of(ew.load_package(folder / "of1", threads=8)) == 1
    with pytest.raises(InvalidOption, match="0 threads"):
        ew.load_package(folder / "of1", threads=0).run({})


def test_bound_calls_use_the_pool(folder: Path) -> None:
    """`bind` prepares the same call, and keeps the pool alive."""
    package = ew.load_package(folder / f"of{THREADS}", threads=2)
    inputs, _ = package.vectors()[0]
    expected = outputs(package, inputs)
    call = package.bind(inputs)
    del package
    assert [array.tobytes() for array in call().values()] == expected


def test_plain_builds_bring_no_threads(folder: Path) -> None:
    """The default package holds what it held."""
    plain, several = folder / "of1/targets/host", folder / f"of{THREADS}/targets/host"
    added = {p.name for p in several.iterdir()} - {p.name for p in plain.iterdir()}
    assert added == {"libnet_threads.so", "threads.c", "threads.h"}
    assert "threads" not in (plain / "main.c").read_text()
    assert "EW_CHUNKS" not in (plain / "model.c").read_text()


def test_idle_threads_sleep(folder: Path) -> None:
    """The process uses no CPU between runs."""
    package = ew.load_package(folder / f"of{THREADS}", threads=THREADS)
    package.run(package.vectors()[0][0])
    time.sleep(0.05)
    before = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - before < 0.1


def test_survives_a_fork(folder: Path) -> None:
    """A child has no threads but its own, and works alone."""
    script = (
        "import os, sys, edgewright as ew\n"
        "package = ew.load_package(sys.argv[1], threads=3)\n"
        "inputs = package.vectors()[0][0]\n"
        "expected = [a.tobytes() for a in package.run(inputs).values()]\n"
        "child = os.fork()\n"
        "same = [a.tobytes() for a in package.run(inputs).values()] == expected\n"
        "if not child: os._exit(not same)\n"
        "sys.exit(os.waitpid(child, 0)[1] or not same)\n"
    )
    path = str(folder / f"of{THREADS}")
    subprocess.run([sys.executable, "-c", script, path], check=True, timeout=60)


def test_the_program_takes_threads(folder: Path, tmp_path: Path) -> None:
    """The command in `main.c` builds it."""
    place = folder / f"of{THREADS}/targets/host"
    text = (place / "main.c").read_text()
    command = next(line for line in text.splitlines() if "-pthread" in line).split()
    program = tmp_path / "net"
    subprocess.run([*command[:-1], str(program)], cwd=place, check=True, timeout=120)
    inputs, _ = ew.load_package(folder / "of1").vectors()[0]
    stream = b"".join(array.tobytes() for array in inputs.values())
    found = [
        subprocess.run(
            [program, place / "weights.bin", "--isa", "0", "--threads", threads],
            input=stream, capture_output=True, check=True, timeout=60,
        ).stdout
        for threads in ("1", "3")
    ]  # fmt: skip
    assert found[0] == found[1]
    assert len(found[0]) > 0


def test_targets_without_threads_are_named(tmp_path: Path) -> None:
    """All of them, before anything is built."""
    source = float_model(tmp_path / "net.onnx")
    with pytest.raises(InvalidOption, match=r"cortex-m4, web:.*not made"):
        ew.build(source, ["host", "cortex-m4", "web"], tmp_path / "p", threads=2)
    with pytest.raises(InvalidOption, match="17 threads"):
        ew.build(source, out=tmp_path / "p", threads=17)
    assert not (tmp_path / "p").exists()
