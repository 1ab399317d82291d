"""int8 variants of ONNX nets: QDQ, one scale per channel, made by ONNX Runtime's own quantiser.

Activations are uint8 and weights int8: of the forms that ONNX Runtime reads this is its fastest on
x86. Calibration images are seeded random numbers, as for the norms' statistics.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from benchmarks.nets.net import samples

SAMPLES = 6


class _Samples:
    """Calibration data as the quantiser wants it: one dictionary at a time, then None."""

    def __init__(self, model: onnx.ModelProto, count: int) -> None:
        random = np.random.default_rng(1)
        batches = {i.name: samples(random, [count, *_shape(i)[1:]]) for i in model.graph.input}
        self._left = [{n: b[i : i + 1] for n, b in batches.items()} for i in range(count)]

    def get_next(self) -> dict[str, Any] | None:
        return self._left.pop() if self._left else None


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def quantise(source: Path, destination: Path) -> Path:
    """Write the int8 form of `source` unless it is there.

    Raises whatever ONNX Runtime's quantiser raises on nets that it cannot do.
    """
    if destination.exists():
        return destination
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    logging.getLogger().setLevel(logging.ERROR)  # it recommends its own preprocessing
    CalibrationDataReader.register(_Samples)
    model = onnx.shape_inference.infer_shapes(onnx.load(source))
    temporary = destination.with_suffix(".partial")
    quantize_static(
        model, temporary, _Samples(model, SAMPLES), quant_format=QuantFormat.QDQ,
        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
    )  # fmt: skip
    temporary.rename(destination)
    return destination
