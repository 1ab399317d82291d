"""Fixtures that every test may use."""

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that `make golden` and `make test-targets` use."""
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden/, show diffs"
    )
    parser.addoption(
        "--target", default="host", help="what tests/ops/ compile operators for; default: host"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compare text with a file of tests/golden/, found by the test's own name.

    Call it as `golden(text)` or `golden(text, suffix=".c")`. With --update-golden the file is
    written instead, and the difference is printed.
    """
    module = Path(str(request.node.path)).relative_to(ROOT / "tests").with_suffix("")
    name = request.node.name.replace("[", ".").replace("]", "").replace("/", "_")

    def compare(text: str, suffix: str = ".txt") -> None:
        path = ROOT / "tests" / "golden" / module / f"{name}{suffix}"
        wanted = path.read_text() if path.exists() else ""
        if request.config.getoption("--update-golden"):
            _rewrite(path, wanted, text)
        else:
            assert path.exists(), f"{path} is missing: run `make golden`, then read it"
            assert text == wanted, f"differs from {path}; if it should, run `make golden`"

    return compare


def _rewrite(path: Path, wanted: str, text: str) -> None:
    if wanted != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        names = (f"{path} before", f"{path} now")
        print(*difflib.unified_diff(wanted.splitlines(), text.splitlines(), *names), sep="\n")


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of real models; the test is skipped where it is absent."""
    folder = Path(os.environ.get("EDGEWRIGHT_MODELS", ROOT.parent / "shared" / "models"))
    if not (folder / "MANIFEST.md").exists():
        pytest.skip(f"no models in {folder}; set EDGEWRIGHT_MODELS to their folder")
    return folder


@pytest.fixture(scope="session")
def examples() -> Path:
    """The repository's own examples folder, with the demo model."""
    return ROOT / "examples"


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of compiled files, used for the length of the test."""
    folder = tmp_path / "cache"
    # zig rebuilds nothing that its own cache has: only ours is to be empty.
    zig = Path.home() / ".cache" / "edgewright" / "zig"
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", os.environ.get("ZIG_GLOBAL_CACHE_DIR", str(zig)))
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(folder))
    return folder
