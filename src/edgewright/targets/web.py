"""Browsers and Node.js: WebAssembly with 128-bit SIMD, in an ES module."""

from importlib.util import find_spec

from . import Level, Runner, Target


def _no_wasmtime() -> tuple[str, ...]:
    return () if find_spec("wasmtime") else ("the Python package wasmtime",)


NODE = Runner("node", program="node", debian=("nodejs",))
CHROMIUM = Runner("chromium", program="chromium", debian=("chromium",))
#: what no user runs, but the one that counts instructions
WASMTIME = Runner(
    "wasmtime", label="wasmtime", probe=_no_wasmtime, install="pip install 'edgewright[wasm]'"
)

TARGET = Target(
    name="web",
    description="browsers and Node.js: an ES module with WebAssembly SIMD (all since 2023)",
    triple="wasm32-freestanding",
    arch="wasm32",
    system="web",
    levels=(
        Level(
            name="simd128",
            cpu="generic+simd128+bulk_memory+bulk_memory_opt",
            flags=("-msimd128", "-mbulk-memory"),
        ),
    ),
    dot="ss",
    detect="fixed",
    runners=(NODE, CHROMIUM, WASMTIME),
    allowed_undefined=frozenset(),
    machine="a browser",
    library_prefix="",
    library_suffix=".wasm",
    pointer_bytes=4,
    product="web_module",
    support="wasm.c",
    macros=("EW_SMALL 0",),  # costs a few KB, gzipped, and is worth a third of the time
)
