"""Macs with an Intel CPU, macOS 11 and newer."""

from dataclasses import replace

from .linux_x86_64 import AVX2, SCALAR
from .macos_arm64 import TARGET as MACOS_ARM64

TARGET = replace(
    MACOS_ARM64,
    name="macos-x86_64",
    description="macOS 11 and newer on Intel CPUs, up to AVX2",
    triple="x86_64-macos.11.0",
    arch="x86_64",
    # AVX-512 is left out: macOS hides its registers until a thread first uses them
    levels=(SCALAR, AVX2),
    dot="us",
    detect="cpuid",
    allowed_undefined=frozenset({"memcpy", "memset", "__bzero", "dyld_stub_binder"}),
    machine="a Mac with an Intel CPU",
)
