"""Element types, quantisation, tensor types."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from edgewright.graph import DType, Quant, Symbol, TensorType
from tests.graph.strategies import SYMBOLS, environments, types

H = Symbol("h", 1, 8)
#: dtype -> bits, bytes of an element in C, C type, NumPy dtype
FACTS = {
    "bool": (8, 1, "uint8_t", "bool"),
    "int4": (4, 1, "int8_t", "int8"),
    "uint4": (4, 1, "uint8_t", "uint8"),
    "int8": (8, 1, "int8_t", "int8"),
    "uint16": (16, 2, "uint16_t", "uint16"),
    "int64": (64, 8, "int64_t", "int64"),
    "float16": (16, 2, "uint16_t", "float16"),
    "bfloat16": (16, 2, "uint16_t", "uint16"),
    "float32": (32, 4, "float", "float32"),
    "float64": (64, 8, "double", "float64"),
}


@pytest.mark.parametrize("name", sorted(FACTS))
def test_element_types(name: str) -> None:
    dtype = DType(name)
    assert (dtype.bits, dtype.itemsize, dtype.c, dtype.numpy.name) == FACTS[name]


@pytest.mark.parametrize("dtype", DType)
def test_a_c_element_is_as_wide_as_the_array_that_holds_it(dtype: DType) -> None:
    assert dtype.numpy.itemsize == dtype.itemsize
    assert [dtype.is_float, dtype.is_integer, dtype is DType.BOOL].count(True) == 1


def test_types_of_arrays() -> None:
    assert DType.of(np.dtype("<i2")) is DType.INT16
    assert DType.of(np.float64) is DType.FLOAT64
    with pytest.raises(ValueError, match="object"):
        DType.of(np.dtype(object))


def test_scales_are_float32() -> None:
    assert Quant.per_tensor(0.1).scale == (float(np.float32(0.1)),)
    assert Quant.per_tensor(0.1) == Quant.per_tensor(float(np.float32(0.1)), 0)


@pytest.mark.parametrize(
    ("scale", "zero", "axis"), [((), (), None), ((1.0,), (), None), ((1.0, 2.0), (0, 0), None)]
)
def test_quantisation_must_fit_itself(
    scale: tuple[float, ...], zero: tuple[int, ...], axis: int | None
) -> None:
    with pytest.raises(ValueError, match="scale"):
        Quant(scale, zero, axis)


def test_sizes_in_memory() -> None:
    type = TensorType(DType.INT16, (2, H, 3))
    assert type.max_bytes == 2 * 8 * 3 * 2
    assert type.count == 6 * H
    assert TensorType(DType.FLOAT32, ()).max_bytes == 4


def test_a_run_time_shape_has_no_numbers() -> None:
    type = TensorType(DType.INT8, (2, H))
    assert not type.is_static
    assert type.at({"h": 5}) == (2, 5)
    with pytest.raises(TypeError, match=r"int8\[2,h\] has run-time sizes"):
        _ = type.dims
    assert type.with_shape(4, 1).dims == (4, 1)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a machine with other work
@given(types(), environments())
def test_the_largest_size_bounds_every_size(type: TensorType, env: dict[str, int]) -> None:
    if all(size >= 0 for size in type.at(env)):
        assert int(np.prod(type.at(env))) * type.dtype.itemsize <= type.max_bytes


def test_text() -> None:
    quant = Quant((0.5, 0.25), (3, -4), axis=1, block=32)
    type = TensorType(DType.INT8, (H, 2), quant)
    assert str(type) == "int8[h,2]<axis=1 block=32 0.5:3, 0.25:-4>"
    assert SYMBOLS[0] != H  # equal names, other bounds: another size
