"""The onnx package's own node cases: every one whose operators we claim gives its stated answer."""

import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgewright import ops
from edgewright.errors import EdgewrightError
from edgewright.graph import Module, verify_module
from edgewright.importers.onnx.model import convert
from edgewright.importers.options import ImportOptions
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import Array

#: Operators without a rule, which the refusal says.
UNCLAIMED = "this operator is not supported|its expansion needs"
#: Cases that are not expected to pass: a pattern of the message or of the name, and why.
EXCLUDED = {
    r"FLOAT8|FLOAT4|UINT64|STRING|INT2\b|UNDEFINED": "element types that the IR does not have",
    r"bfloat16, which|range of bfloat16": "bfloat16 is stored, moved and cast, not computed with",
    r"cast (from|to) u?int4|to u?int4": "4-bit integers are weights; nothing casts them",
    r"3 spatial axes": "images and signals only",
    r"Indices output": "the places of the maxima have no use in inference",
    r"opset 1 is outside": "older than opset 7",
    r"Scan of opset 8": "older form of Scan",
    r"training_mode": "inference only",
    r"tf_crop_and_resize": "a region computed at run time",
    r"mode 'wrap'": "no operator of the IR pads so",
    r"scales per (block|channel)": "quantisation of weights per block, of activations per channel",
    r"a power of integers": "no integer power in the IR",
    r"peepholes|differing lengths": "variants of recurrent cells, refused by name",
    r"an output of 10 is larger": "output_shape beyond what is scattered",
    r"the equation is '->'|names 0 axes": "Einsum of scalars",
    r"ellipsis|diagonal": "forms of Einsum, refused by name",
    r"is not a size": "tensors without elements",
    r"range_bfloat16": "stored here as uint16",
}


@dataclass
class Outcome:
    """What became of one case; an empty message is a pass."""

    name: str
    message: str = ""


def elements(data: object) -> Array:
    """An input or output of a case; bfloat16 as the IR holds it."""
    array = numpy_helper.to_array(data) if isinstance(data, onnx.TensorProto) else np.asarray(data)
    return array.view(np.uint16) if array.dtype.name == "bfloat16" else array


def is_of_tensors(case: Any) -> bool:
    """Whether a case has a model, and neither sequences nor optionals at its interface."""
    if case.model is None:
        return False
    infos = [*case.model.graph.input, *case.model.graph.output]
    return all(i.type.WhichOneof("value") == "tensor_type" for i in infos)


def with_constants(
    proto: onnx.ModelProto, values: dict[str, Array], names: set[str]
) -> onnx.ModelProto:
    """The model with some inputs stored in it."""
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    kept = [i for i in made.graph.input if i.name not in names]
    for info in made.graph.input:
        if info.name in names:
            made.graph.initializer.append(numpy_helper.from_array(values[info.name], info.name))
    del made.graph.input[:]
    made.graph.input.extend(kept)
    return made


def import_case(case: Any, values: dict[str, Array]) -> Module:
    """The module; parameters that must be known ahead (shapes, axes, scales) become constants."""
    names = [i.name for i in case.model.graph.input]
    for frozen in (set(), set(names[1:]), set(names)):
        proto = with_constants(case.model, values, frozen)
        shapes = {
            i.name: [str(d) for d in values[i.name].shape]
            for i in proto.graph.input
            if i.type.WhichOneof("value") == "tensor_type"
        }
        try:
            return convert(proto, case.name, ImportOptions(shapes=shapes))
        except EdgewrightError as error:
            if not re.search("at run time|depends on data", error.render()) or len(frozen) == len(
                names
            ):
                raise
    raise AssertionError(case.name)


def run(case: Any) -> Outcome:
    inputs, wanted = case.data_sets[0]
    names = [i.name for i in case.model.graph.input]
    values = {n: elements(v) for n, v in zip(names, inputs, strict=False)}
    try:
        module = import_case(case, values)
        verify_module(module, ops.infer)
        got = Interpreter(module).run({v.name: values[v.name] for v in module.main.inputs})
        for info, want in zip(case.model.graph.output, wanted, strict=True):
            compare_case(got[info.name], elements(want), case)
    except EdgewrightError as error:
        return Outcome(case.name, error.render())
    except AssertionError as error:
        return Outcome(case.name, f"wrong answer: {str(error)[:400]}")
    return Outcome(case.name)


def compare_case(got: Array, want: Array, case: Any) -> None:
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want)
        return
    half = want.dtype == np.float16
    rtol, atol = (2e-3, 2e-3) if half else (max(case.rtol, 1e-4), max(case.atol, 1e-5))
    np.testing.assert_allclose(got.astype(float), want.astype(float), rtol=rtol, atol=atol)


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their generators overflow on purpose
        from onnx.backend.test.case.node import collect_testcases

        cases = [c for c in collect_testcases(None) if is_of_tensors(c)]
        return [run(c) for c in sorted(cases, key=lambda c: c.name)]


def reason(outcome: Outcome) -> str | None:
    text = f"{outcome.name} {outcome.message}"
    return next((why for pattern, why in EXCLUDED.items() if re.search(pattern, text)), None)


@pytest.mark.slow
def test_every_claimed_case_passes(outcomes: list[Outcome]) -> None:
    claimed = [o for o in outcomes if not re.search(UNCLAIMED, o.message)]
    failed = [o for o in claimed if o.message and reason(o) is None]
    assert not failed, "\n".join(f"{o.name}: {o.message}" for o in failed)


@pytest.mark.slow
def test_the_cases_are_many(outcomes: list[Outcome]) -> None:
    passed = sum(not o.message for o in outcomes)
    assert passed >= 1240, f"{passed} of {len(outcomes)} passed"


@pytest.mark.slow
def test_no_exclusion_is_stale(outcomes: list[Outcome]) -> None:
    failed = [f"{o.name} {o.message}" for o in outcomes if o.message]
    stale = [p for p in EXCLUDED if not any(re.search(p, text) for text in failed)]
    assert not stale, f"these exclusions match no failure: {stale}"
