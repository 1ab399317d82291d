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


def test_no_word_of_a_file_can_break_the_importer(tmp_path: Path) -> None:
    """Every aligned word of a small file, replaced by each of some telling numbers."""
    path = tmp_path / "word.tflite"
    whole = conv_bytes()
    imported = 0
    for at in range(8, len(whole) - 3, 4):
        for number in (0, 1, 2**31 - 1, 2**31, 2**32 - 1):
            path.write_bytes(whole[:at] + number.to_bytes(4, "little") + whole[at + 4 :])
            try:
                import_model(path, ImportOptions())
                imported += 1
            except EdgewrightError as error:
                assert error.status == 2, (at, number)
    assert 50 < imported < len(whole)
