"""Generated C under AddressSanitizer and UndefinedBehaviorSanitizer, on the package's vectors."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgewright import targets, toolchain
from edgewright.artifact import Package
from edgewright.artifact.tensors import Shapes, check_inputs
from tests.models.catalog import each_model

pytestmark = [pytest.mark.models, pytest.mark.timeout(1800)]
HOST = targets.get("host")
FLAGS = ("-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
#: gcc takes up to a minute for one of the others
QUICK = ("kws/models/dscnn_int8.tflite", "cifar10/models/resnet8_mlperf.onnx")
LEVELS = [
    pytest.param(level, id=level.name, marks=[pytest.mark.slow] * (level is HOST.levels[0]))
    for level in (HOST.levels[0], *targets.levels_here(HOST)[-1:])
]


def program(package: Package, level: targets.Level) -> Path:
    """`main.c` and the whole model at one level, instrumented."""
    folder = package.folder / "targets" / "host"
    sources = {n: (folder / n).read_text() for n in ("model.c", "model.h", "main.c")}
    compiler = toolchain.find_compiler(HOST, "gcc")
    return toolchain.link_program(
        sources, HOST, extra_flags=(*FLAGS, *level.flags), compiler=compiler
    )


def stream(package: Package, inputs: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """One sample as `main.c` reads it."""
    entry = package.manifest.entries[0]
    arrays, dims = check_inputs(entry, inputs, Shapes(entry))
    head = np.array([dims[d.name] for d in entry.dims], np.int32).tobytes()
    return head + b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)


def check(package: Package, level: targets.Level) -> None:
    """Run every vector in one process; compare what it prints with what the reference gave."""
    vectors = package.vectors()
    arguments = [str(program(package, level)), str(package.folder / "targets/host/weights.bin")]
    done = subprocess.run(
        arguments,
        input=b"".join(stream(package, inputs) or b"\0" for inputs, _ in vectors),
        capture_output=True,
        check=False,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},  # main.c ends with its memory
    )
    assert done.returncode == 0, done.stderr.decode()[:3000]
    entry = package.manifest.entries[0]
    position = 0
    for _, outputs in vectors:
        for info in entry.outputs:
            expected = outputs[info.identifier]
            size = expected.nbytes
            found = np.frombuffer(done.stdout[position : position + size], expected.dtype)
            position += size
            assert_near(found.reshape(expected.shape), expected)
    assert position == len(done.stdout)


def assert_near(found: npt.NDArray[Any], expected: npt.NDArray[Any]) -> None:
    """Equal for integers; floats within the tolerance of whole models."""
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    span = max(float(np.ptp(expected)), 0.1 * float(np.abs(expected).max()), 1e-6)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * span)


@pytest.mark.parametrize("level", LEVELS)
@each_model(quick=lambda case, mode: case.quick and case.path in QUICK and mode == "float")
def test_clean_and_equal(package: Package, level: targets.Level) -> None:
    check(package, level)


@pytest.mark.slow
def test_an_overrun_is_noticed(package_of: Any, tmp_path: Path) -> None:
    """The harness itself: a model whose input is one byte short must be caught."""
    from tests.models.catalog import find

    package = package_of(find("micro/hello_world_int8.tflite"), "float")
    folder = package.folder / "targets" / "host"
    sources = {n: (folder / n).read_text() for n in ("model.c", "model.h", "main.c")}
    short = "aligned(HELLO_WORLD_INT8_ARENA_BYTES)"
    assert short in sources["main.c"]
    sources["main.c"] = sources["main.c"].replace(short, "malloc(64)")
    compiler = toolchain.find_compiler(HOST, "gcc")
    binary = toolchain.link_program(sources, HOST, extra_flags=FLAGS, compiler=compiler)
    inputs = stream(package, package.vectors()[0][0])
    arguments = [str(binary), str(folder / "weights.bin")]
    done = subprocess.run(arguments, input=inputs, capture_output=True, check=False)
    assert b"AddressSanitizer" in done.stderr
