"""Arm Cortex-M33 with the DSP extension and FPU: nRF53, STM32U5, RP2350."""

from dataclasses import replace

from . import Board, Level
from .cortex_m4 import TARGET as CORTEX_M4
from .cortex_m4 import emulator

TARGET = replace(
    CORTEX_M4,
    name="cortex-m33",
    description="Arm Cortex-M33 microcontrollers (DSP instructions, single precision FPU)",
    arch="cortex-m33",
    levels=(
        Level(
            name="armv8m",
            cpu="cortex_m33+fp_armv8d16sp+dsp",
            flags=("-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
        ),
    ),
    runners=(emulator("mps2-an505"),),
    board=Board("mps2-an505", flash=(0x1000_0000, 4 << 20), ram=(0x3800_0000, 4 << 20)),
)
