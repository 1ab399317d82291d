"""The iOS simulator on Macs with Apple silicon: a static library for Xcode."""

from dataclasses import replace

from .macos_arm64 import TARGET as MACOS_ARM64

TARGET = replace(
    MACOS_ARM64,
    name="ios-simulator-arm64",
    description="the iOS simulator on Apple silicon (a static library; NEON with dot products)",
    triple="aarch64-ios.15.0-simulator",
    system="iOS",
    allowed_undefined=frozenset({"memcpy", "memset", "bzero"}),
    product="static_library",
    library_suffix=".a",
    machine="a Mac with Apple silicon and Xcode",
)
