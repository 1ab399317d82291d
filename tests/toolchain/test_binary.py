"""Every format of library: what is read of it, and that damage never crashes the reader."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright import targets, toolchain
from edgewright.errors import InternalError, InvalidPackage
from edgewright.toolchain import archive, binary

SOURCE = """
#include <stddef.h>
#if defined(_WIN32)
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif
void *memset(void *, int, size_t);
API int triple(int x);
int triple(int x) { return 3 * x; }
API void clear(char *to, size_t n);
void clear(char *to, size_t n) { memset(to, 0, n); }
API int look(int i);
int look(int i) { static const int table[4] = {7, 5, 9, 1}; return table[i & 3]; }
#ifdef EW_WRITABLE
API int count(void);
int count(void) { static int n; return ++n; }
#endif
"""
NAMES = ("linux-armv7", "macos-arm64", "macos-x86_64", "windows-x86_64", "ios-arm64")


def build(name: str, *flags: str) -> Path:
    """A library of `SOURCE` for a target, in its product's form."""
    target = targets.get(name)
    if target.product == "static_library":
        return toolchain.build_archive(SOURCE, target)
    objects = [toolchain.compile_object(SOURCE, target, extra_flags=flags)]
    if target.system == "Windows":
        support = Path(toolchain.__file__).with_name("support") / "windows.c"
        objects.append(toolchain.compile_object(support.read_text(), target))
    return toolchain.link_shared(objects, target, soname=f"l{target.library_suffix}")


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    return {name: build(name).read_bytes() for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_symbols_and_sizes(images: dict[str, bytes], name: str) -> None:
    found = binary.parse_binary(images[name])
    libc = {"memset", "bzero", "__bzero"} if targets.get(name).system != "Windows" else set()
    assert found.exported == {"triple", "clear", "look"}
    assert found.undefined - {"dyld_stub_binder"} <= libc
    assert bool(found.undefined) == bool(libc)
    assert 16 < found.text_bytes < 2000
    assert 16 <= found.rodata_bytes < 2000
    assert found.writable_bytes == 0


@pytest.mark.parametrize("name", ["linux-armv7", "macos-arm64", "macos-x86_64", "windows-x86_64"])
def test_writable_globals_are_refused_in_every_format(name: str) -> None:
    library = build(name, "-DEW_WRITABLE")
    with pytest.raises(InternalError, match="4 bytes of writable globals"):
        toolchain.check_library(library, targets.get(name))


def test_an_archive_holds_its_objects_together(images: dict[str, bytes]) -> None:
    found = binary.parse_binary(images["ios-arm64"])
    assert isinstance(found, archive.Archive)
    assert len(found.members) == 3  # two levels and the dispatch
    assert found.text_bytes == sum(member.text_bytes for member in found.members)


def test_what_one_object_defines_another_may_need() -> None:
    member = '__attribute__((visibility("default"))) int %s;\nint %s { return %s; }\n'
    host = targets.get("host")
    one = toolchain.compile_object(member % ("f(void)", "f(void)", "1"), host).read_bytes()
    two = "int f(void);\n" + member % ("g(void)", "g(void)", "f()")
    other = toolchain.compile_object(two, host).read_bytes()
    image = archive.MAGIC + b"".join(
        f"{name + '/':<48}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        for name, data in (("one.o", one), ("two.o", other))
    )
    found = binary.parse_binary(image)
    assert found.exported == {"f", "g"}
    assert not found.undefined


def test_a_dll_shows_what_it_imports(images: dict[str, bytes]) -> None:
    """kernel32 is named in the import table of a DLL that calls it."""
    windows = targets.get("windows-x86_64")
    source = (
        "__declspec(dllimport) unsigned GetTickCount(void);\n"
        "__declspec(dllexport) unsigned ticks(void);\n"
        "unsigned ticks(void) { return GetTickCount(); }\n"
    )
    support = Path(toolchain.__file__).with_name("support") / "windows.c"
    objects = [toolchain.compile_object(text, windows) for text in (source, support.read_text())]
    linked = toolchain.link_shared(objects, _with_kernel32(windows), soname="t.dll")
    assert toolchain.read_binary(linked).undefined == {"GetTickCount"}
    with pytest.raises(InternalError, match="needs GetTickCount; windows-x86_64 allows nothing"):
        toolchain.check_library(linked, windows)


def _with_kernel32(target: targets.Target) -> targets.Target:
    return replace(target, link_flags=("-lkernel32",))


@pytest.mark.usefixtures("fresh_cache")
@pytest.mark.parametrize("name", NAMES)
def test_every_format_is_the_same_bytes_each_time(images: dict[str, bytes], name: str) -> None:
    time.sleep(1.1)  # stamps count seconds
    assert build(name).read_bytes() == images[name]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.1, 0.5, 0.9])
def test_a_file_that_is_cut_short_is_refused_or_read(
    images: dict[str, bytes], name: str, fraction: float, tmp_path: Path
) -> None:
    path = tmp_path / "short"
    path.write_bytes(images[name][: int(len(images[name]) * fraction)])
    if fraction < 0.2:
        with pytest.raises(InvalidPackage, match="not a compiled file"):
            toolchain.read_binary(path)
    else:
        try:
            toolchain.read_binary(path)
        except InvalidPackage:
            return


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_anywhere_never_crashes(
    images: dict[str, bytes], name: str, data: st.DataObject
) -> None:
    image = bytearray(images[name])
    near = st.integers(0, min(len(image), 1500) - 1)  # headers and tables stand in front
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(near, st.integers(0, len(image) - 1)))
        image[at] = data.draw(st.integers(0, 255))
    try:
        binary.parse_binary(bytes(image))
    except (ValueError, IndexError, struct.error):
        return
