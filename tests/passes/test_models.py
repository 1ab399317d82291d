"""Real models keep their answers, and channels-first ones lose their transposes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgewright.graph import Array, Graph, Module, Node, TensorType
from edgewright.importers import ImportOptions, import_model
from edgewright.ops.interpreter import Interpreter
from edgewright.passes import optimize
from edgewright.passes.editing import inverse

pytestmark = pytest.mark.models

#: model -> the operators that must be gone
GONE = {
    "cifar10/models/resnet8_mlperf.onnx": {"clip", "add", "batch_norm", "pad"},
    "cifar10/models/resnet8_mlperf_int8.tflite": {"add", "clip"},
    "mnist/models/cntk_cnn.onnx": {"clip", "add", "matmul"},
    "mnist/models/cnn_weight_quant.tflite": {"dequantize"},
    "vww/models/vww_96_float.onnx": {"clip", "batch_norm"},
    "onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx": {"matmul"},
    "audio/dtln/model_1.onnx": {"transpose"},
}
CHANNELS_FIRST = (
    "cifar10/models/resnet8_mlperf.onnx",
    "mnist/models/cntk_cnn.onnx",
    "vww/models/vww_96_float.onnx",
    "onnx_misc/super_resolution/pytorch_super_resolution.onnx",
    "imagenet/models/mobilenet_v2_quant.onnx",
    "faces/ultraface/version-RFB-320.onnx",
)


def load(path: Path) -> Module:
    return import_model(path, ImportOptions()).module


def sample(type: TensorType) -> Array:
    rng = np.random.default_rng(0)
    if type.dtype.is_float:
        return rng.uniform(0, 1, type.dims).astype(type.dtype.numpy)
    return rng.integers(0, 100, type.dims).astype(type.dtype.numpy)


@pytest.mark.parametrize("name", sorted(GONE))
def test_the_answer_stays(models: Path, name: str) -> None:
    before, after = load(models / name), load(models / name)
    optimize(after)
    x = {v.name: sample(v.type) for v in before.main.inputs}
    expected, got = Interpreter(before).run(x), Interpreter(after).run(x)
    assert list(expected) == list(got)
    for key, value in expected.items():
        np.testing.assert_allclose(got[key], value, rtol=1e-5, atol=1e-6)
    left = {node.op for graph in after.graphs.values() for node in graph.walk()}
    assert not left & GONE[name]


@pytest.mark.parametrize("name", CHANNELS_FIRST)
def test_no_transpose_is_left_inside(models: Path, name: str) -> None:
    module = load(models / name)
    optimize(module)
    assert inside(module.main) == []


def test_run_time_sizes_lose_theirs_too(models: Path) -> None:
    path = models / "onnx_misc/super_resolution/pytorch_super_resolution.onnx"
    shape: list[str | int] = [1, 1, "h:64..512", "w:64..512"]
    module = import_model(path, ImportOptions(shapes={"input": shape})).module
    optimize(module)
    assert inside(module.main) == []
    assert "depth_to_space" in [node.op for node in module.main.nodes]


def inside(graph: Graph) -> list[str]:
    """The transposes that neither read an input nor write an output of the model."""
    return [
        str(node.output)
        for node in graph.nodes
        if node.op == "transpose"
        and node.input(0) not in graph.inputs
        and node.output not in graph.outputs
    ]


@pytest.mark.parametrize("name", sorted(GONE))
def test_values_still_know_which_tensor_they_are(models: Path, name: str) -> None:
    """What layer-by-layer verification relies on."""
    before, after = load(models / name), load(models / name)
    optimize(after)
    expected, got = tensors(before), tensors(after)
    assert got
    assert len(got.keys() & expected.keys()) == len(got)
    for key, value in got.items():
        span = max(1.0, float(np.ptp(expected[key].astype(np.float64))))
        np.testing.assert_allclose(value, expected[key], atol=1e-5 * span, err_msg=key)


def tensors(module: Module) -> dict[str, Array]:
    """What each tensor of the user's file holds, as far as values say which one they are."""
    found: dict[str, Array] = {}

    def watch(node: Node, inputs: Sequence[Array | None], outputs: Sequence[Array]) -> None:
        for value, array in zip(node.outputs, outputs, strict=True):
            if value.source is not None and node.graph is module.main:
                perm = inverse(value.source.perm) or range(array.ndim)
                found[value.source.tensor] = array.transpose(perm)

    x = {v.name: sample(v.type) for v in module.main.inputs}
    Interpreter(module, watch).run(x)
    return found
