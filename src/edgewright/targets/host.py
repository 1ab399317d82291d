"""The machine that Edgewright runs on: x86-64 or 64-bit Arm Linux."""

import platform
from dataclasses import replace

from . import NATIVE, Level, Target
from .linux_arm64 import TARGET as LINUX_ARM64

X86_64 = Target(
    name="host",
    description="this machine: x86-64 Linux (glibc or musl), up to AVX-512 VNNI",
    triple="x86_64-linux-gnu.2.17",
    arch="x86_64",
    system="Linux",
    levels=(
        # SSE2 is there on every x86-64, but it has no multiply-add and no 8-bit product worth a
        # vocabulary of its own: the compiler vectorises the scalar one.
        Level(name="scalar", cpu="x86_64", flags=("-march=x86-64",)),
        Level(
            name="avx2",
            cpu="x86_64_v3",
            flags=("-march=x86-64-v3",),
            cpu_features=("avx2", "fma", "f16c", "movbe", "bmi1", "bmi2"),
        ),
        Level(
            name="avx512vnni",
            cpu="x86_64_v4+avx512vnni",
            flags=("-march=x86-64-v4", "-mavx512vnni"),
            cpu_features=(
                *("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni"),
            ),
        ),
    ),
    dot="us",
    detect="cpuid",
    runners=(NATIVE,),
    libc="x86_64-linux-gnu.2.31",
)

ARM64 = replace(
    LINUX_ARM64,
    name="host",
    description="this machine: 64-bit Arm Linux",
    runners=(NATIVE,),
)

TARGET = ARM64 if platform.machine() == "aarch64" else X86_64
