"""TensorFlow Lite files, written with builtin operators only."""

from __future__ import annotations

from typing import Literal

from edgewright.data.contract import Contract
from edgewright.exporters import Exported
from edgewright.graph import Module

Weights = Literal["as_is", "float16", "dynamic_range"]
SUFFIX = ".tflite"


def export(
    module: Module,
    *,
    weights: Weights = "as_is",
    channels_first: bool = False,
    contract: Contract | None = None,
) -> Exported:
    """Write a module as a .tflite file. The module is not changed.

    Args:
        module: optimised (`load_model(path).module`), so that transposes are gone.
        weights: how the float32 weights of large constants are stored: as they are, in float16, or
            as int8 per channel with the activations left in float32.
        channels_first: keep the interface of a channels-first source, with a transpose at each
            end; otherwise images come and go channels-last.
        contract: what the numbers mean; stored as TFLite metadata when it says something.

    Raises:
        UnsupportedModel, Problems: everything that TensorFlow Lite cannot express, each by name.
    """
    raise NotImplementedError
