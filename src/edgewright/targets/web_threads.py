"""Isolated pages (COOP and COEP) and Node.js: calls run at once in workers that share memory."""

from dataclasses import replace

from . import Level
from .web import CHROMIUM, NODE
from .web import TARGET as WEB

TARGET = replace(
    WEB,
    name="web-threads",
    description="isolated pages and Node.js: as web, several calls at once in workers",
    levels=(
        Level(
            name="threads",
            cpu="generic+simd128+bulk_memory+bulk_memory_opt+atomics",
            flags=("-msimd128", "-mbulk-memory", "-matomics"),
        ),
    ),
    link_flags=(
        "-Wl,--shared-memory",
        "-Wl,--import-memory",
        "-Wl,--max-memory=4294901760",  # the most that the linker takes
    ),
    runners=(NODE, CHROMIUM),
)
