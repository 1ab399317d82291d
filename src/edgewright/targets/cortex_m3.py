"""Arm Cortex-M3: no FPU."""

from dataclasses import replace

from . import Board, Level
from .cortex_m4 import MEMORY_ROUTINES, SOFT_FLOAT, WIDE_DIVISION, emulator
from .cortex_m4 import TARGET as CORTEX_M4

TARGET = replace(
    CORTEX_M4,
    name="cortex-m3",
    description="Arm Cortex-M3 microcontrollers (no FPU)",
    triple="thumb-freestanding-eabi",
    arch="cortex-m3",
    levels=(Level(name="armv7m", cpu="cortex_m3", flags=("-mcpu=cortex-m3", "-mthumb")),),
    runners=(emulator("mps2-an385"),),
    allowed_undefined=MEMORY_ROUTINES | WIDE_DIVISION | SOFT_FLOAT,
    libc="thumb-freestanding-eabi",
    fpu=False,
    lean_step=1,
    soft_float=SOFT_FLOAT,
    board=Board("mps2-an385", flash=(0x0000_0000, 4 << 20), ram=(0x2000_0000, 4 << 20)),
)
