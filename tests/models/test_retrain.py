"""Retrained .tflite networks: other weights and scales, the same code byte for byte."""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgewright as ew
from edgewright.artifact import Package
from edgewright.artifact.memory import aligned
from edgewright.artifact.native import NativeModel
from edgewright.errors import InvalidPackage

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]
NETWORKS = ("kws/models/dscnn_int8.tflite", "ad/models/ad01_fp32.tflite")
WRONG_WEIGHTS = 4


def retrained(path: Path) -> bytes:
    """The file with other weights, and where it has them other scales and zero points."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    random = np.random.default_rng(7)
    graph = model.subgraphs[0]
    made = {int(i) for node in graph.operators for i in node.outputs} | set(map(int, graph.inputs))
    for index, tensor in enumerate(graph.tensors):
        if index in made:
            rescale(tensor)
        else:
            perturb(schema, model, tensor, random)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def rescale(tensor: Any) -> None:
    """Another range of an activation; a softmax's, which is part of its definition, stays."""
    quant = tensor.quantization
    if quant is not None and quant.scale is not None and quant.scale[0] != 1 / 256:
        quant.scale = [float(np.float32(s * 1.125)) for s in quant.scale]
        quant.zeroPoint = [max(-128, int(z) - 3) for z in quant.zeroPoint]


def perturb(schema: Any, model: Any, tensor: Any, random: np.random.Generator) -> None:
    """Other values of a constant."""
    data = model.buffers[tensor.buffer].data
    types = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT8: np.int8}
    if data is None or tensor.type not in types:
        return
    values = np.asarray(data, np.uint8).view(types[tensor.type]).copy()
    if values.dtype == np.int8:
        values = random.permutation(values)
        tensor.quantization.scale = [float(np.float32(s * 1.5)) for s in tensor.quantization.scale]
    else:
        values = (values * random.uniform(0.5, 1.5, values.shape)).astype(np.float32)
    model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)


@pytest.fixture(scope="module", params=NETWORKS)
def pair(
    request: pytest.FixtureRequest, models: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Package, Package]:
    """A network as it is, and retrained."""
    folder = tmp_path_factory.mktemp("retrain")
    source = models / request.param
    new = folder / source.name
    new.write_bytes(retrained(source))
    built = [ew.build(p, out=folder / n, name="net") for p, n in ((source, "old"), (new, "new"))]
    return built[0], built[1]


def test_only_the_weights_differ(pair: tuple[Package, Package]) -> None:
    old, new = (package.folder / "targets" / "host" for package in pair)
    names = sorted(path.name for path in old.iterdir())
    assert {"libnet.so", "main.c", "model.c", "model.h", "weights.bin"} == set(names)
    differing = [n for n in names if (old / n).read_bytes() != (new / n).read_bytes()]
    assert differing == ["weights.bin"]


def test_the_old_library_runs_the_new_weights(
    pair: tuple[Package, Package], tmp_path: Path
) -> None:
    old, new = pair
    mixed = tmp_path / "mixed"
    shutil.copytree(old.folder, mixed)
    weights = Path("targets/host/weights.bin")
    shutil.copy(new.folder / weights, mixed / weights)
    vectors = new.vectors()
    by_name = {t.identifier: t.name for t in new.inputs}
    for inputs, _ in vectors:
        sample = {by_name[k]: v for k, v in inputs.items()}
        found, expected = ew.load_package(mixed).run(sample), new.run(sample)
        for name in expected:
            assert found[name].tobytes() == expected[name].tobytes()
    first = {by_name[k]: v for k, v in vectors[0][0].items()}
    assert any(old.run(first)[n].tobytes() != y.tobytes() for n, y in new.run(first).items())


def test_weights_of_another_graph_are_refused_by_check_and_run(
    pair: tuple[Package, Package], models: Path, tmp_path: Path
) -> None:
    other = ew.build(models / "micro/hello_world_int8.tflite", out=tmp_path / "other", name="net")
    raw = np.fromfile(other.folder / "targets/host/weights.bin", np.uint8)
    model = pair[0].entry_point("main")
    assert isinstance(model, NativeModel)
    wrong = aligned(max(raw.size, model.info.memory.weights_bytes))
    wrong[: raw.size] = raw
    library = ctypes.CDLL(str(pair[0].folder / "targets/host/libnet.so"))
    pointer = ctypes.c_void_p(wrong.ctypes.data)
    assert library.net_check_weights(pointer, ctypes.c_size_t(wrong.size)) == WRONG_WEIGHTS
    model._weights = wrong
    info = model.entry.inputs[0]
    with pytest.raises(InvalidPackage, match="another model"):
        model.run({info.name: np.zeros([int(d) for d in info.shape], info.dtype)})
