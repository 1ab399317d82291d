"""32-bit Arm Android: older phones, watches, set-top boxes; no NDK needed."""

from dataclasses import replace

from . import Level, Runner
from .android_arm64 import LINK_FLAGS, PAGE_BYTES
from .linux_armv7 import TARGET as LINUX_ARMV7

TARGET = replace(
    LINUX_ARMV7,
    name="android-armv7",
    description="32-bit Arm Android (armeabi-v7a; NEON)",
    # The ELF that Android wants. zig's own triple for it, whose floats are soft by default, turns
    # NEON off in spite of softfp.
    triple="thumb-linux-gnueabihf",
    system="Android",
    levels=(
        Level(
            name="neon",
            cpu="generic+v7a+neon",  # armeabi-v7a promises NEON, not VFPv4's fused multiply-add
            flags=("-march=armv7-a", "-mthumb", "-mfpu=neon"),
            abi_flags=("-mfloat-abi=softfp",),
            emulator_cpu="cortex-a8",
        ),
    ),
    runners=(
        Runner(
            "qemu_user",
            program="qemu-arm",
            # floats in integer registers: the C library of Debian's "armel"
            options=("-L", "/usr/arm-linux-gnueabi"),
            folders=("/usr/arm-linux-gnueabi/lib",),
            debian=("qemu-user", "libc6-armel-cross"),
            label="qemu-arm, glibc not bionic",
        ),
    ),
    link_flags=(*LINUX_ARMV7.link_flags, *LINK_FLAGS),
    cross_cc="",
    libc="arm-linux-gnueabi.2.31",
    needed=("libc.so",),
    page_bytes=PAGE_BYTES,
)
