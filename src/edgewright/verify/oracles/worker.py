"""The child process: reads a job from standard input, runs it under limits, writes the answer.

python -m edgewright.verify.oracles.worker < job > answer
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
from pathlib import Path
from typing import Any

from edgewright.verify.oracles.protocol import Tensors, pack, unpack

LONGEST_MESSAGE = 400
MODULES = {
    "litert": "litert",
    "litert_ref": "litert",
    "litert_steps": "litert_steps",
    "tflm": "tflm",
    "onnxruntime": "onnx_runtime",
}


def limit(cpu_s: int, memory_bytes: int) -> None:
    """Let the kernel end this process when it takes more, and leave no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def perform(header: dict[str, Any], runs: list[Tensors], model: bytes) -> bytes:
    """Run one job and return the answer's bytes; a failure becomes a header with `error`."""
    try:
        oracle = importlib.import_module(f"{__package__}.{MODULES[header['kind']]}")
        outputs = oracle.run(header["kind"], model, runs, header["intermediates"])
        return pack({}, outputs)
    except ModuleNotFoundError as error:
        return pack({"error": "missing", "what": str(error), "package": error.name}, [])
    except Exception as error:  # an oracle may raise anything on a bad file
        return pack({"error": "refused", "what": _shorten(f"{type(error).__name__}: {error}")}, [])


def _shorten(text: str) -> str:
    """One line of at most 400 characters: some bindings print all their arguments."""
    line = " ".join(text[:2000].split())
    return line if len(line) <= LONGEST_MESSAGE else line[:LONGEST_MESSAGE] + " ..."


def main() -> None:
    """Answer the one job on standard input."""
    header, runs, model = unpack(sys.stdin.buffer.read())
    if header["path"]:
        model = Path(header["path"]).read_bytes()
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # native libraries print where they like; the answer has its own channel
    limit(header["cpu_s"], header["memory_bytes"])
    answer.write(perform(header, runs, model))
    answer.close()


if __name__ == "__main__":
    main()
