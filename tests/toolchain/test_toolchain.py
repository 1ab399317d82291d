"""Compiling and linking with every compiler that is here, and what is refused."""

import ctypes
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgewright import targets, toolchain
from edgewright.errors import (
    CompileFailed,
    EdgewrightError,
    InternalError,
    InvalidOption,
    InvalidPackage,
    MissingCompiler,
)
from edgewright.targets import Target
from edgewright.toolchain import compilers
from edgewright.toolchain.elf import Elf

HOST = targets.get("host")
ARM = targets.get("linux-arm64")
API = '#define API __attribute__((visibility("default")))\n'

# Stands for a generated model: one symbol per level, dispatch over them, memcpy from outside.
LEVELLED = (
    API
    + """
#include <stddef.h>
#define GLUE_(a, b) a##__##b
#define GLUE(a, b) GLUE_(a, b)
void *memcpy(void *, const void *, size_t);
#ifdef EW_LEVEL
void GLUE(run, EW_LEVEL)(float *y, const float *x, size_t n);
void GLUE(run, EW_LEVEL)(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] = x[i] * 3.0f + 1.0f;
}
#else
API void copy(char *to, const char *from, size_t n);
API void copy(char *to, const char *from, size_t n) { memcpy(to, from, n); }
"""
    + "".join(f"void run__{level.name}(float *, const float *, size_t);\n" for level in HOST.levels)
    + "API void run(int isa, float *y, const float *x, size_t n);\n"
    + "API void run(int isa, float *y, const float *x, size_t n) {\n"
    + "".join(
        f"  if (isa == {i}) run__{level.name}(y, x, n);\n" for i, level in enumerate(HOST.levels)
    )
    + "}\n#endif\n"
)


def found(name: str, target: Target = HOST) -> compilers.Compiler:
    try:
        return toolchain.find_compiler(target, name)
    except MissingCompiler as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["zig", "gcc", "clang"])
def compiler(request: pytest.FixtureRequest) -> compilers.Compiler:
    return found(request.param)


def test_a_library_of_all_levels_runs(compiler: compilers.Compiler, fresh_cache: Path) -> None:
    path = toolchain.build_library(LEVELLED, HOST, soname="libtest.so", compiler=compiler)
    assert path.is_relative_to(fresh_cache)
    elf = toolchain.read_binary(path)
    assert isinstance(elf, Elf)
    assert elf.exported == {"run", "copy"}
    assert elf.undefined == {"memcpy"}
    assert elf.text_bytes > 0
    assert (elf.bss_bytes, elf.writable_bytes) == (0, 0)
    library = ctypes.CDLL(str(path))
    for isa, _ in enumerate(targets.levels_here(HOST)):
        x, y = (ctypes.c_float * 5)(1, 2, 3, 4, 5), (ctypes.c_float * 5)()
        library.run(isa, y, x, ctypes.c_size_t(5))
        assert list(y) == [4, 7, 10, 13, 16]


def test_the_same_source_gives_the_same_bytes(
    compiler: compilers.Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    for name in ("one", "another/folder"):
        monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path / name))
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        path = toolchain.build_library(LEVELLED, HOST, soname="libtest.so", compiler=compiler)
        built.append(path.read_bytes())
    assert built[0] == built[1]
    assert str(tmp_path).encode() not in built[0]


def test_two_processes_build_at_once(fresh_cache: Path) -> None:
    source = API + "API int f(int x);\nAPI int f(int x) { return x + 1; }\n"
    script = (
        "import sys\nfrom edgewright import targets, toolchain\n"
        "t = targets.get('host')\n"
        "print(toolchain.link_shared([toolchain.compile_object(sys.argv[1], t)], t, soname='a'))"
    )
    command = [sys.executable, "-c", script, source]
    pair = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    paths = {process.communicate()[0] for process in pair}
    assert [process.returncode for process in pair] == [0, 0]
    assert len(paths) == 1
    assert len(list((fresh_cache / "objects").rglob("*.so"))) == 1


def test_linux_arm64_compiles_with_zig(fresh_cache: Path) -> None:
    source = API + "API int f(int x);\nAPI int f(int x) { return x + 1; }\n"
    zig = found("zig", ARM)
    objects = [toolchain.compile_object(source, ARM, level, compiler=zig) for level in ARM.levels]
    library = toolchain.link_shared(objects[:1], ARM, soname="libtest.so", compiler=zig)
    assert library.is_relative_to(fresh_cache)
    assert toolchain.check_library(library, ARM).exported == {"f"}


@pytest.mark.parametrize("target", [HOST, ARM], ids=lambda target: target.name)
def test_a_program_runs_under_the_targets_runner(target: Target) -> None:
    if not targets.available(target):
        pytest.skip(f"{target.name} does not run here")
    source = '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n'
    program = toolchain.link_program({"main.c": source}, target)
    runner = target.runners_here[0]
    command = [*filter(None, [runner.program]), *runner.options, str(program)]
    assert subprocess.run(command, check=True, capture_output=True).stdout == b"hello\n"


def test_a_program_links_the_levels(compiler: compilers.Compiler) -> None:
    main = """
#include <stddef.h>
#include <stdio.h>
void run(int isa, float *y, const float *x, size_t n);
int main(void) {
  float x = 2.0f, y = 0.0f;
  run(0, &y, &x, 1);
  printf("%g\\n", y);
}
"""
    objects = toolchain.compile_levels(LEVELLED, HOST, compiler=compiler)
    program = toolchain.link_program({"main.c": main}, HOST, objects=objects, compiler=compiler)
    assert subprocess.run([str(program)], check=True, capture_output=True).stdout == b"7\n"


def test_a_program_with_sanitizers_reports_an_overrun() -> None:
    source = """
#include <stdlib.h>
int main(int count, char **words) {
  char *memory = calloc(4, 1);
  int read = words[0][0] + memory[count + 3];
  free(memory);
  return read;
}
"""
    gcc = found("gcc")
    sanitized = ["-fsanitize=address,undefined", "-g"]
    program = toolchain.link_program({"main.c": source}, HOST, extra_flags=sanitized, compiler=gcc)
    done = subprocess.run([str(program)], check=False, capture_output=True, text=True)
    assert done.returncode
    assert "heap-buffer-overflow" in done.stderr


def test_a_compile_error_is_one_line_and_a_log(
    compiler: compilers.Compiler, fresh_cache: Path
) -> None:
    with pytest.raises(CompileFailed) as caught:
        toolchain.compile_object("int f(void) { return oops; }\n", HOST, compiler=compiler)
    error = caught.value
    assert "\n" not in error.what
    assert "model.c:1" in error.what
    assert "'oops'" in error.what
    assert error.where is not None
    assert Path(error.where).is_relative_to(fresh_cache)
    assert "oops" in Path(error.where).read_text()


def test_a_warning_is_an_error(compiler: compilers.Compiler) -> None:
    with pytest.raises(CompileFailed, match="unused"):
        toolchain.compile_object("int f(int x) { int y; return x; }\n", HOST, compiler=compiler)


def test_no_fused_multiply_add_without_asking(compiler: compilers.Compiler) -> None:
    if (objdump := shutil.which("objdump")) is None or HOST.arch != "x86_64":
        pytest.skip("needs objdump on x86-64")
    head = "float f(float a, float b, float c)"
    source = f"{head};\n{head} {{ return a * b + c; }}\n"
    for level in HOST.levels:
        path = toolchain.compile_object(source, HOST, level, compiler=compiler)
        text = subprocess.run([objdump, "-d", path], check=True, capture_output=True).stdout
        assert b"mulss" in text
        assert b"fmadd" not in text


def test_a_foreign_symbol_is_refused(compiler: compilers.Compiler) -> None:
    source = (
        API
        + "double expm1(double);\nAPI double f(double x);\n"
        + "API double f(double x) { return expm1(x); }\n"
    )
    built = toolchain.compile_object(source, HOST, compiler=compiler)
    library = toolchain.link_shared([built], HOST, soname="libbad.so", compiler=compiler)
    with pytest.raises(InternalError, match="needs expm1; host allows memcpy, memset"):
        toolchain.check_library(library, HOST)


def test_a_writable_global_is_refused(compiler: compilers.Compiler) -> None:
    source = API + "static int calls;\nAPI int f(void);\nAPI int f(void) { return ++calls; }\n"
    built = toolchain.compile_object(source, HOST, compiler=compiler)
    library = toolchain.link_shared([built], HOST, soname="libbad.so", compiler=compiler)
    with pytest.raises(InternalError, match="[48] bytes of writable globals"):
        toolchain.check_library(library, HOST)


def test_an_unknown_compiler_names_the_known_ones() -> None:
    with pytest.raises(InvalidOption, match="no compiler 'tcc'") as caught:
        toolchain.find_compiler(HOST, "tcc")
    assert caught.value.help == "one of: clang, gcc, zig"


@pytest.mark.parametrize(
    ("target", "name", "advice"),
    [
        (HOST, "zig", "pip install 'edgewright[zig]'"),
        (HOST, "gcc", "apt-get install gcc, or pip install 'edgewright[zig]'"),
        (ARM, "gcc", "apt-get install gcc-aarch64-linux-gnu, or pip install 'edgewright[zig]'"),
        (ARM, "clang", "apt-get install clang-19 lld-19, or pip install 'edgewright[zig]'"),
        (ARM, None, "pip install 'edgewright[zig]'"),
    ],
)
def test_a_missing_compiler_says_what_to_install(
    target: Target, name: str | None, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for finder in ("_zig", "_clang"):
        monkeypatch.setattr(compilers, finder, lambda: None)
    monkeypatch.setattr(compilers, "_gcc", lambda _: None)
    with pytest.raises(MissingCompiler) as caught:
        toolchain.find_compiler(target, name)
    assert caught.value.help == advice


def test_without_zig_the_host_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compilers, "_zig", lambda: None)
    monkeypatch.setattr(compilers, "_clang", lambda: None)
    if shutil.which("gcc") is None:
        pytest.skip("no gcc here")
    assert toolchain.find_compiler(HOST).name == "gcc"


@pytest.mark.parametrize("fraction", [0, 0.01, 0.03, 0.2, 0.7, 0.99])
def test_a_damaged_library_is_an_error_and_no_crash(fraction: float, tmp_path: Path) -> None:
    source = API + "API int f(void);\nAPI int f(void) { return 1; }\n"
    library = toolchain.link_shared([toolchain.compile_object(source, HOST)], HOST, soname="l.so")
    path = tmp_path / "short.so"
    data = library.read_bytes()
    path.write_bytes(data[: int(len(data) * fraction)])
    with pytest.raises(EdgewrightError) as caught:
        toolchain.read_binary(path)
    assert isinstance(caught.value, InvalidPackage)
