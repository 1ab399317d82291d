"""The reference pages follow the code, whatever terminal they are written on."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date(generate: ModuleType) -> None:
    assert generate.stale_pages() == [], "run `make docs`"


def test_a_stale_or_missing_page_is_found(generate: ModuleType, tmp_path: Path) -> None:
    for name in generate.PAGES:
        (tmp_path / name).write_text(generate.page_text(name))
    (tmp_path / "errors.md").write_text("old")
    (tmp_path / "passes.md").unlink()
    assert generate.stale_pages(tmp_path) == ["errors.md", "passes.md"]


@pytest.mark.parametrize("columns", ["40", "200"])
def test_the_width_of_the_terminal_changes_nothing(
    generate: ModuleType, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = generate.page_text("cli.md")
    monkeypatch.setenv("COLUMNS", columns)
    assert generate.page_text("cli.md") == before
