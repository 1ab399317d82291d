"""When constants are left to run time."""

from edgewright.passes.fold_constants import fold_constants
from tests.passes.conftest import Apply


def test_an_output_keeps_its_node(apply: Apply) -> None:
    text = "() -> (%y) { const %a: float32[2] = [1.0, 2.0] %y = neg(%a) }"
    outcome = apply(fold_constants, text)
    assert not outcome.changed
    assert "an output" in outcome.why


def test_a_small_file_cannot_ask_for_gigabytes(apply: Apply) -> None:
    text = """(%x: float32[1]) -> (%y) {
      const %a: float32[1] = [1.0]
      %b = expand(%a) {shape=[100000, 1000]}
      %y = add(%x, %b)
    }"""
    outcome = apply(fold_constants, text)
    assert not outcome.changed
    assert "4 bytes into 400000000" in outcome.why


def test_integer_weights_wait_for_a_quantised_operator(apply: Apply) -> None:
    text = """(%x: float32[1]) -> (%y) {
      const %a: int8[1]<0.5:0> = [1]
      %b = dequantize(%a)
      %y = add(%x, %b)
    }"""
    assert not apply(fold_constants, text).changed


def test_a_shape_of_run_time_sizes_stays(apply: Apply) -> None:
    outcome = apply(fold_constants, "(%x: float32[2,3]) -> (%y) { %s = shape(%x) %y = neg(%s) }")
    assert outcome.ops == ["neg"]


def test_states_are_not_constants(apply: Apply) -> None:
    text = "(%x: float32[1]) -> (%y) { %a = exp(%x) %y = neg(%a) }"
    assert not apply(fold_constants, text).changed


def test_scalars_stay_scalars(apply: Apply) -> None:
    outcome = apply(
        fold_constants,
        """(%x: float32[3]) -> (%y) {
          const %a: float32[] = [2.0]
          %c = square(%a)
          %y = mul(%x, %c)
        }""",
    )
    (constant,) = outcome.graph.constants()
    assert constant.type.shape == ()
    assert constant.data is not None
    assert constant.data.shape == ()
