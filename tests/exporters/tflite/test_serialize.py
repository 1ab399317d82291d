"""The bytes: identifier, shared and aligned constants, what is too large."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.exporters.tflite.records import File, Operator, Subgraph, Tensor
from edgewright.exporters.tflite.serialize import ALIGNMENT, serialize
from edgewright.graph import Array, TensorType
from edgewright.graph.types import DType
from edgewright.importers.tflite.reader import parse


def constant(name: str, data: Array) -> Tensor:
    return Tensor(name, TensorType(DType.of(data.dtype), data.shape), data)


def sums(*constants: Tensor) -> File:
    """A file that adds constants to its input, one after the other."""
    type = constants[0].type
    x = Tensor("x", type)
    graph = Subgraph("main", [x], [x])
    total = x
    for index, held in enumerate(constants):
        made = Tensor(f"y{index}", type)
        graph.tensors += [held, made]
        options = {"fused_activation_function": 0}
        graph.operators.append(Operator("ADD", [total, held], [made], options))
        total = made
    graph.outputs = [total]
    return File([graph])


def test_identifier_and_version() -> None:
    content = serialize(sums(constant("a", np.ones(3, np.float32))))
    assert content[4:8] == b"TFL3"
    assert parse(content, "x").version == 3


def test_equal_constants_are_stored_once() -> None:
    ones = np.ones(1000, np.float32)
    once = serialize(sums(constant("a", ones)))
    twice = serialize(sums(constant("a", ones), constant("b", ones.copy())))
    assert len(twice) - len(once) < ones.nbytes / 2


def test_constants_are_aligned() -> None:
    constants = [np.frombuffer(bytes([value]) * 37, np.int8).copy() for value in (77, 88, 99)]
    content = serialize(sums(*(constant(f"c{i}", data) for i, data in enumerate(constants))))
    assert [content.index(data.tobytes()) % ALIGNMENT for data in constants] == [0, 0, 0]


def test_empty_constants_are_buffer_0() -> None:
    model = parse(serialize(sums(constant("a", np.ones((0, 3), np.float32)))), "x")
    assert model.subgraphs[0].tensors[1].shape == (0, 3)


def test_more_than_a_flatbuffer_can_count_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("edgewright.exporters.tflite.serialize")
    monkeypatch.setattr(module, "MOST_BYTES", 4096)
    with pytest.raises(UnsupportedModel, match="the constants take"):
        serialize(sums(constant("a", np.ones(5000, np.float32))))
