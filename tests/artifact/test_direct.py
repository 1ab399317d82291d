"""Calls on the caller's own arrays: right answers for every kind of array, and nothing shared."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from edgewright.artifact import direct
from edgewright.artifact.direct import Direct, Form

Array = npt.NDArray[Any]
SHAPE = (2, 3)
LARGE = (direct.COPIED_BYTES,)


class Io(ctypes.Structure):
    """Two inputs, their sum, and the first one doubled."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("a", "b", "sum", "double", "out_dims")]


class Model:
    """What stands for a function in C; notes where it read."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape, self.status = shape, 0
        self.read: list[int] = []

    def __call__(self, io: Any, *rest: Any) -> int:
        assert rest == ("arena", "weights")
        fields = Io.from_buffer(io._obj)
        a, b, total, double = map(self._at, (fields.a, fields.b, fields.sum, fields.double))
        self.read = [fields.a, fields.b]
        total[...], double[...] = a + b, 2 * a
        return self.status

    def _at(self, address: int) -> Array:
        assert address % 4 == 0
        numbers = ctypes.POINTER(ctypes.c_float)
        return np.ctypeslib.as_array(ctypes.cast(address, numbers), self.shape)


def fail(status: int) -> None:
    raise RuntimeError(f"status {status}")


def prepared(shape: tuple[int, ...] = SHAPE) -> tuple[Direct, Model]:
    forms = [Form(name, np.dtype(np.float32), shape) for name in "ab"]
    outputs = [Form(name, np.dtype(np.float32), shape) for name in ("sum", "double")]
    model = Model(shape)
    new = ctypes.c_char * ctypes.sizeof(Io)
    return Direct(new, forms, outputs, model, ("arena", "weights"), fail), model


def numbers(shape: tuple[int, ...] = SHAPE, start: float = 0.0) -> Array:
    return np.arange(start, start + np.prod(shape), dtype=np.float32).reshape(shape)


def check(call: Direct, a: Array, b: Array) -> None:
    found = call.run({"b": b, "a": a})
    assert found is not None
    assert list(found) == ["sum", "double"]
    np.testing.assert_array_equal(found["sum"], a + b)
    np.testing.assert_array_equal(found["double"], 2 * a)


def read_only(array: Array) -> Array:
    held = array.copy()
    held.flags.writeable = False
    return held


def odd(array: Array) -> Array:
    """At an address that is no multiple of four."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    held = memory[1:].view(np.float32).reshape(array.shape)
    held[...] = array
    return held


KINDS: dict[str, Callable[[Array], Array]] = {
    "plain": np.copy,
    "read-only": read_only,
    "fortran": np.asfortranarray,
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "reversed": lambda a: a[::-1].copy()[::-1],
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "odd": odd,
}


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_every_kind(kind: str) -> None:
    call, _ = prepared()
    for start in (0.0, 5.0, 0.0):
        check(call, KINDS[kind](numbers(start=start)), numbers(start=7.0))
        check(call, numbers(start=9.0), KINDS[kind](numbers(start=start)))


def test_arrays_are_read_where_they_lie() -> None:
    call, model = prepared()
    a, b = numbers(), numbers(start=1.0)
    check(call, a, b)
    assert model.read == [a.ctypes.data, b.ctypes.data]
    a += 1
    check(call, a, b)
    check(call, b, a)
    assert model.read == [b.ctypes.data, a.ctypes.data]


@pytest.mark.parametrize("given", [
    {"a": numbers()}, {"a": numbers(), "c": numbers()}, [numbers(), numbers()],
    {"a": numbers(), "b": numbers((3, 2))}, {"a": numbers(), "b": numbers((1, 3))},
    {"a": numbers(), "b": numbers().astype(np.float64)},
    {"a": numbers(), "b": numbers().astype(">f4")}, {"a": numbers(), "b": numbers().tolist()},
    {"a": numbers(), "b": np.ma.array(numbers())}, {"a": numbers(), "b": None},
])  # fmt: skip
def test_other_inputs_are_left_to_others(given: Any) -> None:
    call, model = prepared()
    assert call.run(given) is None
    assert model.read == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_array_that_changes_its_form_in_place() -> None:
    call, _ = prepared()
    a, b = numbers(), cast("Any", numbers())
    check(call, a, b)
    b.dtype = np.dtype(np.int32)
    assert call.run({"a": a, "b": b}) is None
    b.dtype = np.dtype(np.float32)
    b.shape = (3, 2)
    assert call.run({"a": a, "b": b}) is None
    b.shape = SHAPE
    check(call, a, b)


@pytest.mark.parametrize("shape", [SHAPE, LARGE], ids=["small", "large"])
def test_results_stay_as_they_were(shape: tuple[int, ...]) -> None:
    call, _ = prepared(shape)
    zeros = np.zeros(shape, np.float32)
    kept: list[tuple[float, Array]] = []
    for step in range(3 * direct.MOST_HELD):
        found = call.run({"a": numbers(shape, step), "b": zeros})
        assert found is not None
        if step % 4 != 1:  # some are forgotten, of some there is a part left, of others all
            kept.append((step, found["sum"][..., 1:] if step % 3 else found["sum"]))
        del found
        for start, array in kept:
            np.testing.assert_array_equal(array, numbers(shape, start)[..., -array.shape[-1] :])
            assert array.flags.writeable


@pytest.mark.parametrize("hold", [
    memoryview, lambda y: y.ctypes, lambda y: y.reshape(-1).view(np.uint8)[3:],
    lambda y: np.lib.stride_tricks.as_strided(y, (1,), (4,)), lambda y: np.frombuffer(y, "u1"),
])  # fmt: skip
def test_whatever_refers_to_a_result_keeps_it(hold: Callable[[Array], object]) -> None:
    call, _ = prepared()
    given = {"a": numbers(), "b": numbers()}

    def address() -> int:
        found = call.run(given)
        assert found is not None
        return int(found["sum"].ctypes.data)

    first = address()
    assert address() == first
    found = call.run(given)
    assert found is not None
    held = hold(found["sum"])
    del found
    assert address() != first
    del held
    check(call, numbers(), numbers())


def test_the_last_result_is_an_input() -> None:
    call, _ = prepared()
    found = {"sum": numbers()}
    for step in range(1, 6):
        found = call.run({"a": found["sum"], "b": numbers()}) or {}
        np.testing.assert_array_equal(found["sum"], numbers() * (step + 1))


def test_a_status_is_an_error_and_the_next_call_is_not() -> None:
    call, model = prepared()
    model.status = 7
    with pytest.raises(RuntimeError, match="status 7"):
        call.run({"a": numbers(), "b": numbers()})
    model.status = 0
    check(call, numbers(), numbers())


def test_empty_arrays() -> None:
    call, _ = prepared((0, 3))
    found = call.run({"a": numbers((0, 3)), "b": numbers((0, 3))})
    assert found is not None
    assert found["sum"].shape == (0, 3)
