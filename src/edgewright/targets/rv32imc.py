"""32-bit RISC-V microcontrollers without FPU: ESP32-C3, CH32V, GD32V."""

from . import Board, Level, Runner, Target

#: float32 arithmetic in software: libgcc and compiler-rt have it
SOFT_FLOAT = frozenset(
    {
        *("__addsf3", "__subsf3", "__mulsf3", "__divsf3", "__eqsf2", "__nesf2", "__unordsf2"),
        *("__gesf2", "__gtsf2", "__lesf2", "__ltsf2", "__fixsfsi", "__fixunssfsi"),
        *("__floatsisf", "__floatunsisf", "__fixsfdi", "__floatdisf", "__floatundisf"),
    }
)

#: what the instruction set lacks: 64-bit division and shifts, counting leading zeros
INTEGER_ROUTINES = frozenset(
    {
        *("__divdi3", "__moddi3", "__udivdi3", "__umoddi3", "__muldi3"),
        *("__ashldi3", "__ashrdi3", "__lshrdi3", "__clzsi2"),
    }
)

TARGET = Target(
    name="rv32imc",
    description="32-bit RISC-V microcontrollers (no FPU; ESP32-C3 class)",
    triple="riscv32-freestanding-ilp32",
    arch="rv32imc",
    system="bare metal",
    levels=(
        Level(
            name="rv32imc",
            cpu="baseline_rv32-a-d-f",
            flags=("-march=rv32imc", "-mabi=ilp32"),
        ),
    ),
    dot="ss",
    detect="fixed",
    runners=(
        Runner(
            "qemu_system",
            program="qemu-system-riscv32",
            options=("-M", "virt", "-bios", "none"),
            debian=("qemu-system-misc",),
            label="qemu virt",
        ),
    ),
    allowed_undefined=frozenset({"memcpy", "memset"}) | INTEGER_ROUTINES | SOFT_FLOAT,
    library_prefix="",
    library_suffix=".o",
    cross_cc="riscv64-unknown-elf-gcc",
    libc="riscv32-freestanding-ilp32",
    pointer_bytes=4,
    lean_step=1,
    product="microcontroller",
    fpu=False,
    compile_flags=("-Os", "-fno-pic"),
    soft_float=SOFT_FLOAT,
    board=Board(
        "virt",
        flash=(0x8000_0000, 4 << 20),
        ram=(0x8040_0000, 4 << 20),
        cpu="baseline_rv32-d-f",  # with atomics: zig's own routines do not compile without
    ),
)
