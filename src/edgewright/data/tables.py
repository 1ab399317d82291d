"""Labelled samples: a `labels.csv` that names a file per row, or the arrays of a .npz file."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgewright.data import samples
from edgewright.errors import InvalidInput

MAX_CSV_BYTES: Final = 1 << 28
FILE_COLUMN: Final = "file"
LABEL_COLUMN: Final = "label"


@dataclass(frozen=True)
class Row:
    """One labelled sample.

    `path` is its file; `item` its index along the first axis of the array `member` of a .npz file.
    `columns` holds every column of the table as text; a table without files has only those.
    """

    number: int
    label: str
    columns: Mapping[str, str]
    path: Path | None = None
    member: str | None = None
    item: int | None = None


@dataclass(frozen=True)
class Table:
    """All rows, the column that labels them, and the columns that may slice them."""

    path: Path
    label_column: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(path: Path, *, label: str | None = None, folder: Path | None = None) -> Table:
    """Read labelled samples.

    Args:
        path: a .csv file with a header, a column `file` (unless its columns are the features) and
            a column of labels; or a .npz file with an array of samples and one of labels.
        label: the column of labels; without it `label`, or the only column of whole numbers.
        folder: where the files are; without it the table's own folder, or the one folder in it
            that holds them.

    Raises:
        InvalidInput: the table cannot be read, or a file that it names is missing.
    """
    if path.suffix.lower() == ".npz":
        return _from_npz(path, label)
    columns, records = _read_csv(path)
    column = _label_column(columns, records, label, path)
    locate = _locator(path, folder, records) if FILE_COLUMN in columns else None
    rows = (
        Row(number, record[column], record, locate(record[FILE_COLUMN]) if locate else None)
        for number, record in enumerate(records, start=2)  # as an editor numbers the lines
    )
    return Table(path, column, tuple(columns), tuple(rows))


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The header and the rows of a .csv file."""
    try:
        if path.stat().st_size > MAX_CSV_BYTES:
            raise InvalidInput(f"the table is larger than {MAX_CSV_BYTES} bytes", path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [line for line in csv.reader(file, strict=True) if line]
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidInput(f"cannot read the table: {reason}", path, "check the file") from None
    if len(lines) < 2:
        raise InvalidInput("the table has no rows", path, "it needs a header and at least one row")
    columns = [name.strip() for name in lines[0]]
    if len(set(columns)) < len(columns):
        raise InvalidInput(f"two columns have one name: {', '.join(columns)}", path)
    for number, line in enumerate(lines[1:], start=2):
        if len(line) != len(columns):
            raise InvalidInput(
                f"{len(line)} cells, but the header has {len(columns)}", f"{path}: row {number}"
            )
    return columns, [
        dict(zip(columns, (cell.strip() for cell in line), strict=True)) for line in lines[1:]
    ]


def _label_column(
    columns: Sequence[str],
    records: Sequence[Mapping[str, str]],
    wanted: str | None,
    path: Path,
) -> str:
    """The column of labels: the one asked for, `label`, or the only one of whole numbers."""
    name = wanted or LABEL_COLUMN
    if name in columns:
        return name
    whole = [c for c in columns if all(record[c].isdecimal() for record in records)]
    if wanted is None and len(whole) == 1:
        return whole[0]
    raise InvalidInput(
        f"no column {name!r}", path, f"name the column of labels: {', '.join(columns)}"
    )


def _locator(
    path: Path, folder: Path | None, records: Sequence[Mapping[str, str]]
) -> Callable[[str], Path]:
    """How a name in the column `file` becomes a path."""
    first = records[0][FILE_COLUMN]
    base = folder if folder is not None else _folder_of(path.parent, first, path)

    def locate(name: str) -> Path:
        found = base / name
        if "\0" in name or not found.is_file():
            raise InvalidInput(f"no file {name!r} in {base}", path, "give the folder of the files")
        return found

    return locate


def _folder_of(home: Path, first: str, path: Path) -> Path:
    """The folder that holds the samples: the table's own, or the one folder in it that does."""
    if "\0" in first or (home / first).is_file():
        return home
    folders = [sub for sub in sorted(home.iterdir()) if (sub / first).is_file()]
    if len(folders) == 1:
        return folders[0]
    found = "in several folders of" if folders else "in"
    raise InvalidInput(
        f"{first!r} is {'' if folders else 'not '}{found} {home}",
        path,
        "give the folder of the files",
    )


def _from_npz(path: Path, label: str | None) -> Table:
    """The rows of a .npz file: the array of labels and the one array beside it of equal length."""
    shapes = samples.npz_shapes(path)
    names = [label] if label else ["label", "labels", "y"]
    label = next((name for name in names if len(shapes.get(name, ())) == 1), None)
    others = [n for n, s in shapes.items() if n != label and label and s[:1] == shapes[label]]
    if label is None or len(others) != 1:
        raise InvalidInput(
            f"no array of samples with one of labels among {', '.join(shapes)}",
            path,
            "store `images` [n, …] and `labels` [n]",
        )
    labels = samples.read(path, member=label)
    rows = (
        Row(number, str(value), {label: str(value)}, path, others[0], number)
        for number, value in enumerate(labels.tolist())
    )
    return Table(path, label, (label,), tuple(rows))


def class_index(label: str, labels: Sequence[str], offset: int) -> int | None:
    """The index in a model's output that a row's label means.

    A number counts the data's classes, and `offset` is where its class 0 is in the output; a text
    is looked up among the output's labels. `None` when there is none of that name.
    """
    if label.isdecimal():
        return int(label) + offset
    wanted = label.strip().casefold()
    return next((i for i, name in enumerate(labels) if name.casefold() == wanted), None)
