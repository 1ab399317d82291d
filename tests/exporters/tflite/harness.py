"""One-node modules, exported, run in LiteRT and compared with the NumPy reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.exporters import Exported
from edgewright.exporters.tflite import export
from edgewright.graph import DType, Module, Quant, TensorType
from edgewright.importers.tflite.reader import TfliteModel, parse
from edgewright.ops.interpreter import Interpreter
from tests.ops.harness import Operand, one_node

Array = npt.NDArray[Any]
#: float results, as a share of their range; LiteRT's own approximations of exp and tanh are as good
TOLERANCE = 1e-5
#: integers: how far one operator may be off
ONE_STEP = 1


def litert(content: bytes, feeds: dict[str, Array], reference: bool = False) -> dict[str, Array]:
    """LiteRT's outputs by name; in this process, since the file is ours."""
    from ai_edge_litert import interpreter as runtime

    kinds = runtime.OpResolverType
    interpreter = runtime.Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=kinds.BUILTIN_REF if reference else kinds.AUTO,
    )
    for detail in interpreter.get_input_details():
        if tuple(detail["shape"]) != feeds[detail["name"]].shape:
            interpreter.resize_tensor_input(detail["index"], feeds[detail["name"]].shape)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], feeds[detail["name"]])
    interpreter.invoke()
    return {
        d["name"]: np.array(interpreter.get_tensor(d["index"]))
        for d in interpreter.get_output_details()
    }


def check_module(
    module: Module, feeds: dict[str, Array], *, exact: bool = False, **options: Any
) -> Exported:
    """Export, run, compare: floats within TOLERANCE of the range, integers within one step.

    `exact` asks for equal integers; modules of `fixed` arithmetic run on LiteRT's reference
    kernels.
    """
    made = export(module, **options)
    assert export(module, **options).data == made.data
    turned = {}
    for value, name in zip(module.main.inputs, made.inputs, strict=True):
        perm = made.layouts.get(name)
        turned[name] = feeds[value.name].transpose(perm) if perm else feeds[value.name]
    got = litert(made.data, turned, module.requantization == "fixed")
    wanted = Interpreter(module).run(feeds)
    for value, name in zip(module.main.outputs, made.outputs, strict=True):
        perm = made.layouts.get(name)
        compare(got[name], wanted[value.name].transpose(perm) if perm else wanted[value.name],
                0 if exact else ONE_STEP)  # fmt: skip
    return made


def compare(got: Array, wanted: Array, steps: int) -> None:
    """Assert that two arrays are the same, as far as their type asks."""
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    if wanted.dtype.kind == "f":
        finite = wanted[np.isfinite(wanted)]
        span = float(np.ptp(finite)) if finite.size else 0.0
        np.testing.assert_allclose(got, wanted, rtol=TOLERANCE, atol=TOLERANCE * span)
    elif wanted.dtype.itemsize <= 2 and wanted.dtype.kind in "iu":
        difference = np.abs(got.astype(np.int64) - wanted.astype(np.int64))
        assert difference.max(initial=0) <= steps
    else:
        np.testing.assert_array_equal(got, wanted)


def check_op(
    op: str,
    operands: Sequence[Array | Operand | None],
    outputs: Sequence[TensorType] | None = None,
    requantization: str = "float",
    exact: bool = False,
    **attrs: Any,
) -> TfliteModel:
    """`check_module` of one node; returns the file, as our own reader sees it."""
    module, feeds = one_node(op, operands, outputs, requantization, **attrs)
    return parse(check_module(module, feeds, exact=exact).data, "model.tflite")


def codes(model: TfliteModel) -> list[str]:
    """The operators of the first subgraph, in order."""
    return [op.code for op in model.subgraphs[0].operators]


def floats(*shape: int, seed: int = 0) -> Array:
    """Random float32 numbers."""
    return np.random.default_rng([seed, *shape]).normal(0, 2, shape).astype(np.float32)


def codes_of(dtype: str, *shape: int) -> Array:
    """Random codes of an 8- or 16-bit type, all of its range."""
    info = np.iinfo(dtype)
    return np.random.default_rng([1, *shape]).integers(info.min, info.max, shape, dtype=dtype)


def int8(*shape: int, scale: float = 0.05, zero: int = -7) -> Operand:
    """A random int8 operand."""
    return Operand(codes_of("int8", *shape), Quant.per_tensor(scale, zero))


def int16(*shape: int, scale: float = 1e-3) -> Operand:
    """A random int16 operand."""
    return Operand(codes_of("int16", *shape), Quant.per_tensor(scale))


def quantised_type(
    shape: Sequence[int], scale: float = 0.06, zero: int = 3, dtype: str = "int8"
) -> list[TensorType]:
    """The type of one quantised result."""
    return [TensorType(DType(dtype), tuple(shape), Quant.per_tensor(scale, zero))]
