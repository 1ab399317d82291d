import logging

import numpy as np
import onnx
import pytest
from onnxscript import optimizer

from edgewright.graph import Location
from edgewright.importers.onnx.clean_up import clean_up, origin_of
from edgewright.ops.interpreter import Interpreter
from tests.importers.onnx.harness import Array, compare, floats, imported, model, node, oracle


def redundant(opset: int) -> onnx.ModelProto:
    """A model with a node that nothing reads, shape arithmetic and an addition of zero."""
    nodes = [
        node("Exp", ["x"], ["dead"]),
        node("Shape", ["x"], ["s"]),
        node("Reshape", ["x", "s"], ["r"], name="same"),
        node("Add", ["r", "zero"], ["a"]),
        node("Relu", ["a"], ["y"], name="last"),
    ]
    return model(nodes, {"x": floats(2, 3)}, ["y"], {"zero": np.zeros(1, np.float32)}, opset)


def operators(proto: onnx.ModelProto) -> list[str]:
    return [n.op_type for n in proto.graph.node]


def test_redundant_nodes_go_and_the_rest_know_their_place() -> None:
    made = clean_up(redundant(18), 18)
    assert "Exp" not in operators(made)
    assert "Reshape" not in operators(made)
    (relu,) = (n for n in made.graph.node if n.op_type == "Relu")
    assert origin_of(relu, "a.onnx") == Location("a.onnx", "Relu", "last", "y", 4)


def test_the_meaning_stays() -> None:
    proto, x = redundant(18), {"x": floats(2, 3)}
    compare(Interpreter(imported(proto)).run(x), oracle(proto, x))


def test_older_models_are_only_marked() -> None:
    proto = redundant(17)
    made = clean_up(proto, 17)
    assert operators(made) == operators(proto)
    assert origin_of(made.graph.node[2], "f").node == "same"


def test_the_model_of_the_caller_is_left_alone() -> None:
    proto = redundant(18)
    before = proto.SerializeToString(deterministic=True)
    clean_up(proto, 18)
    assert proto.SerializeToString(deterministic=True) == before


@pytest.mark.parametrize("op", ["Exp", "Sin", "Sqrt"])
def test_what_depends_on_the_cpu_is_not_folded_there(op: str) -> None:
    nodes = [node(op, ["c"], ["e"]), node("Mul", ["x", "e"], ["y"])]
    proto = model(nodes, {"x": floats(3)}, ["y"], {"c": np.ones(3, np.float32)}, 18)
    assert op in operators(clean_up(proto, 18))


def test_weights_of_quantised_models_are_not_folded() -> None:
    nodes = [node("DequantizeLinear", ["q", "s", "z"], ["w"]), node("MatMul", ["x", "w"], ["y"])]
    constants: dict[str, Array] = {
        "q": np.ones((3, 2), np.int8),
        "s": np.array(0.5, np.float32),
        "z": np.array(0, np.int8),
    }
    proto = model(nodes, {"x": floats(2, 3)}, ["y"], constants, 18)
    assert operators(clean_up(proto, 18)) == ["DequantizeLinear", "MatMul"]


def test_a_failing_optimiser_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("not today")

    monkeypatch.setattr(optimizer, "optimize_ir", fail)
    assert operators(clean_up(redundant(18), 18)) == operators(redundant(18))


def test_it_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    proto = redundant(18)
    proto.graph.input.append(onnx.helper.make_tensor_value_info("zero", 1, [1]))
    clean_up(proto, 18)
    assert capfd.readouterr() == ("", "")
    assert logging.root.manager.disable == logging.NOTSET


def test_a_node_of_the_optimiser_names_itself() -> None:
    made = onnx.helper.make_node("Relu", ["x"], ["val_0"], name="node_1")
    assert origin_of(made, "f") == Location("f", "Relu", "node_1", "val_0")
