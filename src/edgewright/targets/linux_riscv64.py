"""64-bit RISC-V Linux: VisionFive, Milk-V, Banana Pi and other boards, with vectors or without."""

from . import Level, Runner, Target

TARGET = Target(
    name="linux-riscv64",
    description="64-bit RISC-V Linux (glibc or musl; rv64gc, vectors 1.0 where the CPU has them)",
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
        Level(
            name="rv64gcv",
            cpu="baseline_rv64+v",
            flags=("-march=rv64gcv",),
            cpu_features=("v",),
            emulator_cpu="rv64,v=true,vext_spec=v1.0,vlen=128",
        ),
    ),
    dot="ss",
    detect="hwcap",
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
