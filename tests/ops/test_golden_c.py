"""The C that each operator writes, one golden file each; kernels are not generated, so left out.

A new operator needs a line in `CASES`: `test_every_operator_has_a_golden_file` says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from edgewright import ops, targets
from edgewright.codegen import generate, program
from edgewright.graph import DType, Graph, Module, Node, State, TensorType, Value, parse_module
from edgewright.importers.onnx.model import convert
from edgewright.importers.options import ImportOptions
from edgewright.ops import binary, unary

IMAGE, ROW, BYTES = "float32[1,5,7,3]", "float32[2,19]", "int8[2,19]<0.5:3>"
BOOLS = "bool[2,19]"

# operator -> operand types ("=" before a constant), attributes, result types where none is inferred
CASES: dict[str, tuple[list[str], dict[str, Any], list[str]]] = {
    "argmax": ([ROW], {"axis": 1, "keepdims": False}, []),
    "argmin": ([ROW], {"axis": 0, "to": "int32"}, []),
    "avg_pool": (["int8[1,6,6,5]<0.5:3>"], {"stride": (2, 2)}, ["int8[1,3,3,5]<0.5:3>"]),
    "batch_norm": ([IMAGE, *["=float32[3]"] * 4], {}, []),
    "batch_to_space": (["float32[4,2,2,3]"], {"block": (2, 2), "crops": ((0, 1), (0, 0))}, []),
    "cast": ([ROW], {"to": "int8"}, []),
    "clip": ([ROW], {"lo": 0.0, "hi": 6.0}, []),
    "concat": ([BYTES, "int8[2,4]<0.25:1>"], {"axis": 1}, ["int8[2,23]<0.5:3>"]),
    "conv": (
        ["int8[1,5,7,8]<0.5:3>", "=int8[4,3,3,8]<0.25:0>", "=int32[4]"],
        {"pad": ((1, 1), (1, 1)), "clamp": (0.0, 6.0)},
        ["int8[1,5,7,4]<0.125:-4>"],
    ),
    "conv_transpose": ([IMAGE, "=float32[2,3,3,3]"], {"stride": (2, 2)}, []),
    "depth_to_space": (["float32[1,2,3,8]"], {"block": 2, "mode": "crd"}, []),
    "depthwise_conv": ([IMAGE, "=float32[3,3,3]", "=float32[3]"], {"dilation": (2, 2)}, []),
    "detection_post_process": (
        ["uint8[1,6,4]<0.125:128>", "uint8[1,6,4]<0.00390625:0>", "=float32[6,4]"],
        {"num_classes": 3, "max_detections": 4}, [],
    ),
    "dequantize": ([BYTES], {}, ["float32[2,19]"]),
    "expand": (["float32[1,19]"], {"shape": (4, 19)}, []),
    "fully_connected_blocks": (
        [ROW, "=int8[5,19]", "=float32[5,2]", "", "=float32[5]"], {"block": 16}, [],
    ),
    "fully_connected": ([ROW, "=float32[5,19]", "=float32[5]"], {"clamp": (0.0, 6.0)}, []),
    "gather": ([ROW, "int32[3]"], {"axis": 0}, []),
    "gather_nd": ([ROW, "int32[3,2]"], {}, []),
    "layer_norm": ([ROW, "=float32[19]", "=float32[19]"], {}, []),
    "log_softmax": ([ROW], {}, []),
    "logical_not": ([BOOLS], {}, []),
    "lookup": ([BYTES, "=uint8[2,256]<0.25:1>"], {}, []),
    "lstm": (
        ["float32[4,1,5]", "=float32[12,5]", "=float32[12,3]", "=float32[12]", "", ""],
        {}, [],
    ),
    "matmul": (["float32[2,3,4]", "float32[2,4,5]"], {}, []),
    "max_pool": ([IMAGE], {"kernel": (3, 3), "pad": ((1, 1), (1, 1))}, []),
    "pad": ([IMAGE], {"pads": ((0, 0), (1, 2), (3, 0), (0, 0)), "mode": "reflect"}, []),
    "quantize": ([ROW], {}, [BYTES]),
    "reduce_max": ([IMAGE], {"axes": (1, 2)}, []),
    "reduce_mean": (["int8[1,5,7,3]<0.5:3>"], {"axes": (1, 2)}, ["int8[1,3]<0.25:1>"]),
    "reduce_min": ([ROW], {"axes": (1,), "keepdims": True}, []),
    "reduce_prod": ([ROW], {"axes": (0,)}, []),
    "reduce_sum": ([IMAGE], {"axes": (3,)}, []),
    "reshape": ([ROW], {"shape": (38,)}, []),
    "resize_bilinear": ([IMAGE], {"size": (10, 14)}, []),
    "resize_nearest": ([IMAGE], {"size": (9, 5), "coordinate": "asymmetric"}, []),
    "select": ([BOOLS, ROW, ROW], {}, []),
    "shape": ([ROW], {}, []),
    "slice": ([ROW], {"begin": (1, 18), "size": (1, 6), "stride": (1, -3)}, []),
    "softmax": ([BYTES], {}, ["int8[2,19]<0.00390625:-128>"]),
    "space_to_batch": ([IMAGE], {"block": (2, 2), "pads": ((1, 0), (1, 0))}, []),
    "space_to_depth": (["float32[1,4,6,2]"], {"block": 2}, []),
    "split": ([ROW], {"axis": 1, "sizes": (4, 15)}, []),
    "tile": ([ROW], {"repeats": (2, 3)}, []),
    "transpose": ([IMAGE], {"perm": (0, 3, 1, 2)}, []),
}  # fmt: skip
CASES |= {name: ([BYTES], {}, ["int8[2,19]<0.25:1>"]) for name in ("tanh", "sigmoid")}
for _name in unary.TABLE:
    CASES.setdefault(_name, ([ROW], {}, []))
CASES["add"] = ([BYTES, "int8[2,19]<0.25:1>"], {"clamp": (0.0, 6.0)}, ["int8[2,19]<1.0:0>"])
for _name in binary.TABLE:
    _operand = BOOLS if _name.startswith("logical") else ROW
    CASES.setdefault(_name, ([_operand, _operand], {}, []))

TEXTS = {
    "if": """graph main(%c: bool[], %x: float32[4]) -> (%y) {
      %y: float32[4] = if(%c)
        region then() -> (%a) {
          %a: float32[4] = neg(%x)
        }
        region else() -> (%b) {
          %b: float32[4] = abs(%x)
        }
    }""",
    "loop": """graph main(%n: int64[], %x: float32[4]) -> (%y) {
      %y: float32[4] = loop(%n, none, %x)
        region body(%i: int64[], %keep: bool[], %v: float32[4]) -> (%more, %w) {
          %more: bool[] = logical_not(%keep)
          %w: float32[4] = neg(%v)
        }
    }""",
    "scan": """graph main(%s: float32[4], %x: float32[3,4]) -> (%last, %all) {
      %last: float32[4], %all: float32[3,4] = scan(%s, %x) {num_scan_inputs=1}
        region body(%a: float32[4], %b: float32[4]) -> (%c, %d) {
          %c: float32[4] = add(%a, %b)
          %d: float32[4] = neg(%c)
        }
    }""",
}


def _type(text: str) -> TensorType:
    module = f'module requantization="float"\ngraph main(%x: {text}) -> (%x) {{\n}}\n'
    return parse_module(module).main.inputs[0].type


def _module(name: str) -> Module:
    if name in TEXTS:
        return parse_module(f'module requantization="float"\n{TEXTS[name]}\n')
    if name in ("read_state", "write_state"):
        return _stateful(name)
    if name == "tree_ensemble":
        return _tree()
    if name == "block":
        return _chain()
    operands, attrs, results = CASES[name]
    graph = Graph("main")
    values: list[Value | None] = []
    for index, text in enumerate(operands):
        type = _type(text.removeprefix("=")) if text else None
        if type is None:
            values.append(None)
        elif text.startswith("="):
            data = np.arange(np.prod(type.dims)).reshape(type.dims) % 7
            values.append(graph.constant(f"c{index}", data.astype(type.dtype.numpy), type))
        else:
            values.append(graph.add_input(f"x{index}", type))
    node = Node(name, values, [], attrs)
    types = [_type(r) for r in results] or ops.infer(node)
    node.outputs = [graph.value(f"y{i}", t) for i, t in enumerate(types)]
    graph.outputs = list(graph.insert(node).outputs)
    return Module({"main": graph}, {}, "float")


def _stateful(name: str) -> Module:
    type = TensorType(DType.FLOAT32, (4,))
    graph = Graph("main")
    x = graph.add_input("x", type)
    if name == "write_state":
        graph.insert(Node(name, [x], [], {"state": "s"}))
        graph.outputs = [x]
    else:
        node = Node(name, [], [graph.value("y", type)], {"state": "s"})
        graph.outputs = list(graph.insert(node).outputs)
    states = {"s": State("s", type, np.zeros(4, np.float32))}
    return Module({"main": graph}, states)


def _chain() -> Module:
    """What becomes a block where there is little room."""
    graph = Graph("main")
    value = graph.add_input("x", TensorType(DType.FLOAT32, (1, 16, 16, 8)))
    windows: list[tuple[str, tuple[int, ...], int]] = [
        ("depthwise_conv", (3, 3, 8), 1), ("conv", (4, 1, 1, 8), 0),
    ]  # fmt: skip
    for op, shape, pad in windows:
        w = graph.constant(op, np.ones(shape, np.float32))
        node = Node(op, [value, w], [], {"pad": ((pad, pad), (pad, pad))})
        node.outputs = [graph.value(f"{op}_y", type) for type in ops.infer(node)]
        value = graph.insert(node).output
    graph.outputs = [value]
    return Module({"main": graph})


def _tree() -> Module:
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[1, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_values=[0.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
        target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    )  # fmt: skip
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])
    opsets = [helper.make_opsetid("ai.onnx.ml", 1), helper.make_opsetid("", 15)]
    model = helper.make_model(helper.make_graph([node], "tree", [x], [y]), opset_imports=opsets)
    return convert(model, "tree.onnx", ImportOptions())


MADE = {"block", "read_state", "tree_ensemble", "write_state"}


@pytest.mark.parametrize("name", sorted({*CASES, *TEXTS, *MADE}))
def test_c(name: str, golden: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "paste", lambda *_, **__: "")
    target = replace(targets.get("linux-arm64"), room=1 if name == "block" else 0)
    code = generate(_module(name), target, "model")
    start = code.model_c.index("#define A(type, offset)")
    body = code.model_c[start : code.model_c.index("#endif /* !EW_DISPATCH */")]
    golden(
        re.sub(r"\n{3,}", "\n\n", body.split("\n", 1)[1])
        .replace("#if !defined(EW_DISPATCH)", "")
        .strip()
        + "\n",
        suffix=".c",
    )


def test_every_operator_has_a_golden_file() -> None:
    without_c = {"dequantize_blocks"}  # products read what it holds
    assert {*CASES, *TEXTS, *MADE} | without_c == set(ops.registry())
