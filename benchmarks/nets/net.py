"""A small builder of ONNX graphs as PyTorch would export them: channels first, norms folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]
OPSET = 17
EPSILON = 1e-5
#: Images from which the statistics of the norms are taken.
CALIBRATION_BATCH = 4
#: Cells along each side of the coarse patterns that random images are made of; 0: single pixels.
PATTERNS = (3, 9, 27, 0)


def samples(random: np.random.Generator, shape: Sequence[int]) -> Array:
    """Random inputs of unit variance; every other image has patterns of several sizes, as photos.

    White noise alone would leave nothing but the mean after a few layers, and norms would then
    amplify what is left of it.
    """
    if len(shape) != 4:
        return random.standard_normal(tuple(shape), np.float32)
    image = np.zeros(tuple(shape), np.float32)
    for cells in PATTERNS:
        rows, columns = (np.arange(n) * (cells or n) // n for n in shape[2:])
        sizes = (cells, cells) if cells else tuple(shape[2:])
        coarse = random.standard_normal((*shape[:2], *sizes), np.float32)
        image += coarse[:, :, rows][:, :, :, columns] / np.float32(sqrt(len(PATTERNS)))
    image[1::2] = random.standard_normal(image[1::2].shape, np.float32)
    return image


@dataclass(frozen=True)
class _Norm:
    """A batch norm that follows a convolution; `finish` measures its statistics."""

    source: str
    result: str
    weight: str
    bias: str
    gamma: Array
    beta: Array


class Net:
    """Appends nodes; every method takes and returns names of tensors.

    Weights are drawn from a seeded generator, scaled as He et al. do. Batch norms get the mean and
    variance that their inputs have over random images, so that activations stay near unit variance
    at any depth; they are then folded into the convolution before, as exporters do.
    """

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.random = np.random.default_rng(seed)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.macs = 0
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, npt.NDArray[Any]] = {}
        self._inputs: list[str] = []
        self._outputs: list[str] = []
        self._norms: list[_Norm] = []

    def input(self, *shape: int) -> str:
        """A float32 input."""
        name = f"input{len(self._inputs) or ''}"
        self._inputs.append(name)
        self.shapes[name] = shape
        return name

    def output(self, name: str) -> None:
        """Make a tensor an output."""
        self._outputs.append(name)

    def constant(self, array: npt.NDArray[Any], hint: str = "constant") -> str:
        """An initializer."""
        name = f"{hint}_{len(self._constants)}"
        self._constants[name] = array
        self.shapes[name] = array.shape
        return name

    def normal(self, *shape: int, fan_in: int, gain: float = 2.0) -> str:
        """Random weights of variance gain / fan_in."""
        drawn = self.random.standard_normal(shape, np.float32) * np.float32(sqrt(gain / fan_in))
        return self.constant(drawn, "weight")

    def op(
        self, kind: str, *inputs: str, shape: Sequence[int] | None = None, **attributes: Any
    ) -> str:
        """Any node of one result; its shape is that of the first operand unless given."""
        return self.ops(kind, *inputs, shapes=[shape or self.shapes[inputs[0]]], **attributes)[0]

    def ops(
        self, kind: str, *inputs: str, shapes: Sequence[Sequence[int]], **attributes: Any
    ) -> list[str]:
        """Any node with a result per shape."""
        names = [f"{kind.lower()}_{len(self._nodes)}_{i}" for i in range(len(shapes))]
        self._nodes.append(
            helper.make_node(kind, inputs, names, f"{kind}_{len(self._nodes)}", **attributes)
        )
        self.shapes.update((n, tuple(s)) for n, s in zip(names, shapes, strict=True))
        return names

    def conv(
        self, x: str, out: int, kernel: int | tuple[int, int] = 1, stride: int = 1, *,
        groups: int = 1, dilation: int = 1, pad: int | tuple[int, int] | None = None,
        act: str = "", norm: bool = True,
    ) -> str:  # fmt: skip
        """Convolution, batch norm, activation; the padding keeps the size unless it is given."""
        size = (kernel, kernel) if isinstance(kernel, int) else kernel
        pads = tuple(dilation * (k - 1) // 2 for k in size) if pad is None else pad
        pads = (pads, pads) if isinstance(pads, int) else pads
        batch, channels, *image = self.shapes[x]
        result = [
            (n + 2 * p - dilation * (k - 1) - 1) // stride + 1
            for n, k, p in zip(image, size, pads, strict=True)
        ]
        fan_in = channels // groups * prod(size)
        gain = 2.0 if norm or act else 1.0
        weight = self.normal(out, channels // groups, *size, fan_in=fan_in, gain=gain)
        bias = self.constant(np.zeros(out, np.float32), "bias")
        self.macs += batch * out * prod(result) * fan_in
        y = self.op(
            "Conv", x, weight, bias, shape=(batch, out, *result), kernel_shape=size,
            strides=(stride, stride), pads=(*pads, *pads), dilations=(dilation, dilation),
            group=groups,
        )  # fmt: skip
        if norm:
            y = self._norm(y, weight, bias)
        return self.act(y, act)

    def _norm(self, x: str, weight: str, bias: str) -> str:
        channels = self.shapes[x][1]
        # Means of a deviation above zero keep most of each activation on its linear side. Around
        # zero, what a ReLU cuts off and the next norm scales up again would amplify any rounding
        # by 1.47 per layer (in variance), and int8 nets would answer noise.
        gamma = self.random.uniform(0.4, 0.8, channels).astype(np.float32)
        beta = self.random.normal(0.6, 0.2, channels).astype(np.float32)
        self._norms.append(_Norm(x, f"{x}_norm", weight, bias, gamma, beta))
        self.shapes[f"{x}_norm"] = self.shapes[x]
        return f"{x}_norm"

    def act(self, x: str, kind: str) -> str:
        """An activation as exporters spell it; "" is none."""
        match kind:
            case "":
                return x
            case "relu":
                return self.op("Relu", x)
            case "relu6":
                return self.op("Clip", x, self.scalar(0.0), self.scalar(6.0))
            case "hardswish":
                return self.op("HardSwish", x)
            case "hardsigmoid":
                return self.op("HardSigmoid", x, alpha=1 / 6, beta=0.5)
            case "silu":
                return self.op("Mul", x, self.op("Sigmoid", x))
            case "gelu":  # the form that exports before opset 20 have
                scaled = self.op("Div", x, self.scalar(sqrt(2.0)))
                one = self.op("Add", self.op("Erf", scaled), self.scalar(1.0))
                return self.op("Mul", self.op("Mul", x, one), self.scalar(0.5))
        raise ValueError(kind)

    def scalar(self, value: float) -> str:
        """A float32 constant of rank 0, one for each value."""
        for name, array in self._constants.items():
            if array.shape == () and array == np.float32(value):
                return name
        return self.constant(np.array(value, np.float32), "scalar")

    def add(self, a: str, b: str) -> str:
        """Sum of two tensors of one shape."""
        return self.op("Add", a, b)

    def pool(
        self, x: str, kind: str, kernel: int, stride: int, pad: int = 0, ceil_mode: bool = False
    ) -> str:
        """Max or average pooling; averages count the padding, as PyTorch's default does."""
        rounded = ceil if ceil_mode else int
        batch, channels, *image = self.shapes[x]
        result = [rounded((n + 2 * pad - kernel) / stride) + 1 for n in image]
        more = {"count_include_pad": 1} if kind == "AveragePool" else {}
        return self.op(
            kind, x, shape=(batch, channels, *result), kernel_shape=(kernel, kernel),
            strides=(stride, stride), pads=(pad,) * 4, ceil_mode=int(ceil_mode), **more,
        )  # fmt: skip

    def global_pool(self, x: str) -> str:
        """[N,C,H,W] -> [N,C,1,1]."""
        return self.op("GlobalAveragePool", x, shape=(*self.shapes[x][:2], 1, 1))

    def concat(self, parts: Sequence[str], axis: int = 1) -> str:
        """Join along an axis."""
        shape = list(self.shapes[parts[0]])
        shape[axis] = sum(self.shapes[p][axis] for p in parts)
        return self.op("Concat", *parts, shape=shape, axis=axis)

    def reshape(self, x: str, *shape: int) -> str:
        """All sizes are given."""
        return self.op("Reshape", x, self.constant(np.array(shape, np.int64)), shape=shape)

    def transpose(self, x: str, *perm: int) -> str:
        """Permute the axes."""
        old = self.shapes[x]
        return self.op("Transpose", x, shape=[old[p] for p in perm], perm=perm)

    def resize(self, x: str, height: int, width: int, mode: str) -> str:
        """As `interpolate` is exported: "linear" with half pixels, or "nearest"."""
        sizes = (*self.shapes[x][:2], height, width)
        modes = (
            {"coordinate_transformation_mode": "half_pixel", "mode": "linear"}
            if mode == "linear"
            else {"coordinate_transformation_mode": "asymmetric", "mode": "nearest",
                  "nearest_mode": "floor"}
        )  # fmt: skip
        return self.op(
            "Resize", x, "", "", self.constant(np.array(sizes, np.int64)), shape=sizes, **modes
        )

    def linear(self, x: str, out: int) -> str:
        """x [N,K] -> [N,out] by Gemm with bias."""
        rows, depth = self.shapes[x]
        self.macs += rows * depth * out
        weight = self.normal(out, depth, fan_in=depth, gain=1.0)
        bias = self.constant(self.random.normal(0.0, 0.1, out).astype(np.float32), "bias")
        return self.op("Gemm", x, weight, bias, shape=(rows, out), transB=1)

    def classifier(self, x: str, classes: int = 1000) -> None:
        """Global pooling, a linear layer, the output."""
        pooled = self.op("Flatten", self.global_pool(x), shape=self.shapes[x][:2], axis=1)
        self.output(self.linear(pooled, classes))

    def finish(self) -> onnx.ModelProto:
        """Measure the norms' statistics, fold the norms, check the model."""
        if self._norms:
            self._fold(self._statistics())
        model = self._model(self._renamed(), self._outputs, dict(self._constants))
        onnx.checker.check_model(model, full_check=True)
        return model

    def _fold(self, statistics: dict[str, Array]) -> None:
        for norm in self._norms:
            mean, variance = statistics[f"{norm.source}_mean"], statistics[f"{norm.source}_var"]
            factor = norm.gamma.astype(np.float64) / np.sqrt(variance.reshape(-1) + EPSILON)
            weight = self._constants[norm.weight]
            folded = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
            self._constants[norm.weight] = folded.astype(np.float32)
            self._constants[norm.bias] = (norm.beta - mean.reshape(-1) * factor).astype(np.float32)

    def _renamed(self) -> list[onnx.NodeProto]:
        """The nodes, with each folded norm's result standing for its operand."""
        names = {norm.result: norm.source for norm in self._norms}
        nodes = []
        for node in self._nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            del copy.input[:]
            copy.input.extend(names.get(name, name) for name in node.input)
            nodes.append(copy)
        self._outputs = [names.get(name, name) for name in self._outputs]
        return nodes

    def _statistics(self) -> dict[str, Array]:
        """Mean and variance of each norm's operand, in one run over a batch of random images."""
        import onnxruntime

        by_source = {norm.source: norm for norm in self._norms}
        nodes: list[onnx.NodeProto] = []
        constants = dict(self._constants)
        for node in self._nodes:
            nodes.append(node)
            if node.op_type in ("Resize", "Reshape"):  # their last operand is a shape
                constants[node.input[-1]] = np.array(
                    [CALIBRATION_BATCH, *constants[node.input[-1]][1:]]
                )
            if node.output[0] in by_source:
                nodes += _measured_norm(by_source[node.output[0]], constants)
        wanted = [f"{n.source}_{kind}" for n in self._norms for kind in ("mean", "var")]
        model = self._model(nodes, wanted, constants, typed=False)
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        random = np.random.default_rng(0)
        fed = {n: samples(random, (CALIBRATION_BATCH, *self.shapes[n][1:])) for n in self._inputs}
        return dict(zip(wanted, session.run(wanted, fed), strict=True))

    def _model(
        self, nodes: list[onnx.NodeProto], outputs: Sequence[str],
        constants: dict[str, npt.NDArray[Any]], typed: bool = True,
    ) -> onnx.ModelProto:  # fmt: skip
        def info(name: str) -> onnx.ValueInfoProto:
            shape = self.shapes[name] if typed else None
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes, self.name, [info(n) for n in self._inputs], [info(n) for n in outputs],
            [numpy_helper.from_array(a, n) for n, a in constants.items() if n in used],
        )  # fmt: skip
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=9, producer_name="suite")


def _measured_norm(norm: _Norm, constants: dict[str, npt.NDArray[Any]]) -> list[onnx.NodeProto]:
    """A norm over its operand's own statistics, which become tensors NAME_mean and NAME_var."""
    x = norm.source
    spread = (1, -1, 1, 1)
    constants |= {f"{x}_gamma": norm.gamma.reshape(spread), f"{x}_beta": norm.beta.reshape(spread)}
    constants["epsilon"] = np.array(EPSILON, np.float32)
    node = helper.make_node
    return [
        node("ReduceMean", [x], [f"{x}_mean"], axes=[0, 2, 3], keepdims=1),
        node("Sub", [x, f"{x}_mean"], [f"{x}_centred"]),
        node("Mul", [f"{x}_centred", f"{x}_centred"], [f"{x}_square"]),
        node("ReduceMean", [f"{x}_square"], [f"{x}_var"], axes=[0, 2, 3], keepdims=1),
        node("Add", [f"{x}_var", "epsilon"], [f"{x}_positive"]),
        node("Sqrt", [f"{x}_positive"], [f"{x}_deviation"]),
        node("Div", [f"{x}_centred", f"{x}_deviation"], [f"{x}_unit"]),
        node("Mul", [f"{x}_unit", f"{x}_gamma"], [f"{x}_scaled"]),
        node("Add", [f"{x}_scaled", f"{x}_beta"], [norm.result]),
    ]
