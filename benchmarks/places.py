"""Where the suite finds real models, and where it keeps what it makes."""

from __future__ import annotations

import os
from pathlib import Path

MODELS = Path(os.environ.get("EDGEWRIGHT_MODELS", "../shared/models"))
BUILD = Path("build")
NETS = BUILD / "nets"
FOLDER = BUILD / "bench"
