"""conv_transpose: ONNX Runtime's answers, strides, dilations, groups, channels, 8 and 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops.harness import Operand, check_ops, const, one_node, quantised
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import DType, Node, Quant, TensorType

F32 = np.float32
FORMS: list[dict[str, Any]] = [
    {},
    {"stride": (2, 2)},
    {"stride": (2, 3), "pad": ((1, 0), (0, 2)), "output_pad": (1, 2)},
    {"dilation": (2, 1), "pad": ((1, 1), (1, 1))},
    {"stride": (3, 2), "pad": ((0, 1), (1, 1)), "clamp": (-0.5, 0.9)},
]


def test_c(rng: np.random.Generator) -> None:
    cases: list[Any] = []
    for form in FORMS:
        for inputs, outputs, groups in ((3, 5, 1), (4, 17, 1), (16, 16, 1), (6, 4, 2)):
            x = rng.normal(0, 1, (2, 4, 5, inputs)).astype(F32)
            w = rng.normal(0, 1, (outputs, 3, 2, inputs // groups)).astype(F32)
            bias = rng.normal(0, 1, outputs).astype(F32)
            attrs = {**form, "groups": groups}
            cases.append(("conv_transpose", [x, const(w), const(bias)], attrs))
            cases.append(("conv_transpose", [x, const(w)], attrs))
    check_ops(cases)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("groups", [1, 2])
def test_reference_is_onnx_runtimes(
    form: dict[str, Any], groups: int, rng: np.random.Generator
) -> None:
    x = rng.normal(0, 1, (2, 4, 5, 6)).astype(F32)
    w = rng.normal(0, 1, (4, 3, 2, 6 // groups)).astype(F32)
    bias = rng.normal(0, 1, 4).astype(F32)
    (top, bottom), (left, right) = form.get("pad", ((0, 0), (0, 0)))
    given = {"strides": form.get("stride", (1, 1)), "dilations": form.get("dilation", (1, 1)),
             "pads": [top, left, bottom, right], "group": groups,
             "output_padding": form.get("output_pad", (0, 0))}  # fmt: skip
    # ONNX: [I, O / groups, KH, KW]; ours: [O, KH, KW, I / groups]
    per_group = np.split(w, groups, axis=0)
    theirs = np.concatenate([part.transpose(3, 0, 1, 2) for part in per_group])
    (wanted,) = onnx_node("ConvTranspose", [x.transpose(0, 3, 1, 2), theirs, bias], **given)
    call = ops.Call([TensorType(DType.FLOAT32, a.shape) for a in (x, w, bias)],
                    [TensorType(DType.FLOAT32, ())])  # fmt: skip
    ours = ops.of(Node("conv_transpose", [], [], {**form, "groups": groups}))
    result = ours.reference(call, x, w, bias)
    wanted = np.clip(wanted, *form.get("clamp", (-np.inf, np.inf)))
    np.testing.assert_allclose(result, wanted.transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16])
def test_quantised(dtype: type[np.integer[Any]], mode: str, rng: np.random.Generator) -> None:
    edges, held = np.iinfo(dtype), DType.of(np.dtype(dtype))
    stored = np.uint8 if dtype is np.uint8 else np.int8
    wide = np.int64 if dtype is np.int16 else np.int32
    cases: list[Any] = []
    for form in FORMS:
        for inputs, outputs, groups in ((3, 5, 1), (6, 18, 2)):
            x = rng.integers(edges.min, edges.max, (1, 4, 5, inputs), endpoint=True).astype(dtype)
            shape = (outputs, 3, 2, inputs // groups)
            w = rng.integers(0, 127, shape).astype(stored)
            bias = rng.integers(-999, 999, outputs).astype(wide)
            scales = tuple(float(F32(s)) for s in rng.uniform(0.001, 0.01, outputs))
            per_tensor = Quant.per_tensor(0.01, 60)
            quant = per_tensor if dtype is np.uint8 else Quant(scales, (0,) * outputs, axis=0)
            attrs = {**form, "groups": groups}
            node = Node("conv_transpose", [], [], attrs)
            zero = 0 if dtype is np.int16 else 5
            given = quantised(x, 0.05 if dtype is not np.int16 else 3e-4, zero)
            result = ops.of(node).infer(TensorType(held, x.shape), TensorType(held, w.shape))
            assert isinstance(result, TensorType)
            outputs_ = [result.with_quant(Quant.per_tensor(0.02, zero))]
            operands = [given, Operand(w, quant, True), const(bias)]
            cases.append(("conv_transpose", operands, {**attrs, "outputs": outputs_}))
    check_ops(cases, requantization=mode)


def test_what_does_not_fit_is_an_error() -> None:
    x, w = np.zeros((1, 3, 3, 2), F32), np.zeros((4, 3, 3, 3), F32)
    with pytest.raises(InvalidGraph, match="channels"):
        one_node("conv_transpose", [x, w])
    with pytest.raises(InvalidGraph, match="leaves nothing"):
        one_node("conv_transpose", [x, w[..., :2]], pad=((9, 9), (9, 9)))
