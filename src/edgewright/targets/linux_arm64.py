"""64-bit Arm Linux: Raspberry Pi, Jetson, most boards."""

from . import Level, Runner, Target

TARGET = Target(
    name="linux-arm64",
    description="64-bit Arm Linux (glibc or musl; NEON, dot and matrix products where it has them)",
    triple="aarch64-linux-gnu.2.17",
    arch="aarch64",
    system="Linux",
    levels=(
        Level(
            name="neon",
            cpu="generic",
            flags=("-march=armv8-a",),
            cpu_features=("asimd",),
            emulator_cpu="cortex-a72",
        ),
        Level(
            name="dotprod",
            cpu="generic+dotprod",
            flags=("-march=armv8.2-a+dotprod",),
            cpu_features=("asimd", "asimddp"),
            emulator_cpu="cortex-a76",
        ),
        Level(
            name="i8mm",
            cpu="generic+dotprod+i8mm",
            flags=("-march=armv8.2-a+dotprod+i8mm",),
            cpu_features=("asimd", "asimddp", "i8mm"),
            emulator_cpu="max",
        ),
    ),
    dot="ss",
    detect="hwcap",
    runners=(
        Runner(
            "qemu_user",
            program="qemu-aarch64",
            options=("-L", "/usr/aarch64-linux-gnu"),
            folders=("/usr/aarch64-linux-gnu/lib",),
            debian=("qemu-user", "libc6-arm64-cross"),
        ),
    ),
    cross_cc="aarch64-linux-gnu-gcc",
    libc="aarch64-linux-gnu.2.31",
)
