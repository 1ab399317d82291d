"""iPhones and iPads, iOS 15 and newer: a static library for Xcode."""

from dataclasses import replace

from . import Level
from .macos_arm64 import TARGET as MACOS_ARM64

TARGET = replace(
    MACOS_ARM64,
    name="ios-arm64",
    description="iOS 15 and newer (a static library; NEON, dot products where the CPU has them)",
    triple="aarch64-ios.15.0",
    system="iOS",
    levels=(
        Level(name="neon", cpu="apple_a10", flags=("-mcpu=apple-a10",)),
        Level(name="dotprod", cpu="apple_a13", flags=("-mcpu=apple-a13",)),
    ),
    detect="sysctl",
    product="static_library",
    library_suffix=".a",
    machine="an iPhone or iPad",
    allowed_undefined=frozenset({"memcpy", "memset", "bzero", "sysctlbyname"}),
)
