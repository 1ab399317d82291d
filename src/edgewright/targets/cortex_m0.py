"""Arm Cortex-M0 and M0+: the smallest; no FPU, no division, no 64-bit product."""

from dataclasses import replace

from . import Board, Level
from .cortex_m4 import MEMORY_ROUTINES, SOFT_FLOAT, WIDE_DIVISION, emulator
from .cortex_m4 import TARGET as CORTEX_M4

#: what the instruction set lacks: division, 64-bit products and shifts, counting leading zeros
INTEGER_ROUTINES = frozenset(
    {
        *("__aeabi_idiv", "__aeabi_idivmod", "__aeabi_uidiv", "__aeabi_uidivmod"),
        *("__aeabi_lasr", "__aeabi_llsl", "__aeabi_llsr", "__aeabi_lmul", "__clzsi2"),
    }
)

TARGET = replace(
    CORTEX_M4,
    name="cortex-m0",
    description="Arm Cortex-M0 and M0+ microcontrollers (no FPU; micro:bit, RP2040)",
    triple="thumb-freestanding-eabi",
    arch="cortex-m0",
    levels=(Level(name="armv6m", cpu="cortex_m0", flags=("-mcpu=cortex-m0", "-mthumb")),),
    runners=(emulator("microbit"),),
    allowed_undefined=MEMORY_ROUTINES | WIDE_DIVISION | INTEGER_ROUTINES | SOFT_FLOAT,
    libc="thumb-freestanding-eabi",
    fpu=False,
    lean_step=1,
    soft_float=SOFT_FLOAT,
    board=Board("microbit", flash=(0x0000_0000, 256 << 10), ram=(0x2000_0000, 16 << 10)),
)
