"""Real models as .tflite: equal in LiteRT, the same graph when read back, the same bytes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgewright as ew
from edgewright import ops
from edgewright.errors import UnsupportedModel
from edgewright.exporters import Exported
from edgewright.exporters.tflite import export
from edgewright.graph import Module, Value
from edgewright.ops.interpreter import Interpreter
from edgewright.pipeline.model import Model, count_transposes
from edgewright.verify import oracles
from edgewright.verify.samples import draw
from tests.exporters.canonical import canonical
from tests.exporters.tflite.harness import Array, compare
from tests.models.catalog import Case, each_model
from tests.models.conftest import source

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]
#: what TensorFlow Lite cannot express, and the operator that the refusal names
REFUSED = {
    "trees/rf_iris.onnx": "tree_ensemble",
    "trees/xgboost_classifier_tree/model.onnx": "tree_ensemble",
    "trees/xgboost_regressor_tree/model.onnx": "tree_ensemble",
}
#: what is written with other operators, which stay other ones when they are read
WRITTEN_OTHERWISE = {
    "onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx": "its scan is unrolled",
    "audio/dtln/model_1.onnx": "LSTMs whose state is an input are written step by step",
}


def loaded(case: Case, mode: str, models: Path) -> Model:
    return ew.load_model(
        source(models, case), requantization=mode, states=case.states, lookups=False
    )


def fed(module: Module, made: Exported, sample: dict[str, Array]) -> dict[str, Array]:
    """A sample under the names and in the layout of the file."""
    pairs = zip(module.main.inputs, made.inputs, strict=True)
    return {name: _turned(made, name, v, sample[v.name]) for v, name in pairs}


def _turned(made: Exported, name: str, value: Value, array: Array) -> Array:
    """A value of the module as the file has it: by way of the source's tensor."""
    before = value.source.perm if value.source else ()
    source = array.transpose([before.index(a) for a in range(array.ndim)]) if before else array
    return source.transpose(made.layouts.get(name, tuple(range(array.ndim))))


@each_model(lambda case: case.path not in REFUSED)
def test_litert_answers_as_the_reference_does(subject: Any, models: Path) -> None:
    case, mode = subject
    model = loaded(case, mode, models)
    made = export(model.module, contract=model.contract)
    assert export(model.module, contract=model.contract).data == made.data
    if case.cnn:
        assert all(code != "TRANSPOSE" for code in codes(made))
    samples = draw(model.module.main, 2)
    kind: oracles.Kind = "litert_ref" if mode == "fixed" else "litert"
    answers = oracles.run(kind, made.data, [fed(model.module, made, s) for s in samples])
    ours = Interpreter(model.module)
    for sample, answer in zip(samples, answers, strict=True):
        wanted = ours.run(sample)
        for value, name in zip(model.module.main.outputs, made.outputs, strict=True):
            compare(answer[name], _turned(made, name, value, wanted[value.name]), 0)


def codes(made: Exported) -> list[str]:
    from edgewright.importers.tflite.reader import parse

    return [op.code for graph in parse(made.data, "x").subgraphs for op in graph.operators]


@each_model(lambda case: case.path not in {**REFUSED, **WRITTEN_OTHERWISE})
def test_what_is_written_reads_back_as_it_was(subject: Any, models: Path, tmp_path: Path) -> None:
    case, mode = subject
    model = loaded(case, mode, models)
    path = tmp_path / "model.tflite"
    path.write_bytes(export(model.module, channels_first=True).data)
    again = ew.load_model(path, requantization=mode, lookups=False)
    assert canonical(plain(model.module)) == canonical(plain(again.module))
    assert count_transposes(model.module) == count_transposes(again.module)


def plain(module: Module) -> Module:
    """A module with every attribute spelled out, and what no file tells apart made the same.

    A bias of zeros is none, an int32 bias has the scale of its products, and both orders of
    `depth_to_space` are one where there is one channel.
    """
    for graph in module.graphs.values():
        for value in graph.constants():
            if value.type.dtype.value == "int32":
                value.type = value.type.with_quant(None)
        for node in graph.walk():
            held = ops.of(node)
            fields: tuple[Any, ...] = dataclasses.fields(held)  # type: ignore[arg-type]
            node.attrs = {f.name: getattr(held, f.name) for f in fields}
            bias = node.inputs[2] if node.op in ("conv", "depthwise_conv") else None
            if bias is not None and bias.data is not None and not np.any(bias.data):
                graph.set_input(node, 2, None)
            if node.op == "depth_to_space" and node.output.type.shape[3] == 1:
                node.attrs["mode"] = "dcr"
    return module


@pytest.mark.parametrize(("path", "op"), REFUSED.items())
def test_what_cannot_be_expressed_is_refused_by_name(path: str, op: str, models: Path) -> None:
    model = ew.load_model(source(models, Case(path)))
    with pytest.raises(UnsupportedModel, match=f"{op} as .tflite"):
        export(model.module)
