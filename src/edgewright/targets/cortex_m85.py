"""Arm Cortex-M85 with Helium, run on qemu's Cortex-M55: what it adds (PACBTI) is no-ops there."""

from dataclasses import replace

from . import Level
from .cortex_m55 import TARGET as CORTEX_M55

TARGET = replace(
    CORTEX_M55,
    name="cortex-m85",
    description="Arm Cortex-M85 microcontrollers (Helium vectors, FPU)",
    arch="cortex-m85",
    levels=(
        Level(
            name="helium",
            cpu="cortex_m85+mve_fp+fp_armv8d16",
            # gcc 12 does not know the M85 yet
            flags=("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"),
        ),
    ),
)
