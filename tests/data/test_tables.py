from pathlib import Path

import numpy as np
import pytest

from edgewright.data.tables import class_index, read_table
from edgewright.errors import InvalidInput


def table(folder: Path, text: str, *files: str) -> Path:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def test_a_table_of_files(tmp_path: Path) -> None:
    text = 'file,label,light\na.png,0,"dim, red"\n\nsub/b.png,1,bright\n'
    found = read_table(table(tmp_path, text, "a.png", "sub/b.png"))
    assert (found.label_column, found.columns) == ("label", ("file", "label", "light"))
    first, second = found.rows
    assert (first.label, first.path, first.columns["light"]) == (
        "0",
        tmp_path / "a.png",
        "dim, red",
    )
    assert second.path == tmp_path / "sub/b.png"


def test_the_folder_of_the_files(tmp_path: Path) -> None:
    path = table(tmp_path, "file,label\na.png,0\n", "images/a.png")
    assert read_table(path).rows[0].path == tmp_path / "images/a.png"
    assert read_table(path, folder=tmp_path / "images").rows[0].path == tmp_path / "images/a.png"
    (tmp_path / "more").mkdir()
    with pytest.raises(InvalidInput, match=r"no file 'a.png' in"):
        read_table(path, folder=tmp_path / "more")
    (tmp_path / "more/a.png").write_bytes(b"x")
    with pytest.raises(InvalidInput, match="in several folders"):
        read_table(path)


def test_the_column_of_labels(tmp_path: Path) -> None:
    text = "file,name,class,score\na.png,tench,3,0.5\n"
    path = table(tmp_path, text, "a.png")
    assert read_table(path).label_column == "class"
    assert read_table(path, label="name").rows[0].label == "tench"
    with pytest.raises(InvalidInput, match="no column 'wnid'") as caught:
        read_table(path, label="wnid")
    assert "file, name, class, score" in str(caught.value.help)
    with pytest.raises(InvalidInput, match="no column 'label'"):
        read_table(table(tmp_path, "file,a,b\na.png,1,2\n"))


def test_a_table_of_features(tmp_path: Path) -> None:
    found = read_table(table(tmp_path, "a,b,label\n1,2,x\n3,4,y\n"))
    assert [row.path for row in found.rows] == [None, None]
    assert found.rows[1].columns == {"a": "3", "b": "4", "label": "y"}


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    found = read_table(table(tmp_path, "\ufefffile,label\na.png,0\n", "a.png"))
    assert found.columns == ("file", "label")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "no rows"),
        ("file,label\n", "no rows"),
        ("file,label\na.png\n", "1 cells, but the header has 2"),
        ("file,label,label\na.png,0,1\n", "two columns have one name"),
        ("file,label\nb.png,0\n", "'b.png' is not in"),
        ("file,label\na.png,0\nb.png,0\n", "no file 'b.png'"),
        ('file,label\n"a.png,0\n', "cannot read the table"),
        ("file,label\n\0,0\n", "cannot read the table|no file"),
    ],
)
def test_tables_that_are_wrong(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(InvalidInput, match=what):
        read_table(table(tmp_path, text, "a.png"))


def test_tables_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"file,label\n\xff\xfe,0\n")
    with pytest.raises(InvalidInput, match="cannot read the table"):
        read_table(tmp_path / "labels.csv")
    with pytest.raises(InvalidInput, match="No such file"):
        read_table(tmp_path / "absent.csv")


def test_arrays(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    np.savez(path, images=np.zeros((3, 2, 2)), labels=np.array([4, 5, 6]))
    found = read_table(path)
    assert [(row.label, row.member, row.item) for row in found.rows] == [
        ("4", "images", 0),
        ("5", "images", 1),
        ("6", "images", 2),
    ]
    np.savez(path, images=np.zeros((3, 2, 2)), labels=np.zeros(2))
    with pytest.raises(InvalidInput, match="no array of samples with one of labels"):
        read_table(path)


def test_class_index() -> None:
    assert class_index("3", (), 1) == 4
    assert class_index(" Cat ", ("dog", "cat"), 1) == 1
    assert class_index("cow", ("dog", "cat"), 0) is None


@pytest.mark.models
@pytest.mark.parametrize(
    ("path", "column", "count"),
    [
        ("cifar10/labels.csv", "label", 1000),
        ("imagenet/labels.csv", "class_index_1000", 400),
        ("kws/labels.csv", "label", 500),
        ("coco/vww_labels.csv", "person", 48),
        ("mnist/t10k_part.npz", "labels", 5000),
    ],
)
def test_real_tables(models: Path, path: str, column: str, count: int) -> None:
    found = read_table(models / path)
    assert (found.label_column, len(found.rows)) == (column, count)
