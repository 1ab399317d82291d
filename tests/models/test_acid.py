"""One model of each kind that the IR and the C interface must carry without being changed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper

import edgewright as ew
from edgewright.artifact import Package
from edgewright.cli import cli
from edgewright.errors import InvalidInput
from edgewright.verify import oracles
from edgewright.verify.reshaped import without_sizes
from tests.models.catalog import Case, find

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]
Array = npt.NDArray[Any]
Builder = Callable[[Case, str], Package]


def floats(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).random(shape, np.float32)


def close(found: Array, expected: Array) -> None:
    """Within 1e-4 of the range, and of the same shape."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * float(np.ptp(expected)))


def file_input(path: Path) -> str:
    """The name of the one input in the file, which its signature may call otherwise."""
    (name,) = ew.load_model(path).interface.inputs
    return name


def test_sizes_chosen_at_run_time(models: Path, tmp_path: Path) -> None:
    """Super-resolution: one library, five sizes."""
    path = models / "onnx_misc/super_resolution/pytorch_super_resolution.onnx"
    shape = "input=1,1,h:64..512,w:64..512"
    arguments = ["build", str(path), "-o", str(tmp_path / "sr"), "--shape", shape]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    package = ew.load_package(tmp_path / "sr")
    assert [o.oracle for o in package.manifest.oracles] == ["ONNX Runtime"]
    anysize = without_sizes(path.read_bytes(), ["input"])  # the file says 224 by 224
    for height, width in ((64, 64), (65, 97), (224, 224), (128, 512), (301, 67)):
        x = floats(1, 1, height, width, seed=height)
        (expected,) = oracles.run("onnxruntime", anysize, [{"input": x}])
        close(package.run({"input": x})["output"], expected["output"])
    for height, width in ((63, 64), (64, 513)):
        with pytest.raises(InvalidInput, match=r"is not in 64\.\.512"):
            package.run({"input": floats(1, 1, height, width)})


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_scan_with_a_quantised_body(models: Path, tmp_path: Path, mode: str) -> None:
    folder = models / "onnx_misc/tract_qlstm_3-2-3_T3_S1"
    package = ew.build(folder / "model.onnx", out=tmp_path / "p", requantization=mode,
                       shapes={"input": [3, 3]})  # fmt: skip
    stored = np.load(folder / "io.npz")
    found = package.run({"input": stored["input"]})["output"]
    step = 1 / 32 if mode == "fixed" else 0  # of the output's scale
    np.testing.assert_allclose(found, stored["output"], rtol=0, atol=step)


@pytest.mark.parametrize("name", ["lstm_float", "lstm_int8"])
def test_lstm_over_digits(models: Path, package_of: Builder, name: str) -> None:
    case = find(f"mnist/models/{name}.tflite")
    package = package_of(case, "fixed" if case.quantised else "float")
    (info,) = package.inputs
    images = np.load(models / "mnist/t10k_part.npz")["images"][:16].astype(np.float32) / 255
    shape = [int(d) for d in info.shape]
    if info.quant:
        images = np.clip(np.rint(images / info.quant.scale) + info.quant.zero, -128, 127)
    samples = [{info.name: x.reshape(shape).astype(info.dtype)} for x in images]
    named = [{file_input(models / case.path): x for x in s.values()} for s in samples]
    kind: oracles.Kind = "litert_ref" if case.quantised else "litert"
    for sample, expected in zip(samples, oracles.run(kind, models / case.path, named),
                                strict=True):  # fmt: skip
        ((found,), (wanted,)) = (list(d.values()) for d in (package.run(sample), expected))
        if case.quantised:
            np.testing.assert_array_equal(found, wanted)
        else:
            close(found, wanted)


def test_stateful_step_and_reset(models: Path, package_of: Builder) -> None:
    """DTLN's first stage, its LSTM states held inside, against the runtime fed its own."""
    case = find("audio/dtln/model_1.onnx")
    package = package_of(case, "float")
    frames = [floats(1, 1, 257, seed=i) for i in range(6)]
    assert [t.name for t in package.inputs] == ["input_2"]
    assert package.manifest.targets["host"].memory.state_bytes >= 2 * 128 * 2 * 4
    expected = []
    state = np.zeros((1, 2, 128, 2), np.float32)
    for frame in frames:
        (answer,) = oracles.run(
            "onnxruntime", models / case.path, [{"input_2": frame, "input_3": state}]
        )
        state = answer["tf_op_layer_stack_2"]
        expected.append(answer["activation_2"])
    for _ in range(2):
        package.reset()
        for frame, wanted in zip(frames, expected, strict=True):
            close(package.run({"input_2": frame})["activation_2"], wanted)


def test_random_forest(models: Path, package_of: Builder) -> None:
    path = models / "trees/rf_iris.onnx"
    package = package_of(find("trees/rf_iris.onnx"), "float")
    rows = floats(60, 4) * np.array([7.9, 4.4, 6.9, 2.5], np.float32)
    samples = [{"float_input": row[None]} for row in rows]
    labels = set()
    for sample, expected in zip(samples, oracles.run("onnxruntime", path, samples), strict=True):
        found = package.run(sample)
        np.testing.assert_array_equal(found["output_label"], expected["output_label"])
        close(found["output_probability"], expected["output_probability"])
        labels |= set(found["output_label"].tolist())
    assert labels == {0, 1, 2}


def spectrum(step: int) -> Array:
    """Frames with peaks that wander, as speech has: noise leaves the model at 0."""
    peaks = 60 * np.sin(np.arange(40) / 5 + step / 3) - 60 + 20 * np.cos(step)
    return np.tile(peaks.astype(np.int8), (1, 3, 1))


def test_streaming_wake_word_has_two_entry_points(models: Path, package_of: Builder) -> None:
    case = find("wakeword/alexa.tflite")
    package = package_of(case, "fixed")
    assert [e.graph for e in package.manifest.entries] == ["main", "init"]
    (info,) = package.inputs
    samples = [{info.name: spectrum(i)} for i in range(40)]
    named = [{file_input(models / case.path): x for x in s.values()} for s in samples]
    expected = oracles.run("litert_ref", models / case.path, named)
    for _ in range(2):
        package.reset()
        found = [package.run(s) for s in samples]
        for y, wanted in zip(found, expected, strict=True):
            assert [a.tolist() for a in y.values()] == [a.tolist() for a in wanted.values()]
    assert len({next(iter(y.values())).item() for y in found}) > 1


def node_cases() -> Mapping[str, Any]:
    """The onnx package's own cases by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        return {case.name: case for case in collect_testcases(None)}


def arrays(data: Sequence[Any]) -> list[Array]:
    return [numpy_helper.to_array(d) if isinstance(d, onnx.TensorProto) else np.asarray(d)
            for d in data]  # fmt: skip


CONTRACTS = {
    "test_if": "",
    "test_loop11": """
        [[inputs]]
        name = "trip_count"
        range = [5.0, 5.0]
        [[inputs]]
        name = "cond"
        range = [1.0, 1.0]
    """,
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_control_flow_of_onnx(name: str, tmp_path: Path) -> None:
    case = node_cases()[name]
    path = tmp_path / f"{name}.onnx"
    onnx.save(case.model, path)
    # The five steps are what the case's own output has room for.
    path.with_suffix(".toml").write_text(CONTRACTS[name])
    package = ew.build(path, out=tmp_path / "package")
    for given, wanted in case.data_sets:
        inputs = {t.name: a.reshape([int(d) for d in t.shape])
                  for t, a in zip(package.inputs, arrays(given), strict=True)}  # fmt: skip
        found = package.run(inputs)
        for y, expected in zip(found.values(), arrays(wanted), strict=True):
            np.testing.assert_array_equal(y.reshape(expected.shape), expected)
