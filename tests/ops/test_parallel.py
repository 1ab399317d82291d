"""Layers in chunks answer bit for bit as whole ones do, whatever the order of the chunks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ops.harness import _merge, const, one_node, quantised

from edgewright import ops, targets, toolchain
from edgewright.artifact.native import NativeModel
from edgewright.artifact.products import Built
from edgewright.codegen import Code, generate
from edgewright.graph import DType, Graph, Module, Quant, TensorType
from edgewright.ops import parallel
from edgewright.pipeline.files import entry_infos, target_info

SEED = np.random.default_rng(5)
TASK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32)
FOR = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int32, TASK, ctypes.c_void_p)
CHUNKS = 3

Case = tuple[str, list[Any], dict[str, Any]]


def floats(*shape: int) -> Any:
    return SEED.normal(size=shape).astype(np.float32)


def small(dtype: Any, *shape: int) -> Any:
    info = np.iinfo(dtype)
    return SEED.integers(info.min, info.max, shape, dtype, endpoint=True)


def float_conv(x: tuple[int, ...], w: tuple[int, ...], skip: bool = False, **attrs: Any) -> Case:
    operands = [floats(*x), const(floats(*w)), const(floats(w[0]))]
    if skip:
        operands.append(floats(*x[:3], w[0]))
    return "conv", operands, {"clamp": (0.0, 6.0), **attrs}


def byte_conv(dtype: Any, x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...],
              op: str = "conv", **attrs: Any) -> Case:  # fmt: skip
    axis = 0 if op != "depthwise_conv" else 2
    scales = tuple(float(np.float32(s)) for s in SEED.uniform(0.001, 0.01, w[axis]))
    quant = Quant(scales, (0,) * w[axis], axis)
    bias = Quant(tuple(float(np.float32(s * np.float32(0.05))) for s in scales), (0,) * w[axis], 0)
    operands = [
        quantised(small(dtype, *x), 0.05, 3),
        const(small(np.int8, *w), quant),
        const(SEED.integers(-900, 900, w[axis], np.int32), bias),
    ]
    result = TensorType(DType.of(np.dtype(dtype)), y, Quant.per_tensor(0.4, 1))
    return op, operands, {"outputs": [result], **attrs}


PAD = ((1, 1), (1, 1))
CASES: list[Case] = [
    float_conv((1, 23, 17, 16), (48, 1, 1, 16), skip=True),  # rows are shared
    float_conv((1, 7, 5, 96), (100, 1, 1, 96)),  # columns
    float_conv((2, 19, 11, 20), (24, 3, 3, 20), pad=PAD, stride=(2, 2)),
    float_conv((1, 21, 23, 3), (20, 3, 3, 3), pad=PAD),  # gathered windows
    float_conv((1, 15, 13, 32), (32, 3, 3, 16), pad=PAD, groups=2),
    float_conv((1, 21, 19, 16), (32, 3, 3, 16), pad=PAD, skip=True),  # Winograd, tiles
    float_conv((1, 8, 8, 32), (80, 3, 3, 32), pad=PAD),  # and columns
    float_conv((1, 9, 9, 16), (144, 3, 3, 16), pad=((8, 8), (8, 8)), dilation=(8, 8), skip=True),
    float_conv((1, 9, 33, 16), (80, 1, 7, 16), pad=((0, 0), (3, 3)), skip=True),  # strips
    float_conv((1, 20, 17, 160), (160, 1, 1, 160), skip=True),  # Strassen, blocks and columns
    float_conv((2, 5, 6, 256), (288, 1, 1, 256)),
    ("depthwise_conv", [floats(1, 37, 29, 40), const(floats(3, 3, 40)), const(floats(40))],
     {"pad": PAD}),
    ("depthwise_conv", [floats(2, 31, 33, 20), const(floats(5, 5, 40)), const(floats(40))],
     {"pad": ((2, 2), (2, 2)), "stride": (2, 2)}),
    ("fully_connected", [floats(1, 500), const(floats(410, 500)), const(floats(410))], {}),
    ("fully_connected", [floats(50, 64), const(floats(70, 64)), const(floats(70))], {}),
    byte_conv(np.int8, (1, 23, 17, 16), (48, 1, 1, 16), (1, 23, 17, 48)),
    byte_conv(np.uint8, (1, 7, 5, 96), (100, 1, 1, 96), (1, 7, 5, 100)),
    byte_conv(np.int8, (2, 19, 11, 20), (24, 3, 3, 20), (2, 10, 6, 24), pad=PAD, stride=(2, 2)),
    byte_conv(np.int8, (1, 37, 29, 40), (3, 3, 40), (1, 37, 29, 40), "depthwise_conv", pad=PAD),
    byte_conv(np.uint8, (3, 31, 33, 36), (3, 3, 36), (3, 16, 17, 36), "depthwise_conv", pad=PAD,
              stride=(2, 2)),
    byte_conv(np.int8, (1, 21, 19, 64), (48, 3, 3, 64), (1, 21, 19, 48), pad=PAD),  # Winograd
    byte_conv(np.uint8, (1, 24, 18, 32), (128, 3, 3, 32), (1, 24, 18, 128), pad=PAD),
    byte_conv(np.int8, (1, 7, 7, 256), (144, 3, 3, 256), (1, 7, 7, 144), pad=PAD),  # columns
    byte_conv(np.int8, (1, 500), (410, 500), (1, 410), "fully_connected"),
]  # fmt: skip


def whole(cases: list[Case], mode: str) -> tuple[Module, dict[str, Any]]:
    graph, inputs = Graph("main"), {}
    for number, (op, operands, given) in enumerate(cases):
        attrs = dict(given)
        part, arrays = one_node(op, operands, attrs.pop("outputs", None), mode, **attrs)
        _merge(graph, part.main, f"n{number}.")
        inputs.update({f"n{number}.{name}": array for name, array in arrays.items()})
    return Module({"main": graph}, {}, mode), inputs


def opened(module: Module, chunks: int, folder: Path) -> tuple[Code, NativeModel]:
    (target,) = targets.with_threads([targets.get("host")], chunks)
    code = generate(module, target, "test")
    library = toolchain.build_library(
        code.model_c, target, soname="libtest.so", includes={"model.h": code.model_h}
    )
    folder.mkdir()
    (folder / "weights.bin").write_bytes(code.weights)
    (folder / "libtest.so").write_bytes(library.read_bytes())
    info = target_info(code, target, Built("libtest.so", 1, 0), "zig")
    return code, NativeModel(folder, code.name, info, entry_infos(code)[0], threads=1)


def backwards(_: int, count: int, task: Callable[[int, int], None], context: int) -> None:
    for index in reversed(range(count)):
        task(context, index)


def check_bits(plain: NativeModel, cut: NativeModel, inputs: dict[str, Any]) -> None:
    """Whole and in chunks the same bits, at every level, with the chunks in both orders."""
    function = FOR(backwards)
    for level in plain.levels_here():
        plain.use_level(level)
        cut.use_level(level)
        expected = plain.run(inputs)
        for address in (None, ctypes.cast(function, ctypes.c_void_p).value):
            cut._env.parallel_for = address
            found = cut.run(inputs)
            for name, array in expected.items():
                assert array.tobytes() == found[name].tobytes(), f"{name} at {level}"


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_bit_equal_to_whole_layers(mode: str, tmp_path: Path) -> None:
    """At every level, with the chunks in both orders."""
    module, inputs = whole(CASES if mode == "float" else [CASES[-9], *CASES[-5:]], mode)
    _, plain = opened(module, 1, tmp_path / "plain")
    code, cut = opened(module, CHUNKS, tmp_path / "cut")
    assert code.model_c.count("ew_parallel(env, ") == len(module.main.nodes)
    check_bits(plain, cut, inputs)


def test_more_chunks_than_work(tmp_path: Path) -> None:
    """Most of sixteen chunks are empty where there are few rows and columns."""
    cases = [
        float_conv((1, 4, 4, 1024), (16, 1, 1, 1024)),
        float_conv((1, 2, 2, 256), (48, 3, 3, 256), pad=PAD),
    ]
    module, inputs = whole(cases, "float")
    _, plain = opened(module, 1, tmp_path / "plain")
    _, cut = opened(module, 16, tmp_path / "cut")
    expected, found = plain.run(inputs), cut.run(inputs)
    assert all(expected[name].tobytes() == found[name].tobytes() for name in expected)


def test_small_layers_stay_whole() -> None:
    """Cutting them would take longer than they do."""
    (target,) = targets.with_threads([targets.get("host")], 4)
    module, _ = whole([float_conv((1, 4, 4, 16), (16, 1, 1, 16))], "float")
    (node,) = module.main.nodes
    assert ops.of(node).macs(node) < parallel.LEAST_MACS
    assert "ew_parallel" not in generate(module, target, "test").model_c


def test_scratch_of_each_chunk_is_its_own() -> None:
    """Chunks write at the same time: no two share a cache line."""
    module, _ = whole([CASES[2]], "float")
    (node,) = module.main.nodes
    op = ops.of(node)
    (three,) = targets.with_threads([targets.get("host")], 3)
    alone, cut = op.scratch_bytes(node, targets.get("host")), op.scratch_bytes(node, three)
    assert alone > 0
    assert cut % (3 * parallel.ALIGNMENT) == 0
    assert alone <= cut // 3 < alone + parallel.ALIGNMENT
