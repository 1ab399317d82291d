"""One-operator models: imported, interpreted in mode `fixed`, and run by LiteRT's reference."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edgewright.graph import Module
from edgewright.importers import ImportOptions, import_model
from edgewright.ops.interpreter import Interpreter
from edgewright.verify.oracles.single_op import Operand, build

Array = npt.NDArray[Any]
Oracle = Callable[[bytes, dict[str, Array]], list[Array]]
#: scale and zero point of a test tensor by its dtype
QUANTS: dict[str, tuple[float, int]] = {
    "float32": (0.0, 0), "int8": (0.05, -7), "uint8": (0.05, 121), "int16": (0.0007, 0),
}  # fmt: skip
DTYPES = tuple(QUANTS)
TOLERANCE = 1e-5


@dataclass(frozen=True)
class Kind:
    """Element type and quantisation of a tensor; scale 0 is none."""

    dtype: str
    scale: float = 0.0
    zero: int = 0


def kind(dtype: str, factor: float = 1.0) -> Kind:
    """The usual quantisation of a dtype, with the scale times a factor."""
    scale, zero = QUANTS.get(dtype, (0.0, 0))
    return Kind(dtype, float(np.float32(scale * factor)), zero)


def options(name: str, **fields: Any) -> Any:
    """An object of the schema's object API. Raises AssertionError for a field it has not."""
    from ai_edge_litert import schema_py_generated as schema

    made = getattr(schema, name + "OptionsT")()
    for key, value in fields.items():
        assert hasattr(made, key), f"{name}Options has no {key}"
        setattr(made, key, value)
    return made


def random(shape: Sequence[int], dtype: str, seed: int = 0) -> Array:
    """Random elements: small numbers for float32, all codes for 8 bits, extremes included."""
    rng = np.random.default_rng([seed, *shape])
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        return rng.normal(0, 2, shape).astype(dtype)
    info = np.iinfo(dtype)
    low, high = (-30, 30) if dtype in ("int32", "int64") else (info.min, info.max)
    return rng.integers(low, high, shape, endpoint=True).astype(dtype)


def fed(name: str, x: Array, like: Kind | None = None) -> Operand:
    """An input of the model; `Operand.data` holds what it is fed until `run` takes it out."""
    held = like or kind(x.dtype.name)
    scale = (held.scale,) if held.scale else ()
    return Operand(name, x.dtype, x.shape, scale, (held.zero,) if scale else (), data=x)


def const(name: str, data: npt.ArrayLike, dtype: str = "int32") -> Operand:
    """A constant, by default integers such as axes."""
    array = np.asarray(data, dtype)
    return Operand(f"{name}!", array.dtype, array.shape, data=array)


def constant(operand: Operand) -> Operand:
    """The same operand as a constant of the model."""
    return dataclasses.replace(operand, name=f"{operand.name}!")


@dataclass(frozen=True)
class Answer:
    """What the model is, what LiteRT makes of it and what we do."""

    module: Module
    expected: list[Array]
    ours: list[Array]


def run(
    op: str,
    inputs: Sequence[Operand | None],
    results: Sequence[Kind],
    made: Any = None,
    version: int = 1,
    oracle: Oracle | None = None,
) -> Answer:
    """Build, run twice, compare: integers exactly, floats within `TOLERANCE` of the range."""
    given = [x for x in inputs if x and not x.name.endswith("!")]
    feeds = {x.name: x.data for x in given if x.data is not None}
    held = [_without_data(x) for x in inputs]
    # LiteRT knows the shapes of results; files state them, so they are asked for first.
    outputs = [_result(i, k, ()) for i, k in enumerate(results)]
    ask = oracle or litert
    knows = default if ask is micro else ask
    shapes = [y.shape for y in knows(build(op, held, outputs, made, version), feeds)]
    outputs = [_result(i, k, s) for (i, k), s in zip(enumerate(results), shapes, strict=True)]
    content = build(op, held, outputs, made, version)
    expected = ask(content, feeds)
    module = load(content)
    ours = list(Interpreter(module).run(feeds).values())
    for got, wanted in zip(ours, expected, strict=True):
        compare(got, wanted)
    return Answer(module, expected, ours)


def compare(got: Array, wanted: Array) -> None:
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape)
    if wanted.dtype.kind != "f":
        np.testing.assert_array_equal(got, wanted)
        return
    finite = wanted[np.isfinite(wanted)]
    span = float(np.ptp(finite)) if finite.size else 0.0
    np.testing.assert_allclose(got, wanted, rtol=TOLERANCE, atol=TOLERANCE * span)


def _without_data(operand: Operand | None) -> Operand | None:
    if operand is None or operand.name.endswith("!"):
        return operand
    return dataclasses.replace(operand, data=None)


def _result(index: int, like: Kind, shape: tuple[int, ...]) -> Operand:
    scale = (like.scale,) if like.scale else ()
    return Operand(f"y{index}", like.dtype, shape, scale, (like.zero,) if scale else ())


def load(content: bytes) -> Module:
    """Import the bytes of a file, in mode `fixed`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(content)
        module = import_model(path, ImportOptions()).module
    module.requantization = "fixed"
    return module


def litert(content: bytes, feeds: dict[str, Array]) -> list[Array]:
    """The reference kernels' outputs; in this process, since the model is ours."""
    from ai_edge_litert import interpreter as runtime

    return _invoked(content, feeds, runtime.OpResolverType.BUILTIN_REF)


def default(content: bytes, feeds: dict[str, Array]) -> list[Array]:
    """The default kernels', for what has no reference kernel."""
    from ai_edge_litert import interpreter as runtime

    return _invoked(content, feeds, runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


def _invoked(content: bytes, feeds: dict[str, Array], resolver: Any) -> list[Array]:
    from ai_edge_litert import interpreter as runtime

    interpreter = runtime.Interpreter(
        model_content=content, num_threads=1, experimental_op_resolver_type=resolver
    )
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], feeds[detail["name"]])
    interpreter.invoke()
    return [np.array(interpreter.get_tensor(d["index"])) for d in interpreter.get_output_details()]


def micro(content: bytes, feeds: dict[str, Array]) -> list[Array]:
    """TFLite Micro's outputs; the test is skipped where it is not installed."""
    runtime = pytest.importorskip("tflite_micro").runtime
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 20)
    for place, x in enumerate(feeds.values()):
        interpreter.set_input(x, place)
    interpreter.invoke()
    return [np.array(interpreter.get_output(0))]
