"""Damaged copies of real models, imported, optimised, planned and turned into C."""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import edgewright as ew
from edgewright import targets
from edgewright.codegen import generate
from edgewright.errors import EdgewrightError
from tests.importers.mutations import mutated

FILES = (
    "kws/models/dscnn_int8.tflite",
    "micro/hello_world_int8.tflite",
    "micro/hello_world_float.tflite",
    "micro/micro_speech/micro_speech.tflite",
    "mnist/models/lstm_int8.tflite",
    "wakeword/alexa.tflite",
    "mnist/models/cntk_cnn.onnx",
    "trees/rf_iris.onnx",
    "onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx",
    "onnx_misc/tract_deconv_group/model.onnx",
)
SLOW_S = 20.0


@dataclass
class Outcomes:
    """How many mutants were refused or built, and what went wrong with the others."""

    refused: int = 0
    built: int = 0
    slowest_s: float = 0.0
    broken: list[str] = field(default_factory=list)


def survive(models: Path, folder: Path, count: int, seed: int) -> Outcomes:
    """Take `count` mutants as far as C. An error of another status than 2 counts as broken."""
    outcomes = Outcomes()
    for kind in (".tflite", ".onnx"):
        files = [(models / f).read_bytes() for f in FILES if f.endswith(kind)]
        for index, data in enumerate(mutated(files, count // 2, seed)):
            path = folder / f"mutant{kind}"
            path.write_bytes(data)
            start = time.monotonic()
            problem = _take(path, outcomes)
            spent = time.monotonic() - start
            outcomes.slowest_s = max(outcomes.slowest_s, spent)
            if problem or spent > SLOW_S:
                kept = Path(tempfile.gettempdir()) / f"mutant-{seed}-{index}{kind}"
                kept.write_bytes(data)
                outcomes.broken.append(f"{kept} ({spent:.1f} s): {problem}")
    return outcomes


def _take(path: Path, outcomes: Outcomes) -> str:
    """Build as far as C; what is wrong, or nothing."""
    try:
        model = ew.load_model(path)
        generate(model.module, targets.get("host"), "mutant")
    except EdgewrightError as error:
        outcomes.refused += 1
        return "" if error.status == 2 else error.render()
    except Exception as error:  # finding these is what this is for
        return f"{type(error).__name__}: {error}"
    outcomes.built += 1
    return ""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        found = survive(Path(sys.argv[1]), Path(place), int(sys.argv[2]), int(sys.argv[3]))
    print(found.refused, "refused,", found.built, "built, slowest", round(found.slowest_s, 2), "s")
    print(*found.broken, sep="\n")
