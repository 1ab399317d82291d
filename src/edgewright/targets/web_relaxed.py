"""Browsers with relaxed SIMD (Chrome 114, Firefox 145): multiply-add that rounds once."""

import re
import shutil
import subprocess
from dataclasses import replace

from . import Level, Runner
from .web import CHROMIUM, WASMTIME
from .web import TARGET as WEB

_OLDEST_NODE = 24  # node 20 has relaxed SIMD behind a flag, and computes it wrongly


def _old_node() -> tuple[str, ...]:
    """What is missing where the path's Node.js is too old."""
    program = shutil.which("node")
    if program is None:
        return ()
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)", told.stdout)
    new = version is not None and int(version[1]) >= _OLDEST_NODE
    return () if new else (f"node {_OLDEST_NODE} or newer",)


TARGET = replace(
    WEB,
    name="web-relaxed",
    description="browsers with relaxed SIMD: as web, with fused multiply-add for float32",
    levels=(
        Level(
            name="relaxed",
            cpu="generic+simd128+relaxed_simd+bulk_memory+bulk_memory_opt",
            flags=("-msimd128", "-mrelaxed-simd", "-mbulk-memory"),
        ),
    ),
    runners=(
        CHROMIUM,
        Runner("node", program="node", probe=_old_node, install="npm install -g node@24"),
        WASMTIME,
    ),
)
