"""A copy of an .onnx file that takes inputs of other sizes than it states."""

from __future__ import annotations

from collections.abc import Collection


def without_sizes(content: bytes, inputs: Collection[str]) -> bytes:
    """The file with the named inputs' sizes left open, and what followed from them with them.

    ONNX Runtime refuses inputs whose sizes differ from the stated ones, which an exporter often
    wrote down for no reason; `--shape` says that others are wanted.

    Args:
        content: the bytes of an .onnx file that our reader has accepted.
        inputs: names of inputs.
    """
    import onnx

    model = onnx.load_from_string(content)
    for value in model.graph.input:
        if value.name in inputs:
            for axis, dim in enumerate(value.type.tensor_type.shape.dim):
                dim.dim_param = f"{value.name}_{axis}"
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return bytes(model.SerializeToString())
