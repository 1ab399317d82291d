"""What is measured: every model with the files that each runtime reads, made when first wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import nets, trees
from benchmarks.places import MODELS, NETS
from benchmarks.quantised import quantise

Maker = Callable[[], Path]

#: The int8 form of these would be float: ONNX Runtime's static quantiser leaves LSTMs alone.
FLOAT_ONLY = ("lstm",)
#: Nets that are also run on two threads.
PARALLEL = ("resnet50", "inception_v3", "mobilenet_v2", "transformer")

#: name, dtype, group, file under MODELS. Groups: the MLPerf Tiny four and their like, the larger
#: ones, and the same models in another format.
REAL = [
    ("resnet8", "float32", "tiny", "cifar10/models/resnet8_mlperf.tflite"),
    ("resnet8", "int8", "tiny", "cifar10/models/resnet8_mlperf_int8.tflite"),
    ("dscnn", "float32", "tiny", "kws/models/dscnn_float32.tflite"),
    ("dscnn", "int8", "tiny", "kws/models/dscnn_int8.tflite"),
    ("vww", "float32", "tiny", "vww/models/vww_96_float.tflite"),
    ("vww", "int8", "tiny", "vww/models/vww_96_int8.tflite"),
    ("anomaly", "float32", "tiny", "ad/models/ad01_fp32.tflite"),
    ("anomaly", "int8", "tiny", "ad/models/ad01_int8.tflite"),
    ("micro_speech", "int8", "tiny", "micro/micro_speech/micro_speech.tflite"),
    ("mobilenet_v1_025", "float32", "tiny", "imagenet/models/mobilenet_v1_0.25_224_float.tflite"),
    ("mobilenet_v1_025", "int8", "tiny", "imagenet/models/mobilenet_v1_0.25_224_quant.tflite"),
    ("mobilenet_v2_quant", "int8", "larger", "imagenet/models/mobilenet_v2_1.0_224_quant.tflite"),
    ("movenet", "int8", "larger", "pose/movenet_single_pose_lightning_ptq.tflite"),
    ("ssd_mobilenet_v1", "int8", "larger", "detection/ssd_mobilenet_v1_coco_quant.tflite"),
    ("deeplab_v3", "float32", "larger", "segmentation/deeplabv3_257_float.tflite"),
    ("dtln_1", "float32", "larger", "audio/dtln/model_1.tflite"),
    ("dtln_2", "float32", "larger", "audio/dtln/model_2.tflite"),
    ("resnet8_onnx", "float32", "again", "cifar10/models/resnet8_mlperf.onnx"),
    ("vww_onnx", "float32", "again", "vww/models/vww_96_float.onnx"),
    ("dtln_1_onnx", "float32", "again", "audio/dtln/model_1.onnx"),
]


@dataclass(frozen=True)
class Subject:
    """A model in one dtype.

    Attributes:
        name: what tables call it, together with the dtype.
        dtype: "float32" or "int8".
        group: "nets" (made here), "tiny", "larger", "again" (real files) or "trees".
        source: makes the file that Edgewright reads, and the runtimes of its format.
        others: the same for files of other formats that were made elsewhere, by suffix.
        shapes: sizes of inputs whose size the file leaves open.
        threads: numbers of threads that it is run with.
        runtimes: the only ones that can run it, if not all may try.
    """

    name: str
    dtype: str
    group: str
    source: Maker
    others: dict[str, Maker] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    threads: tuple[int, ...] = (1,)
    runtimes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name and dtype."""
        return f"{self.name}-{self.dtype}"


def _int8(name: str) -> Path:
    source = nets.write(name, NETS)
    return quantise(source, source.with_name(f"{source.stem}-int8.onnx"))


def _made() -> list[Subject]:
    found = []
    for name in nets.nets():
        threads = (1, 2) if name in PARALLEL else (1,)
        makers = {"float32": partial(nets.write, name, NETS), "int8": partial(_int8, name)}
        found += [
            Subject(name, dtype, "nets", maker, threads=threads)
            for dtype, maker in makers.items()
            if dtype == "float32" or name not in FLOAT_ONLY
        ]
    return found


def _real() -> list[Subject]:
    def there(path: Path) -> Path:
        return path

    return [Subject(n, d, g, partial(there, MODELS / p)) for n, d, g, p in REAL]


def _trees() -> list[Subject]:
    return [
        Subject(
            f"{kind}_batch{batch}", "float32", "trees", partial(trees.onnx_file, kind, NETS),
            {".pickle": partial(trees.pickle_file, kind, NETS)},
            {"X": (batch, trees.FEATURES)}, runtimes=("edgewright", "onnxruntime", "sklearn"),
        )
        for kind in trees.KINDS
        for batch in (1, 1000)
    ]  # fmt: skip


def subjects() -> list[Subject]:
    """All of them; real models that are not here are left for the run to report."""
    return _made() + _real() + _trees()
