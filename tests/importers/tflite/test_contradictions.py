"""Operators whose options or operands make no sense: sound FlatBuffers, senseless models."""

from pathlib import Path
from typing import Any

import pytest

from edgewright.errors import EdgewrightError
from edgewright.importers import ImportOptions, import_model
from tests.importers.tflite.builder import conv_bytes


def no_stride(model: Any) -> None:
    model.subgraphs[0].operators[0].builtinOptions.strideW = 0


def no_inputs(model: Any) -> None:
    model.subgraphs[0].operators[0].inputs = []


def flat_weights(model: Any) -> None:
    model.subgraphs[0].tensors[1].shape = [12]
    model.subgraphs[0].tensors[1].quantization = None


@pytest.mark.parametrize("spoil", [no_stride, no_inputs, flat_weights])
def test_a_senseless_operator_is_named(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / "senseless.tflite"
    path.write_bytes(conv_bytes(spoil))
    with pytest.raises(EdgewrightError) as caught:
        import_model(path, ImportOptions())
    assert caught.value.status == 2
    assert "senseless.tflite" in str(caught.value)
    assert "CONV_2D" in str(caught.value)
