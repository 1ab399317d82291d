"""The suite's nets as .tflite files, so that LiteRT, the strongest peer, competes on each of them.

Images are channels-last in them, as LiteRT's users have them: unlike the ONNX runtimes and
Edgewright it is not asked to turn the image round.
"""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import nets
from benchmarks.nets.net import samples
from benchmarks.places import NETS
from benchmarks.subjects import Subject

Array = npt.NDArray[Any]
SAMPLES = 4


def exported(subject: Subject, folder: Path) -> tuple[Path, list[tuple[int, ...]]]:
    """The float32 file, and for each input how it is transposed. Raises EdgewrightError."""
    path = folder / subject.key / "exported.tflite"
    layout = path.with_suffix(".json")
    if not path.exists():
        from edgewright.exporters import tflite
        from edgewright.pipeline.model import load_model

        model = load_model(nets.write(subject.name, NETS))
        made = tflite.export(model.module)
        perms = []
        for name, value in zip(made.inputs, model.module.main.inputs, strict=True):
            perms.append(made.layouts.get(name, tuple(range(value.type.rank))))
        path.parent.mkdir(parents=True, exist_ok=True)
        layout.write_text(json.dumps(perms))
        path.write_bytes(made.data)
    return path, [tuple(p) for p in json.loads(layout.read_text())]


def quantised(source: Path, like: list[Array], perms: list[tuple[int, ...]]) -> Path:
    """The int8 file of a float32 one, by ai-edge-quantizer. Raises what that raises.

    Args:
        source: the float32 file.
        like: inputs in the source's layout, for their shapes.
        perms: how the file's inputs are transposed.
    """
    path = source.with_name("exported-int8.tflite")
    if path.exists():
        return path
    from ai_edge_litert.interpreter import Interpreter
    from ai_edge_quantizer import quantizer, recipe

    random = np.random.default_rng(1)
    interpreter = Interpreter(model_path=str(source))
    signature, names = next(iter(interpreter.get_signature_list().items()))
    calibration = [dict[str, Array]() for _ in range(SAMPLES)]
    for name, array, perm in zip(names["inputs"], like, perms, strict=True):
        images = samples(random, (SAMPLES, *array.shape[1:]))
        for one, image in zip(calibration, images, strict=True):
            one[name] = np.ascontiguousarray(image[np.newaxis].transpose(perm))
    made = quantizer.Quantizer(str(source))
    made.load_quantization_recipe(recipe.static_wi8_ai8())
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # bars and sizes
        made.quantize(made.calibrate({signature: calibration})).export_model(str(path))
    return path
