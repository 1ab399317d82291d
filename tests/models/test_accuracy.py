"""`evaluate` on labelled samples counts what the source's own runtime gets right on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from edgewright.artifact import Package
from edgewright.data import contract as contracts
from edgewright.data import preprocess
from edgewright.data.tables import read_table
from edgewright.pipeline.evaluate import evaluate
from edgewright.pipeline.samples import tensor_of
from edgewright.verify import oracles
from edgewright.verify.dequantized import dequantized_weights
from tests.models.catalog import Case, find

pytestmark = [pytest.mark.models, pytest.mark.timeout(1800)]

IMAGE = '[[inputs]]\nkind = "image"\n'
BYTES_TO_UNIT = f"{IMAGE}scale = {1 / 255!r}\n"
CLASSES = '[[outputs]]\nkind = "classes"\n'
CROPPED = f'{IMAGE}resize = "shorter-side"\ncrop = 0.875\n'
BACKGROUND = f"{CLASSES}label_offset = 1\n"
FEATURES = '[[inputs]]\nsample_dtype = "int8"\nmean = 83.0\nscale = 0.58470291\n'


@dataclass(frozen=True)
class Labelled:
    """A model, its labelled samples, and what its numbers mean."""

    model: str
    data: str
    label: str
    contract: str
    quick: int | None = None  # samples in the default suite; None: slow only
    stateful: bool = False  # the runtime keeps its state from sample to sample, `evaluate` does not

    @property
    def id(self) -> str:
        """A short name."""
        return self.model.split("/")[-1]


SETS = (
    Labelled("cifar10/models/resnet8_mlperf_int8.tflite", "cifar10/labels.csv", "label",
             IMAGE + CLASSES, 100),
    Labelled("cifar10/models/resnet8_mlperf.tflite", "cifar10/labels.csv", "label",
             IMAGE + CLASSES),
    Labelled("cifar10/models/resnet8_mlperf.onnx", "cifar10/labels.csv", "label",
             IMAGE + CLASSES, 100),
    Labelled("kws/models/dscnn_int8.tflite", "kws/labels.csv", "label", CLASSES, 100),
    Labelled("kws/models/dscnn_float32.tflite", "kws/labels.csv", "label",
             FEATURES + CLASSES, 100),
    Labelled("vww/models/vww_96_int8.tflite", "coco/vww_labels.csv", "person",
             BYTES_TO_UNIT + CLASSES),
    Labelled("vww/models/vww_96_float.tflite", "coco/vww_labels.csv", "person",
             BYTES_TO_UNIT + CLASSES),
    Labelled("vww/models/vww_96_float.onnx", "coco/vww_labels.csv", "person",
             BYTES_TO_UNIT + CLASSES),
    Labelled("imagenet/models/mobilenet_v1_0.25_224_quant.tflite", "imagenet/labels.csv",
             "class_index_1000", CROPPED + BACKGROUND),
    Labelled("imagenet/models/mobilenet_v2_1.0_224_quant.tflite", "imagenet/labels.csv",
             "class_index_1000", CROPPED + BACKGROUND),
    Labelled("mnist/models/lstm_float.tflite", "mnist/t10k_part.npz", "labels",
             f"[[inputs]]\nscale = {1 / 255!r}\n" + CLASSES, stateful=True),
    Labelled("mnist/models/lstm_int8.tflite", "mnist/t10k_part.npz", "labels",
             f"[[inputs]]\nscale = {1 / 255!r}\n" + CLASSES, stateful=True),
)  # fmt: skip


def subjects() -> list[ParameterSet]:
    """(set, mode, samples): the quick ones with few samples, and all of them marked slow."""
    found = []
    for labelled in SETS:
        for mode in find(labelled.model).modes:
            name = f"{labelled.id}-{mode}"
            if labelled.quick:
                found.append(pytest.param(labelled, mode, labelled.quick, id=f"{name}-quick"))
            most = 150 if labelled.stateful else None  # each sample takes a process of its own
            found.append(pytest.param(labelled, mode, most, id=name, marks=pytest.mark.slow))
    return found


@pytest.mark.parametrize(("labelled", "mode", "limit"), subjects())
def test_counts_are_the_oracles(
    labelled: Labelled,
    mode: str,
    limit: int | None,
    models: Path,
    tmp_path: Path,
    package_of: Callable[[Case, str], Package],
    record_property: Callable[[str, object], None],
) -> None:
    case = find(labelled.model)
    package = package_of(case, mode)
    stated = tmp_path / "model.toml"
    stated.write_text(labelled.contract)
    contract = contracts.load(stated)
    data = models / labelled.data
    ours = evaluate(package.folder, data, label=labelled.label, limit=limit,
                    options={"contract": contract})  # fmt: skip
    theirs = oracle_count(labelled, mode, limit, models, package, contract)
    record_property("correct", f"{ours.correct} / {ours.total}, oracle {theirs}")
    print(f"{labelled.id} {mode}: {ours.correct} of {ours.total}, oracle {theirs}")
    assert ours.correct > ours.total // 2
    assert abs(ours.correct - theirs) <= (0 if case.quantised else 2)


def oracle_count(
    labelled: Labelled,
    mode: str,
    limit: int | None,
    models: Path,
    package: Package,
    contract: contracts.Contract,
) -> int:
    """How many samples the source model gets right when its own runtime runs it."""
    kind: oracles.Kind = "litert_ref" if mode == "fixed" else "litert"
    path = models / labelled.model
    content = path.read_bytes()
    if path.suffix == ".onnx":
        kind = "onnxruntime"
    else:
        content = dequantized_weights(content, path.name) or content
    rows = read_table(models / labelled.data, label=labelled.label).rows[:limit]
    info, known = package.inputs[0], contract.input(package.inputs[0].name, 0)
    arrays = [preprocess.load_row(row, known, tensor_of(info)) for row in rows]
    name = source_input(content, kind)
    batch = 1 if labelled.stateful else 100
    answers = [
        output
        for start in range(0, len(arrays), batch)
        for output in oracles.run(
            kind, content, [{name: a} for a in arrays[start : start + batch]], timeout_s=600
        )
    ]
    offset = contract.output(package.outputs[0].name, 0).label_offset
    guesses = [int(np.argmax(next(iter(a.values())).ravel())) for a in answers]
    return sum(g == int(r.label) + offset for g, r in zip(guesses, rows, strict=True))


def source_input(content: bytes, kind: str) -> str:
    """The name of the file's one input tensor."""
    if kind == "onnxruntime":
        import onnx

        return str(onnx.load_from_string(content).graph.input[0].name)
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.Model.GetRootAs(content, 0).Subgraphs(0)
    return str(graph.Tensors(graph.Inputs(0)).Name().decode())
