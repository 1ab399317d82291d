from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from benchmarks.nets.net import Net, samples

from benchmarks import nets

NAMES = {
    "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large",
    "efficientnet_lite0", "squeezenet", "resnet18", "resnet50", "inception_v3", "deeplab", "lstm",
    "transformer", "yolo",
}  # fmt: skip


def test_every_family_is_found() -> None:
    assert set(nets.nets()) == NAMES


def small(seed: int) -> tuple[Net, onnx.ModelProto]:
    net = Net("small", seed)
    x = net.input(1, 3, 16, 16)
    for _ in range(12):
        x = net.conv(x, 8, 3, act="relu")
    net.output(x)
    return net, net.finish()


def deviation(
    model: onnx.ModelProto, image: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> float:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return float(np.std(session.run(None, {"input": image})[0]))


def test_activations_stay_healthy_at_any_depth() -> None:
    _, model = small(1)
    image = samples(np.random.default_rng(5), (1, 3, 16, 16))
    assert 0.2 < deviation(model, image) < 2.0


def test_a_seed_gives_the_same_weights() -> None:
    names = [i.name for i in small(1)[1].graph.initializer if i.name.startswith("weight")]
    first, again, other = (
        {i.name: onnx.numpy_helper.to_array(i) for i in small(s)[1].graph.initializer}
        for s in (1, 1, 2)
    )
    assert all(np.array_equal(first[n], again[n]) for n in names)
    assert not np.array_equal(first[names[0]], other[names[0]])


def test_norms_are_folded() -> None:
    net, model = small(1)
    assert {n.op_type for n in model.graph.node} == {"Conv", "Relu"}
    assert net.macs == 16 * 16 * 9 * 8 * (3 + 11 * 8)


def test_shapes_that_the_builder_tracks_are_those_of_onnx(tmp_path: Path) -> None:
    model = onnx.load(nets.write("mobilenet_v3_small", tmp_path))
    (output,) = model.graph.output
    assert [d.dim_value for d in output.type.tensor_type.shape.dim] == [1, 1000]
    onnx.checker.check_model(model, full_check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_net_runs(name: str, tmp_path: Path) -> None:
    session = onnxruntime.InferenceSession(
        nets.write(name, tmp_path), providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(3)
    fed = {i.name: samples(random, i.shape) for i in session.get_inputs()}
    for result in session.run(None, fed):
        assert np.isfinite(result).all()
        assert 0.05 < np.std(result) < 5.0
