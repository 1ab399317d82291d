"""python -m benchmarks.nets [OUTDIR] [NAMES...]: write the suite's nets (default: build/nets)."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.nets import nets, write

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/nets")
    for name in sys.argv[2:] or nets():
        path = write(name, folder)
        print(f"{path.stat().st_size / 2**20:8.2f} MiB  {path}")
