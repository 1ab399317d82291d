"""64-bit Arm Android: every phone that the Play Store serves today; no NDK needed."""

from dataclasses import replace

from . import Runner
from .linux_arm64 import TARGET as LINUX_ARM64

PAGE_BYTES = 16384  # what Android 15 devices may have; other page sizes divide it
LINK_FLAGS = (f"-Wl,-z,max-page-size={PAGE_BYTES}",)

TARGET = replace(
    LINUX_ARM64,
    name="android-arm64",
    description="64-bit Arm Android (arm64-v8a; NEON, dot products where the CPU has them)",
    triple="aarch64-linux-android",
    system="Android",
    runners=(
        Runner(
            "qemu_user",
            program="qemu-aarch64",
            options=("-L", "/usr/aarch64-linux-gnu"),
            folders=("/usr/aarch64-linux-gnu/lib",),
            debian=("qemu-user", "libc6-arm64-cross"),
            label="qemu-aarch64, glibc not bionic",
        ),
    ),
    link_flags=LINK_FLAGS,
    cross_cc="",
    needed=("libc.so",),
    page_bytes=PAGE_BYTES,
)
