"""x86-64 Windows: a DLL that needs no C run-time library, so that it fits any compiler's app."""

from dataclasses import replace

from . import Runner
from .linux_x86_64 import TARGET as LINUX_X86_64

WINE = "/usr/lib/wine/wine64"  # Debian keeps it off the path

TARGET = replace(
    LINUX_X86_64,
    name="windows-x86_64",
    description="x86-64 Windows 10 and newer, up to AVX-512 VNNI",
    triple="x86_64-windows-gnu",
    arch="AMD64",
    system="Windows",
    runners=(Runner("wine", program=WINE, debian=("wine64",), label="wine", detects=True),),
    allowed_undefined=frozenset(),
    library_prefix="",
    library_suffix=".dll",
    support="windows.c",
    program_support="windows_program.c",
    libc="x86_64-windows-gnu",
)
