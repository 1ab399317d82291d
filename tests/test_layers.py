"""Folders stand in the order in which data flows; a module imports only from those above it."""

import ast
from pathlib import Path

import pytest

import edgewright

PACKAGE = Path(edgewright.__file__).parent
ORDER = (
    *("errors", "numerics", "data", "graph", "ops", "importers", "passes", "targets", "plan"),
    *("kernels", "codegen", "toolchain", "artifact", "exporters", "verify", "quantize", "bench"),
    *("tuning", "search", "report", "pipeline", "cli"),
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def parts_of(path: Path) -> tuple[str, ...]:
    """The dotted path of a module's package or module, below `edgewright`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def imported(source: str, package: tuple[str, ...]) -> set[str]:
    """Top-level parts of edgewright that `source`, inside `package`, imports, in any way."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {_top(tuple(alias.name.split("."))) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                base = package[: len(package) - (node.level - 1)]
                module = ("edgewright", *base, *module)
            found |= {_top((*module, alias.name)) for alias in node.names}
    return found & set(ORDER)


def _top(dotted: tuple[str, ...]) -> str:
    return dotted[1] if dotted[0] == "edgewright" and len(dotted) > 1 else ""


def upward(source: str, parts: tuple[str, ...], *, is_package: bool) -> list[str]:
    """What the module `parts` imports although it comes later than its own folder."""
    own = ORDER.index(parts[0])
    package = parts if is_package else parts[:-1]
    return sorted(name for name in imported(source, package) if ORDER.index(name) > own)


def test_every_folder_has_a_place_in_the_order() -> None:
    names = {parts_of(path)[0] for path in MODULES if parts_of(path)} - {"__main__"}
    assert names <= set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_up(path: Path) -> None:
    parts = parts_of(path)
    if parts in ((), ("__main__",)):
        return  # the package itself names its public verbs; `python -m` starts the command line
    assert upward(path.read_text(), parts, is_package=path.name == "__init__.py") == []


@pytest.mark.parametrize(
    "line",
    [
        "from ..codegen import program",
        "from .. import codegen",
        "from edgewright.codegen.program import emit",
        "from edgewright import codegen",
        "import edgewright.codegen.program as p",
        "def f():\n    from ..codegen import program",
        "if TYPE_CHECKING:\n    from ..codegen import program",
    ],
)
def test_an_import_that_points_down_is_found(line: str) -> None:
    assert upward(line, ("graph", "types"), is_package=False) == ["codegen"]


def test_a_package_file_counts_dots_from_itself() -> None:
    assert upward("from ..codegen import a", ("graph",), is_package=True) == ["codegen"]
    assert upward("from ...cli import a", ("importers", "onnx"), is_package=True) == ["cli"]
    assert upward("from ..errors import a", ("graph",), is_package=True) == []
