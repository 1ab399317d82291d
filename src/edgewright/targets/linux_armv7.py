"""32-bit Arm Linux with hard float: Raspberry Pi OS (32-bit), BeagleBone, most Cortex-A7 boards."""

from . import Level, Runner, Target

TARGET = Target(
    name="linux-armv7",
    description="32-bit Arm Linux (hard float; glibc or musl; Cortex-A7 and above, NEON)",
    triple="thumb-linux-gnueabihf",  # Thumb-2 code is a fifth smaller
    arch="armv7l",
    system="Linux",
    levels=(
        Level(
            name="neon",
            cpu="cortex_a7",
            flags=("-mcpu=cortex-a7", "-mthumb", "-mfpu=neon-vfpv4", "-mfloat-abi=hard"),
            emulator_cpu="cortex-a7",
        ),
    ),
    dot="ss",
    detect="fixed",
    runners=(
        Runner(
            "qemu_user",
            program="qemu-arm",
            options=("-L", "/usr/arm-linux-gnueabihf"),
            folders=("/usr/arm-linux-gnueabihf/lib",),
            debian=("qemu-user", "libc6-armhf-cross"),
        ),
    ),
    link_flags=("-Wl,--gc-sections",),  # of the support functions only those that are called
    support="armv7.c",
    cross_cc="arm-linux-gnueabihf-gcc",
    libc="arm-linux-gnueabihf.2.31",
    pointer_bytes=4,
)
