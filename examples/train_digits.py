"""Train the demo model: a small convolutional net on scikit-learn's handwritten digits.

    python examples/train_digits.py            # about a minute; needs scikit-learn and onnxruntime
    python examples/train_digits.py --seed 1   # the same network with other weights

NumPy does the training, so that anybody can repeat it. Matrix products differ in their last bits
from CPU to CPU, so another machine gets another model of the same accuracy: the committed one is
the reference, and `SHA256SUMS` names it.

The data are 1797 images of 8x8 pixels ("Optical Recognition of Handwritten Digits", E. Alpaydin and
C. Kaynak, UCI Machine Learning Repository, 1998, doi:10.24432/C50P49, CC BY 4.0), as scikit-learn
ships them; the images in `examples/digits/` are some of them with the grey levels 0..16 spread over
0..255.
"""

import argparse
import csv
import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from sklearn.datasets import load_digits

Array = npt.NDArray[Any]

HERE = Path(__file__).resolve().parent
TEST_IMAGES = 360
SAVED_IMAGES = 100
EPOCHS = 60
BATCH = 32


@dataclass
class Conv:
    """A 3x3 or 1x1 convolution with bias and padding that keeps the size at stride 1.

    Activations are [N, C, H, W]. Weights are [O, I, K, K]; `depthwise` ones are [C, 1, K, K].
    """

    name: str
    channels_in: int
    channels_out: int
    kernel: int
    stride: int = 1
    depthwise: bool = False
    weights: Array = field(init=False)
    bias: Array = field(init=False)
    saved: tuple[Any, ...] = field(init=False)

    def start(self, rng: np.random.Generator) -> None:
        """He initialisation."""
        inner = 1 if self.depthwise else self.channels_in
        shape = (self.channels_out, inner, self.kernel, self.kernel)
        self.weights = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        self.bias = np.zeros(self.channels_out, np.float32)

    def forward(self, x: Array) -> Array:
        """The convolution; keeps what `backward` needs."""
        pad = self.kernel // 2
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        windows = np.lib.stride_tricks.sliding_window_view(
            padded, (self.kernel, self.kernel), (2, 3)
        )
        windows = windows[:, :, :: self.stride, :: self.stride]
        self.saved = (padded.shape, windows)
        sums = np.einsum(self._rule(), windows, self._matrix(), optimize=True)
        biased: Array = sums + self.bias[:, None, None]
        return biased

    def backward(self, grad: Array) -> tuple[Array, list[Array]]:
        """Gradients by the input, and by the weights and bias."""
        padded_shape, windows = self.saved
        x, out = ("nchwij", "nchw") if self.depthwise else ("nchwij", "nohw")
        w = "cij" if self.depthwise else "ocij"
        by_weights = np.einsum(f"{x},{out}->{w}", windows, grad, optimize=True)
        spread = np.einsum(f"{out},{w}->{x}", grad, self._matrix(), optimize=True)
        by_padded = np.zeros(padded_shape, np.float32)
        height, width = grad.shape[2] * self.stride, grad.shape[3] * self.stride
        for i in range(self.kernel):
            for j in range(self.kernel):
                by_padded[:, :, i : i + height : self.stride, j : j + width : self.stride] += (
                    spread[..., i, j]
                )
        pad = self.kernel // 2
        inside = slice(pad, -pad or None)
        by_bias = grad.sum((0, 2, 3))
        return by_padded[:, :, inside, inside], [by_weights.reshape(self.weights.shape), by_bias]

    def _matrix(self) -> Array:
        return self.weights[:, 0] if self.depthwise else self.weights

    def _rule(self) -> str:
        return "nchwij,cij->nchw" if self.depthwise else "nchwij,ocij->nohw"


@dataclass
class Net:
    """Convolutions with a ReLU after each, the mean over all pixels, and one dense layer."""

    convs: list[Conv]
    dense: Array = field(init=False)
    dense_bias: Array = field(init=False)
    saved: list[Array] = field(init=False)

    def start(self, rng: np.random.Generator) -> None:
        """Random weights."""
        for conv in self.convs:
            conv.start(rng)
        width = self.convs[-1].channels_out
        self.dense = rng.normal(0, np.sqrt(1 / width), (10, width)).astype(np.float32)
        self.dense_bias = np.zeros(10, np.float32)

    def forward(self, x: Array) -> Array:
        """Logits [N, 10] of images [N, 1, 8, 8]."""
        self.saved = []
        for conv in self.convs:
            x = np.maximum(conv.forward(x), 0)
            self.saved.append(x)
        logits: Array = x.mean((2, 3)) @ self.dense.T + self.dense_bias
        return logits

    def backward(self, grad: Array) -> list[Array]:
        """Gradients in the order of `parameters`."""
        last = self.saved[-1]
        gradients = [grad.T @ last.mean((2, 3)), grad.sum(0)]
        pixels = last.shape[2] * last.shape[3]
        grad = np.broadcast_to((grad @ self.dense)[:, :, None, None] / pixels, last.shape)
        for conv, output in zip(reversed(self.convs), reversed(self.saved), strict=True):
            grad, own = conv.backward(grad * (output > 0))
            gradients += own
        return gradients

    def parameters(self) -> list[Array]:
        """Every trained array, changed in place by the optimiser."""
        found = [self.dense, self.dense_bias]
        for conv in reversed(self.convs):
            found += [conv.weights, conv.bias]
        return found


def network() -> Net:
    """The demo architecture: one ordinary, three depthwise-separable convolutions."""
    return Net(
        [
            Conv("conv1", 1, 16, 3),
            Conv("depthwise2", 16, 16, 3, depthwise=True),
            Conv("pointwise2", 16, 32, 1),
            Conv("depthwise3", 32, 32, 3, stride=2, depthwise=True),
            Conv("pointwise3", 32, 48, 1),
            Conv("depthwise4", 48, 48, 3, depthwise=True),
            Conv("pointwise4", 48, 64, 1),
        ]
    )


def read_data() -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Train and test parts as (uint8 images [N, 8, 8], labels [N]), the same in every run."""
    images, labels = load_digits(return_X_y=True)
    pixels = np.rint(images.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    order = np.random.default_rng(2026).permutation(len(labels))
    test, train = order[:TEST_IMAGES], order[TEST_IMAGES:]
    return (pixels[train], labels[train]), (pixels[test], labels[test])


def to_input(pixels: Array) -> Array:
    """What the model takes: float32 [N, 1, 8, 8] in 0..1."""
    return (pixels.astype(np.float32) / np.float32(255))[:, None]


def train(net: Net, x: Array, labels: Array, rng: np.random.Generator) -> None:
    """Adam on the cross entropy, over images shifted by up to one pixel."""
    net.start(rng)
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in net.parameters()]
    steps = EPOCHS * -(-len(x) // BATCH)
    for step, batch in enumerate(batches(len(x), rng), 1):
        images = shift(x[batch], rng)
        probabilities = softmax(net.forward(images))
        probabilities[np.arange(len(batch)), labels[batch]] -= 1
        gradients = net.backward(probabilities / len(batch))
        rate = 4e-3 * 0.5 * (1 + np.cos(np.pi * step / steps))
        for parameter, gradient, (mean, square) in zip(
            net.parameters(), gradients, moments, strict=True
        ):
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient * gradient - square)
            scale = np.sqrt(square / (1 - 0.999**step)) + 1e-8
            parameter -= rate * (mean / (1 - 0.9**step) / scale + 1e-3 * parameter)


def batches(count: int, rng: np.random.Generator) -> Iterator[Array]:
    """Indices of the batches of all epochs."""
    for _ in range(EPOCHS):
        order = rng.permutation(count)
        yield from (order[i : i + BATCH] for i in range(0, count, BATCH))


def shift(x: Array, rng: np.random.Generator) -> Array:
    """The images, as one moved by up to a pixel each way."""
    down, right = rng.integers(-1, 2, 2)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return padded[:, :, 1 + down : 9 + down, 1 + right : 9 + right]


def softmax(logits: Array) -> Array:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities: Array = powers / powers.sum(-1, keepdims=True)
    return probabilities


def to_onnx(net: Net) -> onnx.ModelProto:
    """The net as ONNX, channels first, opset 17."""
    nodes, constants, value = [], [], "image"
    for conv in net.convs:
        arrays = {f"{conv.name}.weight": conv.weights, f"{conv.name}.bias": conv.bias}
        constants += [numpy_helper.from_array(array, name) for name, array in arrays.items()]
        nodes.append(
            helper.make_node(
                "Conv",
                [value, *arrays],
                [f"{conv.name}_out"],
                name=conv.name,
                kernel_shape=[conv.kernel] * 2,
                strides=[conv.stride] * 2,
                pads=[conv.kernel // 2] * 4,
                group=conv.channels_in if conv.depthwise else 1,
            )
        )
        value = f"{conv.name}_relu"
        nodes.append(helper.make_node("Relu", [f"{conv.name}_out"], [value], name=value))
    constants += [
        numpy_helper.from_array(net.dense, "dense.weight"),
        numpy_helper.from_array(net.dense_bias, "dense.bias"),
    ]
    nodes += [
        helper.make_node("GlobalAveragePool", [value], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["flat"], name="flatten"),
        helper.make_node(
            "Gemm", ["flat", "dense.weight", "dense.bias"], ["logits"], name="dense", transB=1
        ),
        helper.make_node("Softmax", ["logits"], ["scores"], name="softmax", axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 10])],
        constants,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="train_digits.py"
    )
    model.ir_version = 10  # newer ones are refused by runtimes that people still have
    onnx.checker.check_model(model, full_check=True)
    return model


def quantize(source: Path, target: Path, samples: Array) -> None:
    """Write the int8 twin: QDQ form, per-channel weights, calibrated on `samples`."""
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Samples(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rest = iter(samples)

        def get_next(self) -> dict[str, Array] | None:
            sample = next(self.rest, None)
            return None if sample is None else {"image": sample[None]}

    logging.getLogger().setLevel(
        logging.ERROR
    )  # it advises a clean-up that this net has no use for
    quantize_static(
        source,
        target,
        Samples(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=["softmax"],  # its scores stay float
    )


def accuracy(path: Path, x: Array, labels: Array) -> float:
    """Share of right answers of the model file in ONNX Runtime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    answers = [session.run(None, {"image": image[None]})[0].argmax() for image in x]
    return float(np.mean(np.array(answers) == labels))


def write_images(folder: Path, pixels: Array, labels: Array) -> None:
    """Save test images as PNG, with a table of their labels."""
    folder.mkdir(exist_ok=True)
    with (folder / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "label"])
        for i, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            name = f"{i:03}.png"
            Image.fromarray(image).save(folder / name, optimize=True)
            table.writerow([name, label])


def write_checksums(folder: Path) -> None:
    """List the SHA-256 of every file of the demo."""
    files = sorted([*folder.glob("models/*.onnx"), *folder.glob("digits/*.*")])
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n"
        for file in files
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def main() -> None:
    """Train, export, quantise, measure, and write the demo's files."""
    options = argparse.ArgumentParser(description="train the demo model")
    options.add_argument("--seed", type=int, default=0, help="of weights and batches")
    options.add_argument("--out", type=Path, default=HERE, help="folder to write into")
    chosen = options.parse_args()
    models = chosen.out / "models"
    models.mkdir(parents=True, exist_ok=True)

    (train_pixels, train_labels), (test_pixels, test_labels) = read_data()
    net = network()
    train(net, to_input(train_pixels), train_labels, np.random.default_rng(chosen.seed))

    float_model, int8_model = models / "digits_float.onnx", models / "digits_int8.onnx"
    onnx.save(to_onnx(net), float_model)
    quantize(float_model, int8_model, to_input(train_pixels[:256]))
    write_images(chosen.out / "digits", test_pixels[:SAVED_IMAGES], test_labels[:SAVED_IMAGES])
    write_checksums(chosen.out)
    for model in (float_model, int8_model):
        right = accuracy(model, to_input(test_pixels), test_labels)
        saved = accuracy(model, to_input(test_pixels[:SAVED_IMAGES]), test_labels[:SAVED_IMAGES])
        print(
            f"{model.name}: {model.stat().st_size:,} bytes, {right:.2%} of {TEST_IMAGES} test "
            f"images, {saved:.0%} of the {SAVED_IMAGES} saved ones"
        )


if __name__ == "__main__":
    main()
