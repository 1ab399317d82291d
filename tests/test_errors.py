"""The error tree: rendering, exit statuses, and one documentation page per code."""

import pickle
from pathlib import Path

import pytest

from edgewright import errors
from edgewright.errors import EdgewrightError, InvalidModel, OracleError, Problems, UnsupportedModel

PAGES = Path(__file__).resolve().parent.parent / "docs" / "errors"
CLASSES = errors.error_classes()


def test_an_error_names_what_where_and_the_cure() -> None:
    error = UnsupportedModel(
        "Gemm: transA=1", where="kws.onnx: node 'fc1'", help="put a Transpose before it"
    )
    assert str(error) == (
        "error[unsupported-model]: Gemm: transA=1\n"
        "  --> kws.onnx: node 'fc1'\n"
        "  = help: put a Transpose before it"
    )
    assert str(InvalidModel("truncated")) == "error[invalid-model]: truncated"


def test_several_errors_are_shown_at_once_and_repeats_once() -> None:
    first, second = InvalidModel("a"), InvalidModel("b", where="m.onnx")
    problems = Problems([first, Problems([second, InvalidModel("a")])])
    assert problems.errors == (first, second)
    assert str(problems) == "error[invalid-model]: a\n\nerror[invalid-model]: b\n  --> m.onnx"
    assert problems.status == 2
    assert Problems([first, OracleError("c")]).status == 3


def test_raise_all_raises_as_many_as_there_are() -> None:
    errors.raise_all([])
    with pytest.raises(InvalidModel):
        errors.raise_all([InvalidModel("a"), InvalidModel("a")])
    with pytest.raises(Problems):
        errors.raise_all([InvalidModel("a"), InvalidModel("b")])


@pytest.mark.parametrize(
    "error",
    [InvalidModel("a", where="b", help="c"), Problems([InvalidModel("a"), OracleError("b")])],
)
def test_errors_cross_processes(error: EdgewrightError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.to_json() == error.to_json()


def test_codes_are_kebab_case_and_named_after_the_class() -> None:
    for cls in CLASSES:
        words = "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__).strip("-")
        assert cls.code == words
    assert len({cls.code for cls in CLASSES}) == len(CLASSES)


def test_exit_statuses_are_those_of_the_contract() -> None:
    assert {cls.exit_code for cls in CLASSES} == {1, 2, 3, 70, 130}


def test_the_tree_at_the_top_is_the_tree() -> None:
    drawn = [line.split()[1:4] for line in (errors.__doc__ or "").splitlines() if "── " in line]
    expected = {(cls.__name__, cls.code, str(cls.exit_code)) for cls in CLASSES}
    expected -= {("Problems", "problems", "2")}
    expected |= {("Problems", "problems", "max")}
    assert {tuple(row) for row in drawn} == expected


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {cls.code for cls in CLASSES}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.code)
def test_a_page_says_what_it_means_with_an_example_and_a_cure(cls: type[EdgewrightError]) -> None:
    text = (PAGES / f"{cls.code}.md").read_text()
    assert text.startswith(f"# {cls.code}\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## What it means",
        "## Example",
        "## What to do",
    ]
    assert f"Exit status: {cls.exit_code}" in text or cls is Problems
    assert f"error[{cls.code}]: " in text or cls is Problems
