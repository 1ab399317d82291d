"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
