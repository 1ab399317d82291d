"""The page: whatever a model's tensors are called, they stay text; every tag that opens closes."""

from html.parser import HTMLParser

from edgewright.bench.ceilings import Ceilings
from edgewright.bench.memory_map import Piece
from edgewright.bench.profile import Profile, Row
from edgewright.bench.statistics import Timing
from edgewright.report.page import page
from edgewright.report.profile import sections

NASTY = '<script>alert("x")</script>&'
_ALONE = {"meta", "rect", "circle", "line", "polyline"}


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag not in _ALONE or tag in {"rect", "circle"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def profile() -> Profile:
    rows = tuple(
        Row(i, "conv", NASTY, ("1", "8", "8", "4"), 1000 * i, 640, i % 2 == 1, 2.0 + i, 1.0, 0.5)
        for i in range(4)
    )
    return Profile(rows, Timing(20.0, 0.5, 19.0, 100), Ceilings(1e11, 4e11, 3e10))


def document() -> str:
    pieces = [Piece(NASTY, "value", 0, 64, 0, 2), Piece(NASTY, "scratch", 64, 64, 1, 1)]
    return page(f"Profile of {NASTY}", "subtitle", sections(profile(), pieces, 128))


def test_names_are_text_and_tags_are_balanced() -> None:
    parser = _Balance()
    parser.feed(document())
    assert parser.open == []
    assert "script" not in parser.tags
    assert {"svg", "table", "circle", "rect"} <= parser.tags


def test_the_same_profile_gives_the_same_bytes() -> None:
    assert document() == document()


def test_totals_of_types_and_rates() -> None:
    found = profile()
    (only,) = found.by_type
    assert (only.count, only.average_us, only.macs) == (4, 14.0, 6000)
    assert [row.index for row in found.by_time] == [3, 2, 1, 0]
    assert found.rows[3].rate == 2e-3 * 3000 / 5.0
    assert found.rows[3].roofline == 0.1
