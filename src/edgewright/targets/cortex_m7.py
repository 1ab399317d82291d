"""Arm Cortex-M7: two instructions at a time, caches; the instruction set of the M4."""

from dataclasses import replace

from . import Board, Level
from .cortex_m4 import TARGET as CORTEX_M4
from .cortex_m4 import emulator

TARGET = replace(
    CORTEX_M4,
    name="cortex-m7",
    description="Arm Cortex-M7 microcontrollers (DSP instructions, single precision FPU)",
    arch="cortex-m7",
    levels=(
        Level(
            name="armv7em",
            cpu="cortex_m7+fp_armv8d16sp",
            flags=("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
        ),
    ),
    runners=(emulator("mps2-an500"),),
    board=Board("mps2-an500", flash=(0x0000_0000, 4 << 20), ram=(0x2000_0000, 4 << 20)),
)
