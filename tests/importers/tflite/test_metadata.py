from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as schema

from edgewright.data.contract import Contract, ModelInfo, Output
from edgewright.errors import EdgewrightError, InvalidModel
from edgewright.importers.tflite.metadata import contract_of as contract_of_file
from edgewright.importers.tflite.metadata import read_contract
from edgewright.importers.tflite.reader import parse, read
from tests.importers.mutations import mutated
from tests.importers.tflite.builder import buffer, conv_bytes
from tests.importers.tflite.metadata_file import archive, metadata

LABELS = {"labels.txt": b"one\ntwo\nthree\nfour\n"}


def contract_of(data: bytes) -> Contract:
    return read_contract(parse(data, "m.tflite"), data, "m.tflite")


def with_metadata(
    blob: bytes, files: dict[str, bytes], change: Callable[[Any], object] = lambda model: None
) -> bytes:
    """The convolution of `builder` (output [1,2,2,4]) with metadata and label files."""

    def add(model: Any) -> None:
        model.buffers.append(buffer(blob))
        entry = schema.MetadataT()
        entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers) - 1
        model.metadata = [entry]
        change(model)

    return conv_bytes(add) + (archive(files) if files else b"")


def flatten_output(model: Any) -> None:
    model.subgraphs[0].tensors[3].shape = [1, 4]


def test_a_file_without_metadata_says_nothing() -> None:
    assert contract_of(conv_bytes()) == Contract()


def test_all_that_is_read() -> None:
    found = contract_of(with_metadata(metadata(), LABELS, flatten_output))
    assert found.model == ModelInfo(name="a model", author="someone", licence="Apache-2.0")
    (image,) = found.inputs
    assert (image.name, image.kind, image.colour) == ("x", "image", "gray")
    assert (image.mean, image.scale) == ((127.5,), (1 / 127.5,))
    (scores,) = found.outputs
    assert (scores.name, scores.kind, scores.score_threshold) == ("y", "classes", 0.25)
    assert scores.labels == ("one", "two", "three", "four")


def test_tensors_go_by_the_names_of_the_interface(tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(with_metadata(metadata(), LABELS))
    found = contract_of_file(path, ["image"], ["scores"])
    assert (found.inputs[0].name, found.inputs[0].kind) == ("image", "image")
    assert found.outputs[0].name == "scores"
    merged = found.updated(Contract(outputs=(Output(name="scores", label_offset=1),)))
    assert (len(merged.outputs), len(merged.outputs[0].labels)) == (1, 4)


def test_labels_of_an_image_of_classes_do_not_make_it_a_classifier() -> None:
    (output,) = contract_of(with_metadata(metadata(), LABELS)).outputs
    assert output.kind == "array"
    assert output.labels == ("one", "two", "three", "four")


def test_a_tensor_of_bytes_takes_the_bytes_of_the_image() -> None:
    def make_bytes(model: Any) -> None:
        model.subgraphs[0].tensors[0].type = schema.TensorType.UINT8
        model.subgraphs[0].tensors[0].quantization.zeroPoint = [128]

    (image,) = contract_of(with_metadata(metadata(), LABELS, make_bytes)).inputs
    assert image.values == "stored"
    assert not image.is_normalised


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"other.txt": b"one\ntwo\nthree\nfour\n"},
        {"labels.txt": b"one\ntwo\n"},  # not as many as the axis is long
        {"labels.txt": b"\n" * (1 << 24) + b"a"},  # more than is read
    ],
)
def test_labels_that_do_not_fit_are_left_out(files: dict[str, bytes]) -> None:
    (output,) = contract_of(with_metadata(metadata(), files)).outputs
    assert output.labels == ()


def test_a_deviation_of_zero_is_left_out() -> None:
    (image,) = contract_of(with_metadata(metadata(std=[0.0]), LABELS)).inputs
    assert not image.is_normalised


def test_damaged_metadata() -> None:
    with pytest.raises(InvalidModel, match="identifier"):
        contract_of(with_metadata(b"12345678", {}))
    with pytest.raises(InvalidModel, match="damaged file") as caught:
        contract_of(with_metadata(metadata()[:80], {}))
    assert "m.tflite: metadata TFLITE_METADATA" in str(caught.value.where)


def test_mutated_metadata_is_an_error_or_a_contract() -> None:
    refused = 0
    for blob in mutated([metadata()], 300, seed=3):
        data = with_metadata(blob, LABELS)
        model = parse(data, "m.tflite")
        try:
            read_contract(model, data, "m.tflite")
        except EdgewrightError:
            refused += 1
    assert 20 < refused < 290


def test_mutated_archives_cost_the_labels_only() -> None:
    data = with_metadata(metadata(), {})
    for files in mutated([archive(LABELS)], 200, seed=4):
        (output,) = contract_of(data + files).outputs
        assert len(output.labels) in (0, 4)


@pytest.mark.models
@pytest.mark.parametrize(
    ("path", "inputs", "labels"),
    [
        ("detection/ssd_mobilenet_v1_coco_quant.tflite", "stored", [0, 90, 0, 0]),
        ("imagenet/models/mobilenet_v1_0.25_224_quant.tflite", "stored", [1001]),
        ("segmentation/deeplabv3_257_float.tflite", (127.5,), [21]),
        ("text/sentiment_avg_embedding_float.tflite", None, [0]),
    ],
)
def test_real_files(models: Path, path: str, inputs: Any, labels: list[int]) -> None:
    file = models / path
    found = read_contract(read(file), file.read_bytes(), file.name)
    assert found.model.author == "TensorFlow"
    (entry,) = found.inputs
    assert inputs in (entry.values, entry.mean)
    assert [len(output.labels) for output in found.outputs] == labels
