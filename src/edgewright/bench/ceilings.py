"""The ceilings of this machine: the roofline that operators are held against."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from edgewright import targets, toolchain
from edgewright.codegen.kernels import paste
from edgewright.errors import InternalError
from edgewright.targets import Level
from edgewright.toolchain import cache as cached


@dataclass(frozen=True)
class Ceilings:
    """What one core can do at best, at one ISA level.

    Attributes:
        float32: operations a second (a multiply-add is two).
        int8: the same, of 8-bit products summed in 32 bits.
        bytes: read from memory a second.
    """

    float32: float
    int8: float
    bytes: float

    def bound_us(self, macs: int, moved: int, is_int8: bool) -> float:
        """The least time, in microseconds, for so much arithmetic and so many bytes."""
        peak = self.int8 if is_int8 else self.float32
        return 1e6 * max(2 * macs / peak, moved / self.bytes)


@cache
def measure(level_name: str) -> Ceilings:
    """Ceilings of the host at a level; measured once per CPU and compiler, then remembered."""
    host = targets.get("host")
    compiler = toolchain.find_compiler(host)
    source = Path(__file__).with_name("ceilings.c").read_text(encoding="utf-8")
    key = cached.key([source, paste(["simd.h"]), compiler.version, level_name, cpu_model()])

    def make(out: Path) -> None:
        found = _run(source, host.level(level_name))
        out.write_text(json.dumps(asdict(found)), encoding="utf-8")

    return Ceilings(**json.loads(cached.lookup(key + ".json", make).read_text(encoding="utf-8")))


def _run(source: str, level: Level) -> Ceilings:
    at_level = replace(targets.get("host"), levels=(level,))
    headers = paste(["interface.h", "simd.h"])
    program = toolchain.link_program({"ceilings.c": source, "simd.h": headers}, at_level)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    numbers = [float(word) for word in done.stdout.split()]
    if done.returncode or len(numbers) != 3:
        raise InternalError(f"the ceilings could not be measured: {done.stderr.strip()}")
    return Ceilings(*numbers)


def cpu_model() -> str:
    """The model of the CPU, which decides what is measured."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith(("model name", "CPU part")):
                return line.split(":", 1)[1].strip()
    return platform.processor()
