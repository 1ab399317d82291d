"""Operators whose options or operands make no sense: sound FlatBuffers, senseless models."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgewright.errors import EdgewrightError, InvalidModel
from edgewright.importers import ImportOptions, import_model
from tests.importers.tflite.builder import (
    buffer,
    conv_bytes,
    operator,
    operator_code,
    tensor,
)


def no_stride(model: Any) -> None:
    model.subgraphs[0].operators[0].builtinOptions.strideW = 0


def no_inputs(model: Any) -> None:
    model.subgraphs[0].operators[0].inputs = []


def flat_weights(model: Any) -> None:
    model.subgraphs[0].tensors[1].shape = [12]
    model.subgraphs[0].tensors[1].quantization = None


def huge_padding(model: Any) -> None:
    graph = model.subgraphs[0]
    amount = np.array([0, 0, 0, 2**30, 0, 2**30, 0, 0], np.int32).tobytes()
    model.buffers.append(buffer(amount))
    model.operatorCodes[0] = operator_code("PAD")
    graph.tensors.append(tensor("amount", [4, 2], "INT32", buffer=3))
    graph.tensors[3].quantization = graph.tensors[0].quantization
    graph.operators = [operator([0, 4], [3])]


def test_a_tensor_too_large_to_count_is_named(tmp_path: Path) -> None:
    path = tmp_path / "huge.tflite"
    path.write_bytes(conv_bytes(huge_padding))
    with pytest.raises(InvalidModel, match=r"would take [0-9]{19} bytes") as caught:
        import_model(path, ImportOptions())
    assert "PAD" in str(caught.value.where)


@pytest.mark.parametrize("spoil", [no_stride, no_inputs, flat_weights])
def test_a_senseless_operator_is_named(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / "senseless.tflite"
    path.write_bytes(conv_bytes(spoil))
    with pytest.raises(EdgewrightError) as caught:
        import_model(path, ImportOptions())
    assert caught.value.status == 2
    assert "senseless.tflite" in str(caught.value)
    assert "CONV_2D" in str(caught.value)
