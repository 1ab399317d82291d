"""Compile `entry.c` for an ISA level and call kernels in it, natively or under an emulator."""

from __future__ import annotations

import ctypes
import functools
import platform
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
HERE = Path(__file__).parent
KERNELS = HERE.parent.parent / "src" / "edgewright" / "kernels"
FLAGS = ["-O3", "-std=c11", "-ffp-contract=off", "-fno-math-errno", "-Wall", "-Wextra", "-Werror"]
ZIG = [sys.executable, "-m", "ziglang", "cc"]
NULL, CANARY = -(2**31), 0xA5
FUNCTIONS = [
    "conv_f32",
    "conv_q8",
    "depthwise_f32",
    "depthwise_q8",
    "conv_s16",
    "conv_transpose_f32",
    "vocabulary",
]


@dataclass(frozen=True)
class Level:
    """An ISA level: how to compile for it, and what this machine needs to run it."""

    name: str
    flags: tuple[str, ...]
    features: tuple[str, ...] = ()
    dot: str = "us"
    emulator: tuple[str, ...] = ()
    compiler: tuple[str, ...] = tuple(ZIG)

    @property
    def is_fused(self) -> bool:
        """Whether ew_fma rounds once."""
        return not self.name.startswith("scalar") and not self.name.endswith("unfused")

    @property
    def runs(self) -> bool:
        """Whether this machine can run the level."""
        if self.emulator and self.emulator[0] != "env":
            return shutil.which(self.emulator[0]) is not None
        has_compiler = shutil.which(self.compiler[0]) is not None
        native = platform.machine() == "x86_64" and set(self.features) <= _cpu_features()
        return has_compiler and native


@functools.cache
def _cpu_features() -> frozenset[str]:
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    line = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return frozenset(line.split())


LEVELS = {
    level.name: level
    for level in [
        Level("scalar", ("-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64")),
        Level("avx2", ("-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v3"), ("avx2", "fma")),
        Level(
            "avx512",
            ("-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v4+avx512vnni"),
            ("avx512bw", "avx512dq", "avx512vl", "avx512_vnni"),
        ),
        Level(  # the shared drivers and epilogues that other CPUs have
            "small",
            ("-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v3", "-DEW_SMALL=1"),
            ("avx2", "fma"),
        ),
        Level(
            "scalar_ss",
            ("-target", "x86_64-linux-gnu.2.17", "-DEW_DOT_US=0", "-DEW_SHORT_VECTORS=0"),
            dot="ss",
        ),
    ]
}
ARM_TARGET = ("-target", "aarch64-linux-gnu.2.17")
ARM_LIBRARIES = ("-L", "/usr/aarch64-linux-gnu")
RISCV_TARGET = ("-target", "riscv64-linux-gnu", "-mcpu=baseline_rv64+v")
RISCV = ("qemu-riscv64", "-L", "/usr/riscv64-linux-gnu", "-cpu")
EMULATED = {
    level.name: level
    for level in [
        Level(
            "neon",
            ARM_TARGET,
            dot="ss",
            emulator=("qemu-aarch64", "-cpu", "cortex-a72", *ARM_LIBRARIES),
        ),
        Level(
            "neon_dot",
            (*ARM_TARGET, "-mcpu=cortex_a76"),
            dot="ss",
            emulator=("qemu-aarch64", "-cpu", "cortex-a76", *ARM_LIBRARIES),
        ),
        Level(
            "neon_i8mm",
            (*ARM_TARGET, "-mcpu=generic+dotprod+i8mm"),
            dot="ss",
            emulator=("qemu-aarch64", "-cpu", "max", *ARM_LIBRARIES),
        ),
        Level(
            "neon32",
            ("-target", "arm-linux-gnueabihf.2.17", "-mcpu=cortex_a7"),
            dot="ss",
            emulator=("qemu-arm", "-cpu", "cortex-a7", "-L", "/usr/arm-linux-gnueabihf"),
        ),
        Level(
            "neon32_unfused",
            ("-target", "arm-linux-gnueabihf.2.17", "-mcpu=generic+v7a+neon"),
            dot="ss",
            emulator=("qemu-arm", "-cpu", "cortex-a8", "-L", "/usr/arm-linux-gnueabihf"),
        ),
        Level(
            "rvv128",
            RISCV_TARGET,
            dot="ss",
            emulator=(*RISCV, "rv64,v=true,vext_spec=v1.0,vlen=128"),
        ),
        Level(
            "rvv256",
            RISCV_TARGET,
            dot="ss",
            emulator=(*RISCV, "rv64,v=true,vext_spec=v1.0,vlen=256"),
        ),
    ]
}
# AddressSanitizer wants to be in the program itself; zig has no runtime for it.
SANITIZE = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SANITIZED = {
    level.name: level
    for level in [
        Level("asan_scalar", ("-march=x86-64", *SANITIZE), compiler=("gcc",), emulator=("env",)),
        Level(
            "asan_avx2",
            ("-march=x86-64-v3", *SANITIZE),
            ("avx2", "fma"),
            compiler=("gcc",),
            emulator=("env",),
        ),
        Level(
            "asan_avx512",
            ("-march=x86-64-v4", "-mavx512vnni", *SANITIZE),
            ("avx512bw", "avx512dq", "avx512vl", "avx512_vnni"),
            compiler=("gcc",),
            emulator=("env",),
        ),
    ]
}

_FOLDER = tempfile.TemporaryDirectory(prefix="ew-kernels-")


@functools.cache
def build(level: Level, program: bool = False) -> Path:
    """A shared object, or a program that reads calls from stdin."""
    out = Path(_FOLDER.name) / f"{level.name}{'.x' if program else '.so'}"
    kind = ["-DEW_TEST_PROGRAM"] if program else ["-shared", "-fPIC", "-fvisibility=hidden"]
    command = [*level.compiler, *FLAGS, *level.flags, *kind, f"-I{KERNELS}", f"-I{HERE}"]
    subprocess.run([*command, str(HERE / "entry.c"), "-o", str(out)], check=True)
    return out


@functools.cache
def _load(level: Level) -> ctypes.CDLL:
    library = ctypes.CDLL(str(build(level)))
    library.ew_test_isa.restype = ctypes.c_char_p
    return library


def isa(level: Level) -> str:
    """The vocabulary that was picked."""
    name: bytes = _load(level).ew_test_isa()
    return name.decode()


def _guarded(data: Array) -> Array:
    """A copy, 64-byte aligned, with 64 canary bytes before and behind."""
    raw = np.full(data.nbytes + 256, CANARY, np.uint8)
    start = -raw.ctypes.data % 64 + 64
    raw[start : start + data.nbytes] = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    return raw


def call(level: Level, function: str, arguments: Sequence[Array | int | None]) -> list[Array]:
    """Run one kernel; an int argument i is the same memory as argument i.

    Returns:
        All arrays as the kernel left them.
    """
    if level.emulator:
        command = [*level.emulator, str(build(level, program=True))]
        return run_program(command, function, arguments)
    guards = [_guarded(a) if isinstance(a, np.ndarray) else None for a in arguments]
    starts = [None if g is None else -g.ctypes.data % 64 + 64 for g in guards]
    addresses = [
        None if g is None or s is None else g.ctypes.data + s
        for g, s in zip(guards, starts, strict=True)
    ]
    pointers = [
        addresses[a] if isinstance(a, int) else p for a, p in zip(arguments, addresses, strict=True)
    ]
    table = (ctypes.c_void_p * len(pointers))(*pointers)
    _load(level).ew_test_call(FUNCTIONS.index(function), table)
    results = []
    for given, guard, start in zip(arguments, guards, starts, strict=True):
        if not isinstance(given, np.ndarray) or guard is None or start is None:
            continue
        end = start + given.nbytes
        outside = np.concatenate([guard[:start], guard[end:]])
        assert (outside == CANARY).all(), f"{function} wrote outside an argument"
        results.append(guard[start:end].view(given.dtype).reshape(given.shape))
    return results


def request(function: str, arguments: Sequence[Array | int | None]) -> bytes:
    """One call in the program's form."""
    sizes, blobs = [], []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            blobs.append(np.ascontiguousarray(argument).tobytes())
            sizes.append(len(blobs[-1]))
        else:
            sizes.append(NULL if argument is None else -1 - argument)
    head = struct.pack(f"<{2 + len(sizes)}i", FUNCTIONS.index(function), len(sizes), *sizes)
    return head + b"".join(blobs)


def run_program(
    command: Sequence[str], function: str, arguments: Sequence[Array | int | None]
) -> list[Array]:
    """Run one kernel in a program built by `build(program=True)`."""
    text = request(function, arguments)
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    results, at = [], 0
    for given in arguments:
        if isinstance(given, np.ndarray):
            part = done.stdout[at : at + given.nbytes]
            results.append(np.frombuffer(part, given.dtype).reshape(given.shape))
            at += given.nbytes
    return results
