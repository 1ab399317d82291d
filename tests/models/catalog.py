"""The real models that the tests build, and what is known about each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest


@dataclass(frozen=True)
class Case:
    """One model.

    `quick` ones belong to the default suite; `cnn` ones must keep no transpose inside. Quantised
    ones that end in float32 arithmetic equal their source but for its roundings.
    """

    path: str
    quantised: bool = False
    quick: bool = False
    cnn: bool = True
    states: dict[str, str] = field(default_factory=dict)
    ends_in_float: bool = False

    @property
    def modes(self) -> tuple[str, ...]:
        """Float models have no requantisation to choose."""
        return ("float", "fixed") if self.quantised else ("float",)

    def has_oracle_of(self, mode: str) -> bool:
        """Whether a runtime that takes the file computes in this mode's arithmetic.

        ONNX Runtime knows neither of the two; tflite-micro, alone with person_detect, only one.
        """
        refused = self.path == "vww/person_detect/person_detect.tflite"
        return self.path.endswith(".tflite") and (mode == "fixed" or not refused)

    @property
    def id(self) -> str:
        """A name that is a file name too."""
        return self.path.replace("/models/", "/").replace("/", "-")


CASES = (
    Case("micro/hello_world_float.tflite", quick=True, cnn=False),
    Case("micro/hello_world_int8.tflite", quantised=True, quick=True, cnn=False),
    Case("kws/models/dscnn_float32.tflite", quick=True),
    Case("kws/models/dscnn_int8.tflite", quantised=True, quick=True),
    Case("micro/micro_speech/micro_speech_quantized_tflm.tflite", quantised=True),
    Case("micro/micro_speech/micro_speech.tflite", quantised=True),
    Case("cifar10/models/resnet8_mlperf.tflite"),
    Case("cifar10/models/resnet8_mlperf_int8.tflite", quantised=True, quick=True),
    Case("cifar10/models/resnet8_mlperf.onnx", quick=True),
    Case("ad/models/ad01_fp32.tflite", cnn=False),
    Case("ad/models/ad01_int8.tflite", quantised=True, cnn=False),
    Case("vww/models/vww_96_float.tflite"),
    Case("vww/models/vww_96_int8.tflite", quantised=True),
    Case("vww/models/vww_96_float.onnx"),
    Case("vww/person_detect/person_detect.tflite", quantised=True),
    Case("imagenet/models/mobilenet_v1_0.25_224_float.tflite"),
    Case("imagenet/models/mobilenet_v1_0.25_224_quant.tflite", quantised=True),
    Case("imagenet/models/mobilenet_v2_1.0_224_quant.tflite", quantised=True),
    Case("imagenet/models/mobilenet_v2_quant.onnx", quantised=True),
    Case("detection/ssd_mobilenet_v1_coco_quant.tflite", quantised=True, ends_in_float=True),
    Case("segmentation/deeplabv3_257_float.tflite"),
    Case("pose/movenet_single_pose_lightning_ptq.tflite", quantised=True),
    Case("onnx_misc/super_resolution/pytorch_super_resolution.onnx"),
    Case("onnx_misc/tract_qlstm_3-2-3_T3_S1/model.onnx", quantised=True, quick=True, cnn=False),
    Case("mnist/models/cntk_cnn.onnx", quick=True),
    Case("mnist/models/cnn_float.tflite"),
    Case("mnist/models/cnn_weight_quant.tflite"),
    Case("mnist/models/lstm_float.tflite", cnn=False),
    Case("mnist/models/lstm_int8.tflite", quantised=True, cnn=False),
    Case("audio/dtln/model_1.onnx", cnn=False,
         states={"input_3": "tf_op_layer_stack_2"}),
    Case("audio/dtln/model_1.tflite", cnn=False),
    Case("audio/dtln/model_quant_1.tflite", cnn=False),
    Case("audio/dtln/model_2.onnx", cnn=False),
    Case("audio/dtln/model_2.tflite", cnn=False),
    Case("audio/dtln/model_quant_2.tflite", cnn=False),
    Case("trees/rf_iris.onnx", quick=True, cnn=False),
    Case("trees/xgboost_classifier_tree/model.onnx", cnn=False),
    Case("trees/xgboost_regressor_tree/model.onnx", cnn=False),
    Case("wakeword/alexa.tflite", quantised=True, quick=True),
    Case("text/sentiment_avg_embedding_float.tflite", cnn=False),
)  # fmt: skip


def find(path: str) -> Case:
    """The case of a model."""
    return next(c for c in CASES if c.path == path)


def each_model(
    only: Callable[[Case], bool] = lambda case: True,
    quick: Callable[[Case, str], bool] = lambda case, mode: case.quick,
) -> pytest.MarkDecorator:
    """Run a test on every model and mode, as fixtures `case`, `mode`, `package`.

    All but the quick ones are marked slow.
    """
    found = [
        pytest.param((case, mode), id=f"{case.id}-{mode}",
                     marks=() if quick(case, mode) else (pytest.mark.slow,))
        for case in filter(only, CASES)
        for mode in case.modes
    ]  # fmt: skip
    return pytest.mark.parametrize("subject", found, indirect=True)
