"""x86-64 Android: the emulator of Android Studio, Chromebooks; no NDK needed."""

from dataclasses import replace

from . import Level, Runner
from .android_arm64 import LINK_FLAGS, PAGE_BYTES
from .linux_x86_64 import AVX2
from .linux_x86_64 import TARGET as LINUX_X86_64

TARGET = replace(
    LINUX_X86_64,
    name="android-x86_64",
    description="x86-64 Android (emulators, Chromebooks; SSE4.2, AVX2 where the CPU has it)",
    triple="x86_64-linux-android",
    system="Android",
    levels=(
        Level(name="scalar", cpu="x86_64_v2", flags=("-march=x86-64-v2",)),
        AVX2,
    ),
    bfloat16_levels=(),
    runners=(
        Runner(
            "jvm",
            program="javac",
            debian=("openjdk-17-jdk-headless",),
            label="JNI in a JVM, glibc not bionic",
            detects=True,
        ),
    ),
    link_flags=LINK_FLAGS,
    needed=("libc.so",),
    page_bytes=PAGE_BYTES,
)
