"""The real models that some tests read, when they are there."""

import os
from pathlib import Path

import pytest


def models_folder() -> Path:
    """EDGEWRIGHT_MODELS, or the folder beside the repository; skips the test when it is absent."""
    default = Path(__file__).parents[3] / "shared/models"
    folder = Path(os.environ.get("EDGEWRIGHT_MODELS", default))
    if not folder.is_dir():
        pytest.skip(f"no models in {folder}; set EDGEWRIGHT_MODELS")
    return folder


def real_files(suffix: str) -> list[Path]:
    """Every real model file with this suffix, sound ones only, in a stable order."""
    files = models_folder().rglob(f"*{suffix}")
    return sorted(path for path in files if "negative" not in path.parts)
