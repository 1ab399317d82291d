"""Resource variables: what is assigned is read in the next call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgewright.errors import UnsupportedModel
from edgewright.graph import parse_module
from edgewright.ops.interpreter import Interpreter
from tests.importers.tflite import single
from tests.importers.tflite.builder import buffer, operator, operator_code, pack, tensor
from tests.importers.tflite.single import Array, options

CODES = ("VAR_HANDLE", "READ_VARIABLE", "ADD", "ASSIGN_VARIABLE", "CALL_ONCE")


def call(code: str, inputs: list[int], outputs: list[int], made: Any = None) -> Any:
    """An operator of the model, with its options."""
    from ai_edge_litert import schema_py_generated as schema

    held = operator(inputs, outputs, CODES.index(code))
    if made is not None:
        kind = type(made).__name__.removesuffix("T")
        held.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        held.builtinOptions = made
    return held


def accumulator(change: Any = lambda model: None) -> bytes:
    """y = total + x; total = y. An initialising subgraph sets the total to [10, 20]."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT()
    model.version = 3
    model.operatorCodes = [operator_code(code) for code in CODES]
    first = np.array([10, 20], np.float32).tobytes()
    model.buffers = [buffer(), buffer(first)]
    handle = options("VarHandle", container=b"", sharedName=b"total")
    main, init = schema.SubGraphT(), schema.SubGraphT()
    main.tensors = [tensor("x", [2]), tensor("handle", [], "RESOURCE"), tensor("old", [2]),
                    tensor("y", [2])]  # fmt: skip
    main.inputs, main.outputs = [0], [3]
    main.operators = [
        call("CALL_ONCE", [], [], options("CallOnce", initSubgraphIndex=1)),
        call("VAR_HANDLE", [], [1], handle),
        call("READ_VARIABLE", [1], [2], options("ReadVariable")),
        call("ADD", [2, 0], [3], options("Add")),
        call("ASSIGN_VARIABLE", [1, 3], [], options("AssignVariable")),
    ]
    init.tensors = [tensor("handle", [], "RESOURCE"), tensor("first", [2], buffer=1)]
    init.inputs, init.outputs = [], []
    init.operators = [
        call("VAR_HANDLE", [], [0], handle),
        call("ASSIGN_VARIABLE", [0, 1], [], options("AssignVariable")),
    ]
    model.subgraphs = [main, init]
    change(model)
    return pack(model)


def calls(content: bytes, xs: list[Array]) -> list[Array]:
    """LiteRT's outputs of calls one after the other."""
    from ai_edge_litert import interpreter as runtime

    interpreter = runtime.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    found = []
    for x in xs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        output = interpreter.get_output_details()[0]["index"]
        found.append(np.array(interpreter.get_tensor(output)))
    return found


def test_what_is_assigned_is_read_in_the_next_call() -> None:
    content = accumulator()
    xs = [np.array([i, 2.5 * i], np.float32) for i in range(1, 5)]
    ours = Interpreter(single.load(content))
    expected = calls(content, xs)
    for x, wanted in zip(xs, expected, strict=True):
        np.testing.assert_array_equal(ours.run({"x": x})["y"], wanted)
    np.testing.assert_array_equal(expected[-1], [20, 45])


def test_the_module() -> None:
    module = single.load(accumulator())
    text = str(module)
    assert "state %total: float32[2] = [10.0, 20.0]" in text
    assert list(module.graphs) == ["main", "init"]
    assert [n.op for n in module.main.nodes] == ["read_state", "add", "write_state"]
    assert str(parse_module(text)) == text


def test_zero_until_something_else_is_known() -> None:
    def without_init(model: Any) -> None:
        model.subgraphs[0].operators.pop(0)
        model.subgraphs.pop()

    module = single.load(accumulator(without_init))
    np.testing.assert_array_equal(module.states["total"].init, [0, 0])
    x = np.array([1, 2], np.float32)
    np.testing.assert_array_equal(Interpreter(module).run({"x": x})["y"], x)


def test_containers_keep_variables_apart() -> None:
    def contained(model: Any) -> None:
        for graph in model.subgraphs:
            for held in graph.operators:
                if hasattr(held.builtinOptions, "container"):
                    held.builtinOptions.container = b"box"

    assert list(single.load(accumulator(contained)).states) == ["box/total"]


def other_size(model: Any) -> None:
    model.subgraphs[0].tensors[2].shape = [1]
    model.subgraphs[0].operators.pop(0)


def fed_handle(model: Any) -> None:
    model.subgraphs[0].inputs = [0, 1]
    model.subgraphs[0].operators = model.subgraphs[0].operators[2:]


def twice(model: Any) -> None:
    operators = model.subgraphs[0].operators
    operators.insert(0, operators[0])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (other_size, r"variable 'total' is float32\[1\] and float32\[2\]"),
        (twice, "a second CALL_ONCE is not supported"),
        (fed_handle, "tensor 'handle' has element type RESOURCE"),
    ],
)
def test_what_is_refused(change: Any, what: str) -> None:
    with pytest.raises(UnsupportedModel, match=what) as caught:
        single.load(accumulator(change))
    assert str(caught.value.where).startswith("model.tflite: ")
