from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgewright.data.contract import (
    Contract,
    Input,
    ModelInfo,
    Output,
    combined,
    dumps,
    load,
    parse_labels,
    path_beside,
    save,
    validated,
)
from edgewright.errors import InvalidContract, Problems

FULL = """
[model]
name = "a \\"small\\" model"
author = "someone"
licence = "Apache-2.0"
training_data = "photos"

[metrics]
top1 = 0.5
"mAP@0.5" = 1

[[inputs]]
name = "x"
kind = "image"
shape = [1, -1, 224, 3]
resize = "shorter-side"
crop = 0.875
filter = "lanczos"
mean = [1, 2.5, 3]
scale = 0.5
range = [-1, 1]

[[outputs]]
kind = "classes"
labels = ["a", "b"]
label_offset = 1
score_threshold = 0.25
"""


def write(folder: Path, text: str, name: str = "model.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_load(tmp_path: Path) -> None:
    contract = load(write(tmp_path, FULL))
    assert contract.model.name == 'a "small" model'
    assert contract.metrics == {"top1": 0.5, "mAP@0.5": 1.0}
    (image,) = contract.inputs
    assert (image.mean, image.scale, image.crop) == ((1.0, 2.5, 3.0), (0.5,), 0.875)
    assert contract.outputs[0].label(1) == "b"
    assert contract.outputs[0].label(2) == "2"


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    contract = load(write(tmp_path, FULL))
    save(contract, tmp_path / "other.toml")
    assert load(tmp_path / "other.toml") == contract


@given(st.text(), st.lists(st.text(), max_size=3), st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_survives_toml(name: str, labels: list[str], metric: float) -> None:
    import tomllib

    contract = Contract(
        model=ModelInfo(name=name),
        metrics={name: metric},
        outputs=(Output(labels=tuple(labels)),),
    )
    assert validated(tomllib.loads(dumps(contract)), "x").model_dump() == contract.model_dump()


def test_an_empty_contract_is_an_empty_file() -> None:
    assert dumps(Contract()) == ""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[model]\nnam = "x"', "model.nam: no such field"),
        ("[model]\nname = 3", "model.name: Input should be a valid string (it is 3)"),
        ("[[inputs]]\nkind = 'imag'", "inputs[0].kind: Input should be 'image'"),
        ("[[inputs]]\n[[inputs]]\nmean = [1, 'a']", "inputs[1].mean[1]: Input should be a valid"),
        ("[[inputs]]\nmean = []", "inputs[0].mean: Value should have at least 1 item"),
        ("[[inputs]]\nmean = nan", "inputs[0].mean[0]: Input should be a finite number"),
        ("[[inputs]]\nscale = 0", "inputs[0]: scale must not be 0"),
        ("[[inputs]]\nmean = [1, 2]\nscale = [1, 2, 3]", "inputs[0]: 2 means but 3 scales"),
        ("[[inputs]]\ncrop = 2.0", "inputs[0].crop: Input should be less than or equal to 1"),
        ("[[inputs]]\ncrop = 0.5\nresize_to = 3", "inputs[0]: give either crop or resize_to"),
        ("[[inputs]]\nresize = 'none'\ncrop = 0.5", 'inputs[0]: resize = "none" goes with'),
        ("[[inputs]]\nrange = [1, 0]", "inputs[0]: range [1.0, 0.0] is not from low to high"),
        ("[[inputs]]\nshape = [-2]", "inputs[0].shape[0]: Input should be greater"),
        ("[[outputs]]\nlabel_offset = -1", "outputs[0].label_offset: Input should be greater"),
        ("[metrics]\ntop1 = 'high'", "metrics.top1: Input should be a valid number"),
        ("[[inputs]]\nname='a'\n[[inputs]]\nname='a'", "contract: two inputs have the same name"),
        ("inputs = 3", "inputs: Input should be a valid tuple"),
        ("[extra]", "extra: no such field"),
        ("[model", "not TOML"),
        ("[[outputs]]\nlabels_file = 'absent.txt'", "cannot read absent.txt"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, what: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(InvalidContract) as caught:
        load(path)
    assert caught.value.what.startswith(what)
    assert caught.value.where == str(path)


def test_all_mistakes_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "[model]\na = 1\nb = 2\n[[inputs]]\nscale = 0\n")
    with pytest.raises(Problems) as caught:
        load(path)
    whats = [error.what for error in caught.value.errors]
    assert [what.split(":")[0] for what in whats] == ["model.a", "model.b", "inputs[0]"]


def test_files_that_are_no_contract(tmp_path: Path) -> None:
    with pytest.raises(InvalidContract, match=r"cannot read model.toml"):
        load(tmp_path / "model.toml")
    (tmp_path / "model.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidContract, match="not UTF-8"):
        load(tmp_path / "model.toml")


def test_labels_of_a_file(tmp_path: Path) -> None:
    write(tmp_path, "zero\n\ntwo, too \n\n", "labels.txt")
    contract = load(write(tmp_path, '[[outputs]]\nlabels_file = "labels.txt"'))
    assert contract.outputs[0].labels == ("zero", "", "two, too")
    assert parse_labels("") == ()


def test_the_contract_beside_a_model(tmp_path: Path) -> None:
    model = tmp_path / "kws.tflite"
    assert path_beside(model) is None
    common = write(tmp_path, "")
    assert path_beside(model) == common
    own = write(tmp_path, "", "kws.toml")
    assert path_beside(model) == own


def inputs_of(*tables: dict[str, Any]) -> Contract:
    return Contract(inputs=tuple(Input(**table) for table in tables))


def test_later_sources_win_field_by_field() -> None:
    file = Contract(
        model=ModelInfo(name="from the file", author="someone"),
        inputs=(Input(name="x", kind="image", mean=(127.5,)),),
        outputs=(Output(name="y", labels=("a",)),),
    )
    toml = Contract(
        model=ModelInfo(name="mine"), metrics={"top1": 1.0}, inputs=(Input(scale=(0.5,)),)
    )
    option = Contract(outputs=(Output(name="y", label_offset=1),))
    merged = combined([file, toml, option])
    assert (merged.model.name, merged.model.author) == ("mine", "someone")
    assert merged.metrics == {"top1": 1.0}
    (x,) = merged.inputs
    assert (x.name, x.kind, x.mean, x.scale) == ("x", "image", (127.5,), (0.5,))
    (y,) = merged.outputs
    assert (y.labels, y.label_offset) == (("a",), 1)


def test_sources_that_contradict_each_other() -> None:
    with pytest.raises(InvalidContract, match="2 means but 3 scales"):
        combined([inputs_of({"mean": [1, 2]}), inputs_of({"scale": [1, 2, 3]})])
    later = combined([inputs_of({"mean": [1, 2]}), inputs_of({"scale": 2})])
    assert later.inputs[0].model_fields_set == {"mean", "scale"}


def test_tables_are_matched_by_name_then_by_order() -> None:
    first = inputs_of({"name": "a", "crop": 0.5}, {"name": "b"})
    by_name = first.updated(inputs_of({"name": "b", "kind": "audio"}))
    assert [(i.name, i.kind) for i in by_name.inputs] == [("a", "array"), ("b", "audio")]
    by_order = first.updated(inputs_of({"kind": "image"}))
    assert [(i.name, i.kind) for i in by_order.inputs] == [("a", "image"), ("b", "array")]
    unnamed = inputs_of({"kind": "image"}).updated(inputs_of({"name": "a", "crop": 0.25}))
    assert [(i.name, i.kind, i.crop) for i in unnamed.inputs] == [("a", "image", 0.25)]
    new = first.updated(inputs_of({"name": "c"}))
    assert [i.name for i in new.inputs] == ["a", "b", "c"]


def test_what_is_known_about_a_tensor() -> None:
    contract = inputs_of({"name": "b", "kind": "image"}, {"kind": "audio"})
    assert contract.input("b", 5).kind == "image"
    assert contract.input("c", 1).kind == "audio"
    assert contract.input("c", 0) == Input(name="c")
    assert contract.output("y", 0) == Output(name="y")


def test_names_that_the_model_does_not_have() -> None:
    contract = Contract(
        inputs=(Input(name="x"), Input(name="z")), outputs=(Output(name="y"), Output())
    )
    contract.check_names(["x", "z"], ["y", "y2"], "model.toml")
    with pytest.raises(Problems) as caught:
        contract.check_names(["x"], ["y"], "model.toml")
    assert [error.what for error in caught.value.errors] == [
        "inputs[1]: the model has no input 'z'",
        "outputs[1]: the model has no output 1",
    ]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({"kind": "image"}, (0, 255)),
        ({"kind": "image", "mean": 127.5, "scale": 1 / 127.5}, (-1, 1)),
        ({"kind": "image", "mean": [0, 255, 0], "scale": -1}, (-255, 255)),
        ({"kind": "image", "range": [3, 4]}, (3, 4)),
        ({"kind": "image", "values": "stored"}, None),
        ({"kind": "audio", "scale": 32768}, (-32768, 32768)),
        ({"kind": "array"}, None),
    ],
)
def test_the_range_of_a_tensor(table: dict[str, Any], expected: tuple[float, float] | None) -> None:
    assert Input(**table).value_range() == expected
