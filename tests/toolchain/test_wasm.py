"""What is read out of a WebAssembly module, and that no bytes crash the reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright import targets, toolchain
from edgewright.errors import InternalError, InvalidPackage
from edgewright.toolchain.wasm import Wasm, parse_wasm

SOURCE = """
__attribute__((visibility("default"))) int answer(int i) {
  static const int table[8] = {5, 4, 3, 2, 1, 7, 8, 9};
  return table[i & 7];
}
"""
FOREIGN = """
int elsewhere(int);
__attribute__((visibility("default"))) int answer(int i) { return elsewhere(i); }
"""
ZEROED = """
static int calls[500];
__attribute__((visibility("default"))) int answer(int i) { return calls[i % 500]++; }
"""


def build(source: str, target: str = "web") -> Path:
    held = targets.get(target)
    compiled = toolchain.compile_object(source, held, extra_flags=("-fno-pic",))
    return toolchain.link_shared([compiled], held, soname="test.wasm")


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind, len(content)]) + content


HEAD = b"\0asm\1\0\0\0"
#: imports env.memory (shared, 1 to 2 pages), one global 1024 exported as "g", 3 bytes of data
MODULE = (
    HEAD
    + section(2, b"\1\3env\6memory\2\3\1\2")
    + section(6, b"\1\x7f\1\x41\x80\x08\x0b")
    + section(7, b"\1\1g\3\0")
    + section(10, b"\1\2\0\x0b")
    + section(11, b"\1\1\3abc")
)


def test_a_module_by_hand() -> None:
    found = parse_wasm(MODULE)
    assert found.imports == ("env.memory",)
    assert found.undefined == frozenset()
    assert found.exports == ("g",)
    assert found.globals == {"g": 1024}
    assert (found.code_bytes, found.data_bytes) == (4, 3)


def test_what_the_linker_writes() -> None:
    path = build(SOURCE)
    found = toolchain.read_binary(path)
    assert isinstance(found, Wasm)
    assert found.exported == {"answer", "memory", "__heap_base", "__stack_pointer"}
    assert found.undefined == frozenset()
    assert found.rodata_bytes >= 32
    assert found.writable_bytes == 0
    assert found.globals["__heap_base"] >= 65536


def test_a_shared_memory_is_imported_and_nothing_else() -> None:
    found = toolchain.check_library(build(SOURCE, "web-threads"), targets.get("web-threads"))
    assert isinstance(found, Wasm)
    assert found.imports == ("env.memory",)


def test_globals_of_a_module_are_found() -> None:
    with pytest.raises(InternalError, match="bytes of writable globals"):
        toolchain.check_library(build(ZEROED), targets.get("web"))


@pytest.mark.parametrize("cut", range(len(MODULE)))
def test_a_module_that_is_cut_short_is_refused(cut: int) -> None:
    sections = (8, 26, 35, 42, 48)  # where one ends, the module is whole
    if cut in sections:
        parse_wasm(MODULE[:cut])
        return
    with pytest.raises((ValueError, IndexError)):
        parse_wasm(MODULE[:cut])


@given(st.integers(0, len(MODULE) - 1), st.integers(0, 255))
def test_no_byte_crashes_the_reader(at: int, byte: int) -> None:
    changed = MODULE[:at] + bytes([byte]) + MODULE[at + 1 :]
    try:
        found = parse_wasm(changed)
    except ValueError:
        return
    assert found.data_bytes <= len(MODULE)


@given(st.binary(max_size=64))
def test_any_bytes_are_refused_or_read(tail: bytes) -> None:
    try:
        parse_wasm(HEAD + tail)
    except ValueError:
        return


def test_a_number_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        parse_wasm(HEAD + section(2, b"\xff" * 12))


def test_a_count_beyond_the_module_is_refused() -> None:
    with pytest.raises(ValueError, match="entries in"):
        parse_wasm(HEAD + section(7, b"\xff\xff\xff\xff\x0f"))


def test_damage_is_the_package_s(tmp_path: Path) -> None:
    path = tmp_path / "model.wasm"
    path.write_bytes(MODULE[:20])
    with pytest.raises(InvalidPackage, match="not a compiled file"):
        toolchain.read_binary(path)
