import os
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgewright.data.contract import Input
from edgewright.data.preprocess import (
    Tensor,
    cast_exactly,
    dequantize,
    is_channels_first,
    load,
    load_row,
    prepare,
    quantize,
)
from edgewright.data.tables import Row, class_index, read_table
from edgewright.errors import InvalidContract, InvalidInput

FLOAT, BYTE, INT8 = np.dtype("float32"), np.dtype("uint8"), np.dtype("int8")


def tensor(
    shape: tuple[int, ...], dtype: Any = FLOAT, scale: float | None = None, zero: int = 0
) -> Tensor:
    return Tensor("x", np.dtype(dtype), shape, scale, zero)


def gradient(height: int, width: int, channels: int = 3) -> Any:
    """An image whose value is its column, plus 50 per channel."""
    columns = np.arange(width)[None, :, None] + 50 * np.arange(channels)
    return np.broadcast_to(columns, (height, width, channels)).astype(np.uint8)


def test_normalisation_per_channel() -> None:
    contract = Input(kind="image", mean=(0, 50, 100), scale=(1, 2, 4))
    made = prepare(gradient(2, 2), contract, tensor((1, 2, 2, 3)), "x")
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[0, 0], [[0, 0, 0], [1, 2, 4]])


def test_normalisation_is_rounded_once() -> None:
    """(x - 127.5) / 127.5 to the nearest float32, though the contract states a decimal."""
    image = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    contract = Input(kind="image", mean=(127.5,), scale=(1 / 127.5,))
    made = prepare(image, contract, tensor((1, 16, 16, 1)), "x")
    expected = ((np.arange(256) - 127.5) / 127.5).astype(np.float32)
    np.testing.assert_array_equal(made.ravel(), expected)


def test_layout_and_colour() -> None:
    image = gradient(2, 5)
    planes = prepare(image, Input(kind="image", mean=(0, 50, 100)), tensor((1, 3, 2, 5)), "x")
    np.testing.assert_array_equal(planes[0, :, 0], [[0, 1, 2, 3, 4]] * 3)
    bgr = prepare(image, Input(kind="image", colour="bgr"), tensor((1, 2, 5, 3)), "x")
    np.testing.assert_array_equal(bgr[0, 0, 0], [100, 50, 0])


def test_the_layout_is_seen_by_the_sizes() -> None:
    assert not is_channels_first(Input(), (1, 224, 224, 3))
    assert is_channels_first(Input(), (1, 3, 224, 224))
    assert not is_channels_first(Input(), (1, 3, 3, 3))
    assert is_channels_first(Input(layout="nchw"), (1, 3, 3, 3))


def test_stretch() -> None:
    image = gradient(10, 20)
    made = prepare(image, Input(kind="image"), tensor((1, 5, 5, 3)), "x")
    expected = np.asarray(Image.fromarray(image).resize((5, 5), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(made[0], expected)


def test_the_shorter_side_is_resized_and_the_centre_cut_out() -> None:
    image = gradient(48, 96)
    made = prepare(image, Input(kind="image", resize="shorter-side"), tensor((1, 28, 28, 3)), "x")
    whole = Image.fromarray(image).resize((64, 32), Image.Resampling.BILINEAR)  # 28 / 0.875 = 32
    np.testing.assert_array_equal(made[0], np.asarray(whole)[2:30, 18:46])
    tall = prepare(
        image.transpose(1, 0, 2).copy(),
        Input(kind="image", resize="shorter-side", resize_to=(32,)),
        tensor((1, 28, 28, 3)),
        "x",
    )
    np.testing.assert_array_equal(tall[0], made[0].transpose(1, 0, 2))


def test_the_shorter_side_covers_a_tensor_that_is_not_square() -> None:
    contract = Input(kind="image", resize="shorter-side", crop=1.0)
    made = prepare(gradient(30, 40), contract, tensor((1, 10, 40, 3)), "x")
    np.testing.assert_array_equal(made[0], gradient(10, 40))


def test_resize_none_wants_the_size_of_the_tensor() -> None:
    contract = Input(kind="image", resize="none")
    assert prepare(gradient(4, 6), contract, tensor((1, 4, 6, 3)), "x").shape == (1, 4, 6, 3)
    with pytest.raises(InvalidInput, match="an image of 6 x 4, the model wants 4 x 4") as caught:
        prepare(gradient(4, 6), contract, tensor((1, 4, 4, 3)), "photo.png")
    assert caught.value.where == "photo.png"


def test_any_size_keeps_the_image_as_it_is() -> None:
    made = prepare(gradient(4, 6), Input(kind="image"), tensor((1, -1, -1, 3)), "x")
    assert made.shape == (1, 4, 6, 3)


def test_gray(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "a.png")
    made = load(tmp_path / "a.png", Input(kind="image"), tensor((1, 4, 4, 1)))
    assert set(made.ravel()) == {76.0}  # 0.299 * 255
    three = prepare(gradient(4, 4, 1), Input(kind="image"), tensor((1, 4, 4, 3)), "x")
    np.testing.assert_array_equal(three[0, 0, 3], [3, 3, 3])
    with pytest.raises(InvalidInput, match="an image of 3 channels, the model wants 1"):
        prepare(gradient(4, 4), Input(kind="image"), tensor((1, 4, 4, 1)), "x")


def test_a_flat_image(tmp_path: Path) -> None:
    image = gradient(28, 28, 1)
    made = prepare(image[:, :, 0], Input(kind="image"), tensor((1, 784)), "x")
    np.testing.assert_array_equal(made.ravel(), image.ravel())


def test_a_tensor_that_is_no_image() -> None:
    with pytest.raises(InvalidContract, match="is no image"):
        prepare(gradient(4, 4), Input(kind="image"), tensor((5,)), "x")


def test_quantize_rounds_half_to_even_and_clamps() -> None:
    real = np.array([-1e9, -1.5, -0.5, 0.5, 1.5, 2.5, 1e9, np.inf], np.float32)
    stored = quantize(real, 1.0, 0, INT8)
    np.testing.assert_array_equal(stored, [-128, -2, 0, 0, 2, 2, 127, 127])
    np.testing.assert_array_equal(quantize(real, 1.0, 10, BYTE)[:4], [0, 8, 10, 10])


def test_dequantize() -> None:
    np.testing.assert_array_equal(
        dequantize(np.array([-128, 0, 127], np.int8), 0.5, -128),
        np.array([0, 64, 127.5], np.float32),
    )


def test_an_image_in_a_quantised_tensor() -> None:
    image = np.array([0, 1, 128, 255], np.uint8).reshape(2, 2, 1)
    target = tensor((1, 2, 2, 1), INT8, 1 / 255, -128)
    made = prepare(image, Input(kind="image", scale=(1 / 255,)), target, "x")
    assert made.dtype == np.int8
    np.testing.assert_array_equal(made.ravel(), [-128, -127, 0, 127])


def test_an_image_in_a_tensor_of_bytes() -> None:
    image = np.array([0, 1, 128, 255], np.uint8).reshape(2, 2, 1)
    target = tensor((1, 2, 2, 1), BYTE, 1 / 128, 128)
    raw = prepare(image, Input(kind="image"), target, "x")
    np.testing.assert_array_equal(raw.ravel(), image.ravel())
    real = prepare(image, Input(kind="image", mean=(127.5,), scale=(1 / 127.5,)), target, "x")
    np.testing.assert_array_equal(real.ravel(), [0, 1, 129, 255])


def test_values_are_stored_or_real() -> None:
    target = tensor((3,), INT8, 0.5, 1)
    stored = np.array([1, 2, 3], np.int8)
    np.testing.assert_array_equal(prepare(stored, Input(), target, "x"), stored)
    np.testing.assert_array_equal(prepare(stored, Input(values="real"), target, "x"), [3, 5, 7])
    np.testing.assert_array_equal(
        prepare(stored.astype(np.float32), Input(), target, "x"), [3, 5, 7]
    )
    np.testing.assert_array_equal(
        prepare(stored, Input(values="stored", mean=(1.0,)), target, "x"), [0, 1, 2]
    )
    with pytest.raises(InvalidInput, match="is uint8 the real value"):
        prepare(stored.astype(np.uint8), Input(), target, "x")


def test_a_prepared_image_is_taken_as_it_is() -> None:
    contract = Input(kind="image", mean=(127.5,), scale=(1 / 127.5,), values="stored")
    prepared = np.full((1, 2, 2, 3), 0.5, np.float32)
    np.testing.assert_array_equal(prepare(prepared, contract, tensor((1, 2, 2, 3)), "x"), prepared)
    target = tensor((1, 2, 2, 3), INT8, 0.25, 1)
    assert set(prepare(prepared, contract, target, "x").ravel()) == {3}
    stored = np.full((1, 2, 2, 3), 9, np.int8)
    np.testing.assert_array_equal(prepare(stored, contract, target, "x"), stored)
    with pytest.raises(InvalidInput, match="is int16 the real value"):
        prepare(stored.astype(np.int16), contract, target, "x")
    batch = prepare(gradient(2, 2)[None], Input(kind="image"), tensor((1, 2, 2, 3)), "x")
    np.testing.assert_array_equal(batch[0], gradient(2, 2))
    with pytest.raises(InvalidInput, match="is no image"):
        prepare(np.zeros((2, 2, 2, 3), np.uint8), Input(kind="image"), tensor((1, 2, 2, 3)), "x")


def test_numbers_that_the_tensor_cannot_hold() -> None:
    np.testing.assert_array_equal(
        cast_exactly(np.array([1.0, 2.0]), np.dtype("int32"), "x"), [1, 2]
    )
    for value in (0.5, 3e9, np.nan):
        with pytest.raises(InvalidInput, match="is no int32"):
            cast_exactly(np.array([value]), np.dtype("int32"), "x")
    with pytest.raises(InvalidInput, match="NaN cannot be stored"):
        prepare(np.array([np.nan], np.float32), Input(), tensor((1,), INT8, 1.0), "x")


def test_shapes() -> None:
    assert prepare(np.ones(490), Input(), tensor((1, 49, 10, 1)), "x").shape == (1, 49, 10, 1)
    assert prepare(np.ones((7, 3)), Input(), tensor((-1, -1, 3)), "x").shape == (1, 7, 3)
    with pytest.raises(InvalidInput, match=r"a sample of shape \(489,\), input 'x' has shape"):
        prepare(np.ones(489), Input(), tensor((1, 49, 10, 1)), "x")
    with pytest.raises(InvalidInput, match="a sample of shape"):
        prepare(np.ones((7, 4)), Input(), tensor((-1, -1, 3)), "x")


def test_dtype_and_shape_that_the_contract_states() -> None:
    stated = Input(dtype="float32", shape=(-1, 3))
    assert prepare(np.ones(3), stated, tensor((1, 3)), "x").shape == (1, 3)
    with pytest.raises(InvalidContract, match="'x' is int8, the contract says float32"):
        prepare(np.ones(3), stated, tensor((1, 3), INT8, 1.0), "x")
    for shape in ((1, 4), (3,)):
        with pytest.raises(InvalidContract, match="the contract says"):
            prepare(np.ones(3), stated, tensor(shape), "x")


def test_as_many_means_as_channels() -> None:
    with pytest.raises(InvalidContract, match="2 means for 3 channels"):
        prepare(gradient(2, 2), Input(kind="image", mean=(1, 2)), tensor((1, 2, 2, 3)), "x")


def test_the_sample_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 4, "NONE", ""))
        file.writeframes(bytes(8))
    assert load(path, Input(kind="audio", sample_rate=8_000), tensor((1, 4))).shape == (1, 4)
    with pytest.raises(InvalidInput, match="8000 samples per second, the model wants 16000"):
        load(path, Input(kind="audio", sample_rate=16_000), tensor((1, 4)))


def test_raw_bytes_take_the_dtype_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes([0, 255]))
    made = load(path, Input(sample_dtype="int8", mean=(83,), scale=(0.5,)), tensor((1, 2)))
    np.testing.assert_array_equal(made, [[-41.5, -42]])


def test_rows_of_features() -> None:
    row = Row(2, "x", {"a": "1", "b": "2.5", "label": "x"})
    made = load_row(row, Input(kind="features", columns=("b", "a")), tensor((1, 2)))
    np.testing.assert_array_equal(made, [[2.5, 1]])
    with pytest.raises(InvalidContract, match="no column 'c'"):
        load_row(row, Input(columns=("c",)), tensor((1, 1)))
    with pytest.raises(InvalidInput, match="not a number"):
        load_row(row, Input(), tensor((1, 3)))


def litert_correct(model: Path, table: Path, contract: Input, offset: int = 0) -> int:
    """How many samples of a table LiteRT classifies rightly after our preprocessing."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ai_edge_litert.interpreter import Interpreter

    runtime = Interpreter(model_path=str(model), num_threads=1)
    runtime.allocate_tensors()
    (entry,), (out, *_) = runtime.get_input_details(), runtime.get_output_details()
    scale, zero = entry["quantization"]
    shape = tuple(map(int, entry["shape"]))
    target = Tensor(entry["name"], np.dtype(entry["dtype"]), shape, scale or None, zero)
    correct = 0
    for row in read_table(table).rows:
        runtime.set_tensor(entry["index"], load_row(row, contract, target))
        runtime.invoke()
        answer = int(np.argmax(runtime.get_tensor(out["index"])))
        correct += answer == class_index(row.label, (), offset)
    return correct


SHORTER = {"kind": "image", "resize": "shorter-side"}


# Folder and model, table, contract, index of class 0, and how many MANIFEST.md says are right.
COUNTS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "kws/models/dscnn_int8.tflite": ("kws/labels.csv", {}, 0, 449),
    "kws/models/dscnn_float32.tflite": (
        "kws/labels.csv",
        {"sample_dtype": "int8", "mean": 83, "scale": 0.58470291},
        0,
        449,
    ),
    "vww/models/vww_96_int8.tflite": (
        "coco/vww_labels.csv",
        {"kind": "image", "scale": 1 / 255},
        0,
        41,
    ),
    "cifar10/models/resnet8_mlperf.tflite": ("cifar10/labels.csv", {"kind": "image"}, 0, 751),
    "imagenet/models/mobilenet_v1_0.25_224_quant.tflite": ("imagenet/labels.csv", SHORTER, 1, 222),
    "imagenet/models/mobilenet_v1_0.25_224_float.tflite": (
        "imagenet/labels.csv",
        {**SHORTER, "mean": 127.5, "scale": 1 / 127.5},
        1,
        229,
    ),
}


@pytest.mark.models
@pytest.mark.parametrize(
    "model", [pytest.param(m, marks=pytest.mark.slow if "imagenet" in m else ()) for m in COUNTS]
)
def test_published_counts_are_met(models: Path, model: str) -> None:
    """The counts are LiteRT's default kernels'; another CPU may turn a near tie."""
    table, contract, offset, correct = COUNTS[model]
    found = litert_correct(models / model, models / table, Input(**contract), offset)
    assert abs(found - correct) <= 2
