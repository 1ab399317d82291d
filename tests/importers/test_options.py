import pytest

from edgewright.errors import InvalidOption
from edgewright.graph import Symbol
from edgewright.importers.options import ImportOptions


def test_numbers_bounds_and_names() -> None:
    options = ImportOptions(shapes={"a": ["1", 3, "h:64..512"], "b": ["h", "w=2..4"]})
    h = Symbol("h", 64, 512)
    assert options.sizes() == {"a": (1, 3, h), "b": (h, Symbol("w", 2, 4))}


@pytest.mark.parametrize("entry", ["0", "-1", "h", "h:64", "h:5..2", "h:0..4", "", "h:1..x"])
def test_what_is_no_size_is_refused(entry: str) -> None:
    with pytest.raises(InvalidOption):
        ImportOptions(shapes={"a": [entry]}).sizes()


def test_one_name_has_one_pair_of_bounds() -> None:
    with pytest.raises(InvalidOption, match="two pairs of bounds"):
        ImportOptions(shapes={"a": ["h:1..2", "h:1..3"]}).sizes()


def test_a_note_is_made_once() -> None:
    options = ImportOptions()
    options.note("x")
    options.note("x")
    assert options.notes == ["x"]
