import pytest

from edgewright.errors import EdgewrightError
from tests.importers.onnx.harness import check, floats, imported, model, node

SIZES = dict(zip("bhijkdt", (2, 3, 4, 5, 6, 7, 8), strict=True))


@pytest.mark.parametrize(
    "equation",
    ["ij->ji", "ij->i", "ij,jk->ik", "bij,bjk->bik", "bhid,bhjd->bhij", "bij,jk", "ij,ij->ij",
     "i,j->ij", "bij,kj->kb", "ij,jk->", "bhij, bhjd -> bihd"],
)  # fmt: skip
def test_agrees(equation: str) -> None:
    terms = equation.replace(" ", "").split("->")[0].split(",")
    values = {f"x{i}": floats(*(SIZES[c] for c in t), seed=i) for i, t in enumerate(terms)}
    check(node("Einsum", list(values), ["y"], equation=equation), values)


@pytest.mark.parametrize("equation", ["...ij->...ji", "ii->i"])
def test_refused(equation: str) -> None:
    made = node("Einsum", ["x"], ["y"], equation=equation)
    with pytest.raises(EdgewrightError, match="ellipsis|diagonal"):
        imported(model([made], {"x": floats(4, 4)}, ["y"]))
