"""Real models: the meaning of the imported graph against ONNX Runtime, also layer by layer."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgewright import ops
from edgewright.errors import EdgewrightError
from edgewright.graph import DType, Module, Source, constants_of, parse_module, verify_module
from edgewright.importers import import_model
from edgewright.importers.onnx import load
from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import Array, compare, oracle

pytestmark = pytest.mark.models

FLOAT = {
    "audio/dtln/model_1.onnx": {},
    "audio/dtln/model_2.onnx": {},
    "cifar10/models/resnet8_mlperf.onnx": {},
    "detection/fastestdet.onnx": {},
    "faces/ultraface/version-RFB-320.onnx": {},
    "mnist/models/cntk_cnn.onnx": {},
    "onnx_misc/tract_deconv_group/model.onnx": {},
    "onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx": {"input": ["3", "3"]},
    "onnx_misc/tract_qrelu_1/model.onnx": {"input": ["5", "10"]},
    "onnx_misc/tract_qsigmoid_1/model.onnx": {"input": ["5", "10"]},
    "onnx_misc/tract_qtanh_1/model.onnx": {"input": ["5", "10"]},
    "trees/rf_iris.onnx": {},
    "trees/xgboost_classifier_tree/model.onnx": {"input": ["7", "13"]},
    "trees/xgboost_regressor_tree/model.onnx": {"input": ["7", "13"]},
    "vww/models/vww_96_float.onnx": {},
}
QUANTISED = "imagenet/models/mobilenet_v2_quant.onnx"


def loaded(path: Path, shapes: dict[str, list[str]] | None = None) -> Module:
    module = load(path, ImportOptions(shapes=shapes or {}))
    verify_module(module, ops.infer)
    return module


def inputs_of(module: Module, scale: float = 1.0) -> dict[str, Array]:
    rng = np.random.default_rng(7)
    return {
        v.name: (scale * rng.standard_normal(v.type.dims)).astype(v.type.dtype.numpy)
        for v in module.main.inputs
    }


@pytest.mark.parametrize("name", FLOAT)
def test_agrees_with_onnx_runtime(models: Path, name: str) -> None:
    module = loaded(models / name, FLOAT[name])
    x = inputs_of(module, 50.0 if "cntk" in name or "resnet8" in name else 1.0)
    wanted = oracle(onnx.load(models / name), x)
    if "output_probability" in wanted:  # a list of dictionaries, because of the ZipMap
        rows = [list(row.values()) for row in wanted["output_probability"]]
        wanted["output_probability"] = np.array(rows, np.float32)
    compare(Interpreter(module).run(x), wanted, tolerance=1e-4)


@pytest.mark.parametrize("name", FLOAT)
def test_the_text_form_reads_back(models: Path, name: str) -> None:
    module = loaded(models / name, FLOAT[name])
    text = str(module)
    assert str(parse_module(text, constants_of(module), ops.infer)) == text


def every_tensor(module: Module, x: dict[str, Array]) -> dict[Source, Array]:
    """What each value that stands for a tensor of the file holds."""
    held = {}

    def watch(node: Any, arrays: Any, results: Any) -> None:
        for value, array in zip(node.outputs, results, strict=True):
            if value.source and node.graph is module.main:
                held[value.source] = array

    Interpreter(module, watch).run(x)
    return held


def with_outputs(proto: onnx.ModelProto, names: set[str]) -> onnx.ModelProto:
    """The model with further tensors among its outputs."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    present = {o.name for o in made.graph.output}
    inferred = onnx.shape_inference.infer_shapes(made)
    known = {v.name: v for v in inferred.graph.value_info}
    for name in sorted(names - present):
        info = known.get(name) or onnx.helper.make_empty_tensor_value_info(name)
        made.graph.output.append(info)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "audio/dtln/model_2.onnx",
        "cifar10/models/resnet8_mlperf.onnx",
        "faces/ultraface/version-RFB-320.onnx",
        "vww/models/vww_96_float.onnx",
    ],
)
def test_every_value_is_the_tensor_that_it_says_it_is(models: Path, name: str) -> None:
    module = loaded(models / name)
    x, proto = inputs_of(module), onnx.load(models / name)
    held = every_tensor(module, x)
    made_by_nodes = {o for n in proto.graph.node for o in n.output}
    names = {s.tensor for s in held} & made_by_nodes
    wanted = oracle(with_outputs(proto, names), x)
    assert len(names) >= 0.6 * len(proto.graph.node)
    for source, array in held.items():
        if source.tensor in names:
            want = wanted[source.tensor]
            compare({"y": array}, {"y": want.transpose(source.perm or range(want.ndim))}, 1e-4)


def test_integers_of_a_quantised_network_agree(models: Path) -> None:
    """Layer by layer on the same inputs, ours and theirs differ by at most one unit."""
    module = loaded(models / QUANTISED)
    x = inputs_of(module)
    held = every_tensor(module, x)
    wanted = oracle(with_outputs(onnx.load(models / QUANTISED), {s.tensor for s in held}), x)
    first = [s for s in held if held[s].dtype == np.uint8][:4]
    assert len(first) == 4
    for source in first:
        want = wanted[source.tensor].transpose(source.perm or range(wanted[source.tensor].ndim))
        assert np.abs(held[source].astype(int) - want).max() <= 1


def test_convolutions_on_integers_keep_their_scales(models: Path) -> None:
    module = loaded(models / QUANTISED)
    convolutions = [n for n in module.main.nodes if n.op in ("conv", "depthwise_conv")]
    assert len(convolutions) == 52
    for node in convolutions:
        assert node.input(0).type.dtype is DType.UINT8
        assert all(v.type.quant for v in (node.input(0), node.input(1), node.output))


def test_unknown_sizes_are_one_and_noted(models: Path) -> None:
    options = ImportOptions()
    module = load(models / "onnx_misc/super_resolution/pytorch_super_resolution.onnx", options)
    assert module.main.inputs[0].type.dims == (1, 1, 224, 224)
    assert options.notes == ["input 'input': axis 0 (batch_size) is not fixed, so 1 is assumed"]


def test_one_import_serves_several_sizes(models: Path) -> None:
    path = models / "onnx_misc/super_resolution/pytorch_super_resolution.onnx"
    module = loaded(path, {"input": ["1", "1", "h:16..512", "w:16..512"]})
    proto = onnx.load(path)
    for dim in proto.graph.input[0].type.tensor_type.shape.dim:
        dim.ClearField("dim_value")
    proto.graph.output[0].type.ClearField("tensor_type")
    for height, width in ((20, 24), (33, 17)):
        x = {"input": np.random.default_rng(1).random((1, 1, height, width), np.float32)}
        compare(Interpreter(module).run(x), oracle(proto, x), 1e-4)


def test_a_stream_keeps_its_state(models: Path) -> None:
    path = models / "audio/dtln/model_1.onnx"
    options = ImportOptions(states={"input_3": "tf_op_layer_stack_2"})
    module = import_model(path, options).module
    verify_module(module, ops.infer)
    assert [v.name for v in module.main.inputs] == ["input_2"]
    assert [v.name for v in module.main.outputs] == ["activation_2"]
    steps, proto = Interpreter(module), onnx.load(path)
    state = np.zeros((1, 2, 128, 2), np.float32)
    for frame in np.random.default_rng(2).random((4, 1, 1, 257), np.float32):
        wanted = oracle(proto, {"input_2": frame, "input_3": state})
        state = wanted.pop("tf_op_layer_stack_2")
        compare(steps.run({"input_2": frame}), wanted, 1e-4)


def test_labels_are_kept(models: Path) -> None:
    options = ImportOptions()
    load(models / "trees/rf_iris.onnx", options)
    assert options.labels == {"output_probability": ("0", "1", "2")}
    assert "ZipMap is dropped" in options.notes[0]


@pytest.mark.parametrize(
    "name", ["qonnx_tfc_1w2a.onnx", "onnx_opset_missing_super_resolution.onnx"]
)
def test_what_cannot_be_built_is_refused(models: Path, name: str) -> None:
    with pytest.raises(EdgewrightError) as caught:
        load(models / "negative" / name)
    assert caught.value.status == 2
    assert name in caught.value.render()


def test_every_unknown_operator_is_named(models: Path) -> None:
    with pytest.raises(EdgewrightError) as caught:
        load(models / "negative/qonnx_tfc_1w2a.onnx")
    text = caught.value.render()
    assert text.count("onnx.brevitas.Quant ") == 4
    assert text.count("onnx.brevitas.BipolarQuant ") == 4
    assert "qonnx_tfc_1w2a.onnx: Quant #7 'Quant_13' -> '39'" in text
