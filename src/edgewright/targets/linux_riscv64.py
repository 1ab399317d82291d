"""64-bit RISC-V Linux: VisionFive, Milk-V and other boards; portable C, no vector extension yet."""

from . import Level, Runner, Target

TARGET = Target(
    name="linux-riscv64",
    description="64-bit RISC-V Linux (glibc or musl; rv64gc, plain C)",
    triple="riscv64-linux-gnu",
    arch="riscv64",
    system="Linux",
    levels=(
        Level(
            name="rv64gc",
            cpu="baseline_rv64",
            flags=("-march=rv64gc",),
            emulator_cpu="rv64",
        ),
    ),
    dot="ss",
    detect="fixed",
    runners=(
        Runner(
            "qemu_user",
            program="qemu-riscv64",
            options=("-L", "/usr/riscv64-linux-gnu"),
            folders=("/usr/riscv64-linux-gnu/lib",),
            debian=("qemu-user", "libc6-riscv64-cross"),
        ),
    ),
    cross_cc="riscv64-linux-gnu-gcc",
    libc="riscv64-linux-gnu",
)
