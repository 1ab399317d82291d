"""Macs with Apple silicon, macOS 11 and newer."""

from . import Level, Target

TARGET = Target(
    name="macos-arm64",
    description="macOS 11 and newer on Apple silicon (NEON with dot products)",
    triple="aarch64-macos.11.0",
    arch="arm64",
    system="Darwin",
    levels=(Level(name="dotprod", cpu="apple_m1", flags=("-mcpu=apple-m1",)),),
    dot="ss",
    detect="fixed",  # all of them have dot products
    runners=(),
    allowed_undefined=frozenset({"memcpy", "memset", "bzero", "dyld_stub_binder"}),
    library_suffix=".dylib",
    machine="a Mac with Apple silicon",
)
