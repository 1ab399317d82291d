"""The drawing of the arena."""

from edgewright.bench.memory_map import Piece, drawn


def test_a_cell_shows_the_piece_in_its_middle() -> None:
    pieces = [
        Piece("a", "value", offset=0, bytes=50, start=0, end=1),
        Piece("s", "scratch", offset=50, bytes=50, start=1, end=1),
        Piece("b", "value", offset=50, bytes=50, start=2, end=3),
    ]
    assert drawn(pieces, steps=4, arena=100, width=80, height=2) == [".bCC", "AA.."]
