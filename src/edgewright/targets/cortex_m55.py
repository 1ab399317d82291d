"""Arm Cortex-M55 with Helium, integer and float."""

from dataclasses import replace

from . import Board, Level
from .cortex_m4 import TARGET as CORTEX_M4
from .cortex_m4 import emulator

TARGET = replace(
    CORTEX_M4,
    name="cortex-m55",
    description="Arm Cortex-M55 microcontrollers (Helium vectors, FPU)",
    arch="cortex-m55",
    levels=(
        Level(
            name="helium",
            cpu="cortex_m55+mve_fp+fp_armv8d16",
            flags=("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"),
        ),
    ),
    lean_step=16,
    runners=(emulator("mps3-an547"),),
    board=Board(
        "mps3-an547",
        flash=(0x0100_0000, 2 << 20),
        ram=(0x2100_0000, 4 << 20),
        vectors=0x0000_0000,
    ),
)
