from pathlib import Path

import onnx
from onnx import helper

from edgewright.data.contract import Contract, ModelInfo
from edgewright.importers.onnx.metadata import contract_of, read_contract


def model(**properties: str) -> onnx.ModelProto:
    made = helper.make_model(helper.make_graph([], "g", [], []))
    helper.set_model_props(made, properties)
    return made


def test_a_model_that_says_nothing() -> None:
    assert read_contract(model()) == Contract()
    assert read_contract(model(author="", shape="3")) == Contract()


def test_properties(tmp_path: Path) -> None:
    made = model(Author=" someone ", license="MIT", names="{0: 'cat'}")
    made.doc_string, made.model_version = "what it does", 3
    expected = ModelInfo(author="someone", licence="MIT", description="what it does", version="3")
    assert read_contract(made).model == expected
    onnx.save(made, tmp_path / "m.onnx")
    assert contract_of(tmp_path / "m.onnx").model == expected


def test_a_property_wins_over_the_description() -> None:
    made = model(description="short")
    made.doc_string = "long"
    assert read_contract(made).model.description == "short"
