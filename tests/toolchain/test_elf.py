"""The ELF reader against binutils, and on damaged files."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright import targets, toolchain
from edgewright.errors import InvalidPackage
from edgewright.toolchain import elf, read_binary

HOST = targets.get("host")
SOURCE = """
#define API __attribute__((visibility("default")))
extern void *memset(void *, int, unsigned long);
API int triple(int x);
API int triple(int x) { return 3 * x; }
API void clear(char *to, unsigned long n);
API void clear(char *to, unsigned long n) { memset(to, 0, n); }
"""


@pytest.fixture(scope="module")
def library() -> Path:
    return toolchain.link_shared([toolchain.compile_object(SOURCE, HOST)], HOST, soname="l.so")


def test_symbols_are_those_of_nm(library: Path) -> None:
    if (nm := shutil.which("nm")) is None:
        pytest.skip("needs nm (apt-get install binutils)")
    done = subprocess.run([nm, "-D", library], check=True, capture_output=True, text=True)
    rows = [line.split()[-2:] for line in done.stdout.splitlines()]
    found = elf.parse_elf(library.read_bytes())
    assert found.undefined == {name for kind, name in rows if kind == "U"} == {"memset"}
    assert found.exported == {name for kind, name in rows if kind == "T"} == {"triple", "clear"}


def test_sizes_are_those_of_the_section_headers(library: Path) -> None:
    if (readelf := shutil.which("readelf")) is None:
        pytest.skip("needs readelf (apt-get install binutils)")
    done = subprocess.run([readelf, "-SW", library], check=True, capture_output=True, text=True)
    rows = [line.split("]")[1].split() for line in done.stdout.splitlines() if "PROGBITS" in line]
    code = sum(int(row[4], 16) for row in rows if "X" in row[6])
    assert elf.parse_elf(library.read_bytes()).text_bytes == code > 0


def test_a_section_beyond_the_end_is_refused(library: Path, tmp_path: Path) -> None:
    data = bytearray(library.read_bytes())
    table, count = struct.unpack_from("<Q", data, 40)[0], struct.unpack_from("<H", data, 60)[0]
    for i in range(count):
        header = table + 64 * i
        if struct.unpack_from("<I", data, header + 4)[0] == elf.SHT_DYNSYM:
            struct.pack_into("<Q", data, header + 32, 24 << 20)
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(data)
    with pytest.raises(InvalidPackage, match="beyond the end of the file"):
        read_binary(damaged)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    other.write_bytes(b"\x89PNG" * 100)
    with pytest.raises(InvalidPackage, match="wrong magic"):
        read_binary(other)


@given(st.data())
def test_damage_anywhere_never_crashes(library: Path, data: st.DataObject) -> None:
    image = bytearray(library.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    try:
        elf.parse_elf(bytes(image))
    except (ValueError, IndexError, struct.error):
        return
