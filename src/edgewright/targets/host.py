"""The machine that Edgewright runs on: x86-64 or 64-bit Arm Linux."""

import platform
from dataclasses import replace

from . import NATIVE
from .linux_arm64 import TARGET as LINUX_ARM64
from .linux_x86_64 import TARGET as LINUX_X86_64

X86_64 = replace(
    LINUX_X86_64,
    name="host",
    description="this machine: x86-64 Linux (glibc or musl), up to AVX-512 VNNI",
)

ARM64 = replace(
    LINUX_ARM64,
    name="host",
    description="this machine: 64-bit Arm Linux",
    runners=(NATIVE,),
)

TARGET = ARM64 if platform.machine() == "aarch64" else X86_64
