"""Arm Cortex-M4F: 32-bit microcontrollers with DSP instructions and a single precision FPU.

The other Cortex-M targets are this one with other features. Their code is compiled for size: a
layer's time is spent in a few inner loops that are written out already, and -O2 and -O3 only
unroll what is around them (int8 keyword spotter on an M4: 5.42 million instructions and 7.1 KB of
code with -Os, 5.53 million and 9.2 KB with -O2 or -O3; M0, M55 and float32 models are alike).
"""

from . import Board, Level, Runner, Target

#: What clang makes of copying and clearing memory under the Arm EABI. Every C library has them; a
#: product brings them for programs without one.
MEMORY_ROUTINES = frozenset({"memcpy", "memset"}) | frozenset(
    f"__aeabi_{name}{alignment}"
    for name in ("memclr", "memcpy", "memset")
    for alignment in ("", "4", "8")
)

#: float32 arithmetic in software: libgcc and compiler-rt have it
SOFT_FLOAT = frozenset(
    f"__aeabi_{name}"
    for name in (
        *("fadd", "fsub", "fmul", "fdiv", "f2iz", "f2uiz", "i2f", "ui2f"),
        *("fcmpeq", "fcmpge", "fcmpgt", "fcmple", "fcmplt", "fcmpun"),
        *("l2f", "ul2f", "f2lz", "f2ulz"),
    )
)

#: 64-bit division, which no Cortex-M has
WIDE_DIVISION = frozenset({"__aeabi_ldivmod", "__aeabi_uldivmod"})


def emulator(machine: str) -> Runner:
    """qemu's model of a board, without its console."""
    return Runner(
        "qemu_system",
        program="qemu-system-arm",
        options=("-M", machine),
        debian=("qemu-system-arm",),
        label=f"qemu {machine}",
    )


TARGET = Target(
    name="cortex-m4",
    description="Arm Cortex-M4F microcontrollers (DSP instructions, single precision FPU)",
    triple="thumb-freestanding-eabihf",
    arch="cortex-m4",
    system="bare metal",
    levels=(
        Level(
            name="armv7em",
            cpu="cortex_m4+vfp4d16sp",
            flags=("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"),
        ),
    ),
    dot="ss",
    detect="fixed",
    runners=(emulator("mps2-an386"),),
    allowed_undefined=MEMORY_ROUTINES | WIDE_DIVISION,
    library_prefix="",
    library_suffix=".o",
    cross_cc="arm-none-eabi-gcc",
    libc="thumb-freestanding-eabihf",
    pointer_bytes=4,
    lean_step=4,
    product="microcontroller",
    compile_flags=("-Os", "-fno-pic", "-fshort-enums"),  # the last as arm-none-eabi-gcc does
    board=Board("mps2-an386", flash=(0x0000_0000, 4 << 20), ram=(0x2000_0000, 4 << 20)),
)
