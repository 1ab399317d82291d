"""Drive the C compiler: compile the levels of a model, link them, check what came out.

Everything that is built goes through the cache (`cache.py`), under a key of the sources, the
flags and the compiler's version. Compilers run in a folder of their own on relative file names, so
no path of the user's machine can reach the output.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..errors import CompileFailed, EdgewrightError, InternalError
from ..targets import Level, Target
from . import cache, flags, precompiled
from .binary import Binary, read_binary
from .compilers import Compiler, find_compiler, system_compiler
from .elf import Elf

__all__ = [
    "Binary",
    "Compiler",
    "build_archive",
    "build_library",
    "check_library",
    "compile_levels",
    "compile_object",
    "find_compiler",
    "link_firmware",
    "link_hosted",
    "link_program",
    "link_shared",
    "read_binary",
    "stub_library",
    "support_objects",
    "system_compiler",
]

Sources = Mapping[str, str]
PARALLEL_COMPILES = 2
_SUPPORT = Path(__file__).with_name("support")


def compile_object(
    source: str,
    target: Target,
    level: Level | None = None,
    *,
    name: str = "model.c",
    includes: Sources | None = None,
    extra_flags: Sequence[str] = (),
    compiler: Compiler | None = None,
) -> Path:
    """Compile one C file for `target` at `level` (default: its baseline).

    Args:
        source: the text of the file.
        target: where the code will run.
        level: the instruction set.
        name: what the compiler calls the file in its messages.
        includes: text of the headers by the name that `#include` uses.
        extra_flags: such as `-DEW_LEVEL=avx2`.
        compiler: default: `find_compiler(target)`.

    Returns:
        The object file, inside the cache; copy it, do not change it.

    Raises:
        CompileFailed: with the first error and the log file that has all of them.
    """
    compiler = compiler or find_compiler(target)
    level = level or target.baseline
    plain = [
        *compiler.platform_flags(target, level),
        *flags.COMPILE,
        *flags.LIBRARY,
        *target.compile_flags,
    ]
    options = [*plain, *extra_flags]
    files = {**(includes or {}), name: source}

    def make(out: Path) -> None:
        run = partial(_run, compiler, files={})
        header = precompiled.find(compiler, plain, target, level, source, run)
        command = [*options, "-I.", "-c", name, "-o", str(out)]
        if header is not None:
            try:
                return _run(compiler, ["-include-pch", str(header), *command], files)
            except CompileFailed:  # the headers may have been replaced; else it fails again
                header.unlink(missing_ok=True)
        return _run(compiler, command, files)

    return cache.lookup(_key(compiler, [*options, "-c", name], files) + ".o", make)


def link_shared(
    objects: Sequence[Path],
    target: Target,
    *,
    soname: str,
    compiler: Compiler | None = None,
) -> Path:
    """Link objects into a shared library without a C library, start-up code, or build id.

    What the library leaves undefined is checked by `check_library`, which is stricter than the
    linker's `-z defs`: that one has no list of what is allowed.

    Returns:
        The library, inside the cache.
    """
    compiler = compiler or find_compiler(target)
    options = [*compiler.platform_flags(target, target.baseline), *flags.link(target, soname)]
    contents = {f"{i}.o": path.read_bytes() for i, path in enumerate(objects)}
    contents |= _system_libraries(target, compiler)

    def make(out: Path) -> None:
        # A DLL states the name that it was linked under, so it gets its own and not the cache's.
        inputs = [name for name in contents if not name.endswith(".tbd")]
        _run(compiler, [*inputs, *options, "-o", soname], contents, made=(soname, out))
        cache.prune()

    return cache.lookup(_key(compiler, options, contents) + target.library_suffix, make)


def _system_libraries(target: Target, compiler: Compiler) -> dict[str, bytes]:
    """What stands for the system's libraries while linking, by file name."""
    symbols = target.allowed_undefined
    if target.system == "Darwin":
        return {"libSystem.tbd": flags.libsystem(target).encode()}
    return {n: stub_library(n, target, symbols, compiler).read_bytes() for n in target.needed}


def stub_library(
    name: str, target: Target, symbols: Collection[str], compiler: Compiler | None = None
) -> Path:
    """A library that stands for one of the system's where that is not at hand.

    Linking against it makes a library name the real one as needed; with no symbols it satisfies
    such a need on a system whose C library is called otherwise.

    Returns:
        The library, inside the cache.
    """
    compiler = compiler or find_compiler(target)
    head = '__attribute__((visibility("default"))) void'
    lines = [f"{head} {symbol}(void);\n{head} {symbol}(void) {{}}\n" for symbol in sorted(symbols)]
    lines.append("typedef int not_empty;\n")  # C has no empty files
    flag = "-Wno-builtin-declaration-mismatch" if compiler.name == "gcc" else "-fno-builtin"
    built = compile_object(
        "".join(lines), target, name="stub.c", extra_flags=[flag], compiler=compiler
    )
    return link_shared([built], replace(target, needed=()), soname=name, compiler=compiler)


def compile_levels(
    source: str,
    target: Target,
    *,
    includes: Sources | None = None,
    extra_flags: Sequence[str] = (),
    compiler: Compiler | None = None,
) -> list[Path]:
    """Compile `source` once per level of `target`, and once for dispatch, two at a time.

    Each level is compiled with `-DEW_LEVEL=NAME`, the dispatch at the baseline with
    `-DEW_DISPATCH`.

    Returns:
        The objects in that order, inside the cache.
    """
    compiler = compiler or find_compiler(target)
    jobs = [(level, f"-DEW_LEVEL={level.name}") for level in target.levels]
    jobs.append((target.baseline, "-DEW_DISPATCH"))

    def compile_job(job: tuple[Level, str]) -> Path:
        level, define = job
        options = [define, *extra_flags]
        return compile_object(
            source, target, level, includes=includes, extra_flags=options, compiler=compiler
        )

    with ThreadPoolExecutor(PARALLEL_COMPILES) as pool:
        return list(pool.map(compile_job, jobs))


def build_library(
    source: str,
    target: Target,
    *,
    soname: str,
    includes: Sources | None = None,
    compiler: Compiler | None = None,
) -> Path:
    """Compile all levels of `source`, link them, and check what came out.

    Returns:
        The library, inside the cache.
    """
    compiler = compiler or find_compiler(target)
    objects = compile_levels(source, target, includes=includes, compiler=compiler)
    objects += support_objects(target, compiler=compiler)
    library = link_shared(objects, target, soname=soname, compiler=compiler)
    check_library(library, target)
    return library


def support_objects(
    target: Target, *, extra_flags: Sequence[str] = (), compiler: Compiler | None = None
) -> list[Path]:
    """The functions that every library of `target` is linked with, compiled; none for most."""
    if not target.support:
        return []
    text = (_SUPPORT / target.support).read_text("utf-8")
    options = ["-ffunction-sections", *extra_flags]
    return [compile_object(text, target, extra_flags=options, compiler=compiler)]


def build_archive(
    source: str,
    target: Target,
    *,
    includes: Sources | None = None,
    compiler: Compiler | None = None,
) -> Path:
    """Compile all levels of `source` into a static library, and check what came out.

    Returns:
        The library, inside the cache.
    """
    compiler = compiler or find_compiler(target)
    objects = compile_levels(source, target, includes=includes, compiler=compiler)
    names = [*(f"model_{level.name}.o" for level in target.levels), "model.o"]
    contents = {n: path.read_bytes() for n, path in zip(names, objects, strict=True)}
    tool = replace(compiler, command=compiler.archiver)
    library = f"library{target.library_suffix}"
    options = ["rcsD", library]  # D: no times, no user's number

    def make(out: Path) -> None:
        _run(tool, [*options, *contents], contents, made=(library, out))
        cache.prune()

    key = _key(tool, [*options, *contents], contents)
    archive = cache.lookup(key + target.library_suffix, make)
    check_library(archive, target)
    return archive


def link_program(
    sources: Sources,
    target: Target,
    *,
    objects: Sequence[Path] = (),
    extra_flags: Sequence[str] = (),
    compiler: Compiler | None = None,
) -> Path:
    """Compile and link a program with the C library, at the baseline: runners and test harnesses.

    Args:
        sources: text by file name; the `.c` files are compiled, the others are headers.
        target: where the program will run.
        objects: linked in as they are; `compile_levels` makes them.
        extra_flags: such as `-fsanitize=address` (gcc only: zig carries no sanitizer runtime).
        compiler: default: `find_compiler(target)`.

    Returns:
        The program, inside the cache. The first one with zig takes seconds: it builds libc.
    """
    compiler = compiler or find_compiler(target)
    options = [
        *compiler.platform_flags(target, target.baseline, libc=True),
        *(flag for flag in flags.COMPILE if flag != "-std=c11"),
        "-std=gnu11",  # runners use POSIX: dlopen, clock_gettime
        *flags.program(target),
        *(["-pthread"] if "threads.c" in sources else []),
        *extra_flags,
    ]
    contents = {f"{i}.o": path.read_bytes() for i, path in enumerate(objects)}
    files: dict[str, str | bytes] = {**sources, **contents}
    if target.program_support:
        name = target.program_support
        files[name] = (_SUPPORT / name).read_text("utf-8")
    units = [*sorted(name for name in files if name.endswith(".c")), *contents]
    libraries = flags.program_libraries(target)

    def make(out: Path) -> None:
        headers = compiler.header_flags(target)
        _run(compiler, [*options, *headers, "-I.", *units, "-o", str(out), *libraries], files)

    return cache.lookup(_key(compiler, [*options, *libraries, "program"], files) + ".bin", make)


def link_hosted(
    sources: Sources, target: Target, *, soname: str, compiler: Compiler | None = None
) -> Path:
    """Compile and link a shared library that uses the C library and its threads (Linux only).

    Args:
        sources: text by file name; the `.c` files are compiled, the others are headers.
        target: where it will run, at its baseline.
        soname: the name that it states.
        compiler: default: `find_compiler(target)`.

    Returns:
        The library, inside the cache.
    """
    compiler = compiler or find_compiler(target)
    options = [
        *compiler.platform_flags(target, target.baseline, libc=True),
        *(flag for flag in flags.COMPILE if flag != "-std=c11"),
        *flags.hosted(soname),
    ]
    units = sorted(name for name in sources if name.endswith(".c"))

    def make(out: Path) -> None:
        _run(compiler, [*options, "-I.", *units, "-o", soname], sources, made=(soname, out))

    return cache.lookup(_key(compiler, options, sources) + target.library_suffix, make)


def link_firmware(
    sources: Mapping[str, str | bytes], target: Target, *, objects: Sequence[Path]
) -> Path:
    """Compile and link a program for a bare machine, at the baseline: for emulators.

    The compiler's own routines are linked, a C library is not. Function names stay.

    Args:
        sources: content by file name; the `.c` files are compiled, `board.ld` is the memory map,
            and `reset` is where the program starts.
        target: where it will run.
        objects: linked in as they are.

    Returns:
        The program, inside the cache.
    """
    compiler = find_compiler(target, "zig")  # it has the routines for every CPU
    level = target.baseline
    if target.board and target.board.cpu:
        level = replace(level, cpu=target.board.cpu)
    options = [
        *compiler.platform_flags(target, level, libc=True),
        *flags.COMPILE,
        *flags.FIRMWARE,
    ]
    contents = {f"{i}.o": path.read_bytes() for i, path in enumerate(objects)}
    files: dict[str, str | bytes] = {**sources, **contents}
    units = [*sorted(name for name in sources if name.endswith(".c")), *contents]

    def make(out: Path) -> None:
        _run(compiler, [*options, "-I.", *units, "-o", str(out)], files)

    return cache.lookup(_key(compiler, [*options, "firmware"], files) + ".elf", make)


def check_library(library: Path, target: Target) -> Binary:
    """Check that a library keeps the promises that its file can show.

    Returns:
        What was read, for sizes and symbols.

    Raises:
        InternalError: it needs a symbol that the target does not allow, has writable globals, or
            does not start its segments at the target's pages.
    """
    binary = read_binary(library)
    if foreign := sorted(binary.undefined - target.allowed_undefined):
        allowed = ", ".join(sorted(target.allowed_undefined)) or "nothing"
        raise InternalError(
            f"generated code needs {', '.join(foreign)}; {target.name} allows {allowed}",
            where=library.name,
        )
    if binary.writable_bytes:
        raise InternalError(
            f"generated code has {binary.writable_bytes} bytes of writable globals",
            where=library.name,
        )
    if isinstance(binary, Elf) and target.page_bytes and binary.page_bytes % target.page_bytes:
        raise InternalError(
            f"a segment starts at a multiple of {binary.page_bytes} bytes; {target.name} has pages "
            f"of {target.page_bytes}",
            where=library.name,
        )
    return binary


def _key(compiler: Compiler, options: Sequence[str], files: Mapping[str, str | bytes]) -> str:
    """The cache key of one compiler run; paths of this machine have no part in it."""
    parts: list[str | bytes] = [compiler.name, compiler.version, *options, ""]
    for name in sorted(files):
        parts += [name, files[name]]
    return cache.key(parts)


def _run(
    compiler: Compiler,
    options: Sequence[str],
    files: Mapping[str, str | bytes],
    made: tuple[str, Path] | None = None,
) -> None:
    """Run the compiler in a fresh folder that holds `files`. Raises what `_failure` says.

    With `made`, the file of that name in that folder is copied to the path afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="edgewright-") as folder:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        done = subprocess.run(
            [*compiler.command, *options],
            cwd=folder,
            env=_environment(),
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            raise _failure(compiler, options, done.stderr)
        if made:
            shutil.copyfile(Path(folder) / made[0], made[1])


_DISK_FULL = re.compile(r"No space left on device|NoSpaceLeft|Disk quota exceeded")


def _environment() -> dict[str, str]:
    """The user's environment, with zig's own cache inside ours, messages in English, and no time.

    DLLs hold the time of linking; linkers take it from SOURCE_DATE_EPOCH where that is set.
    """
    env = {**os.environ, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "0"}
    env.setdefault("ZIG_GLOBAL_CACHE_DIR", str(cache.root() / "zig"))
    env.setdefault("ZIG_LOCAL_CACHE_DIR", str(cache.root() / "zig"))
    return env


def _failure(compiler: Compiler, options: Sequence[str], stderr: str) -> EdgewrightError:
    """One line for the user, everything else in a log file; a full disk is not the compiler's."""
    if _DISK_FULL.search(stderr):
        return cache.unwritable("no space is left")
    errors = re.findall(r"^(.*\berror: .*)$", stderr, re.MULTILINE)
    text = errors[0] if errors else (stderr.strip().splitlines() or ["no message"])[-1]
    log = _write_log(f"{' '.join([*compiler.command, *options])}\n\n{stderr}")
    return CompileFailed(
        f"{compiler.version}: {text}",
        where=log,
        help="this is a bug in Edgewright: please report it with the log file",
    )


def _write_log(text: str) -> str | None:
    """Keep `text` under the cache folder; the same failure writes the same file."""
    path = cache.root() / "logs" / f"{cache.key([text])[:16]}.log"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)
    return None
