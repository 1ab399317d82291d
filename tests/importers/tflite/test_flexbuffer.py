"""FlexBuffers: what the reference writer writes, and bytes that nobody wrote."""

from __future__ import annotations

from typing import Any

import pytest
from flatbuffers import flexbuffers
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.errors import InvalidModel
from edgewright.importers.tflite.flexbuffer import read_map

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=0x7E), min_size=1, max_size=20)
NUMBERS = st.one_of(st.booleans(), st.integers(-(1 << 63), (1 << 63) - 1), st.floats(-1e30, 1e30))


def written(content: Any, width: Any = flexbuffers.BitWidth.W8) -> bytes:
    builder = flexbuffers.Builder(force_min_bit_width=width)
    builder.Add(content)
    return bytes(builder.Finish())


@given(st.dictionaries(KEYS, NUMBERS, max_size=12))
def test_maps_of_numbers(content: dict[str, Any]) -> None:
    assert read_map(written(content)) == content


def test_numbers_that_lie_elsewhere_and_what_is_no_number() -> None:
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.IndirectFloat("far", 0.25)
        builder.IndirectInt("least", -70000)
        builder.String("name", "text")
        builder.Null("nothing")
        builder.UInt("whole", 1 << 63)
    found = read_map(bytes(builder.Finish()))
    assert found == {"far": 0.25, "least": -70000, "whole": 1 << 63}


@pytest.mark.parametrize("width", list(flexbuffers.BitWidth))
def test_every_width(width: Any) -> None:
    assert read_map(written({"a": 3, "b": True}, width)) == {"a": 3, "b": True}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "0 bytes"),
        (b"\x01\x02", "2 bytes"),
        (written([1, 2]), "not a map"),
        (written(7), "not a map"),
        (b"\x00\x24\x03", "not a map"),  # a root of three bytes
        (b"\xff\x24\x01", "leads before"),
        (b"\x00\x24\x01", "beyond|leads before|keys"),
        (written({"a": 1})[3:], "leads before|beyond|number|end"),
        (written({"k" * 400: 1}), "does not end"),
    ],
)
def test_damaged_options_are_an_error(data: bytes, what: str) -> None:
    with pytest.raises(InvalidModel, match=what):
        read_map(data)


@settings(max_examples=400)
@given(st.data())
def test_changed_bytes_are_an_error_or_numbers(data: Any) -> None:
    content = bytearray(written({"scale": 10.0, "count": 300, "regular": True, "iou": 0.5}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    for damaged in (bytes(content), bytes(content[cut:]), bytes(content[:cut])):
        try:
            found = read_map(damaged)
        except InvalidModel:
            continue
        assert all(isinstance(v, int | float) for v in found.values())
