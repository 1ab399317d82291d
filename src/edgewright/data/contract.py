"""The model contract: what the numbers that go into and come out of a model mean.

It is written as `model.toml` beside the model:

    [model]
    name = "MobileNet v1 0.25"
    licence = "Apache-2.0"

    [metrics]
    top1 = 0.498

    [[inputs]]
    name = "input"
    kind = "image"
    resize = "shorter-side"
    crop = 0.875
    mean = 127.5
    scale = 0.00784313725490196     # 1 / 127.5

    [[outputs]]
    kind = "classes"
    labels_file = "labels.txt"
    label_offset = 1

Every field may be absent. What several sources know is merged (`Contract.updated`): first the model
file's own metadata, then `model.toml`, then options. Nothing in here knows about graphs.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from edgewright.errors import EdgewrightError, InvalidContract, raise_all

MAX_TEXT_BYTES: Final = 1 << 24

DTypeName = Literal[
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
]  # fmt: skip
Text = Annotated[str, Field(strict=True)]
Dimension = Annotated[int, Field(strict=True, ge=-1)]
Size = Annotated[int, Field(strict=True, ge=1, le=1 << 20)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _as_list(value: object) -> object:
    """A single number stands for a list of one."""
    return [value] if isinstance(value, int | float) else value


PerChannel = Annotated[tuple[Number, ...], BeforeValidator(_as_list), Field(min_length=1)]
Sizes = Annotated[tuple[Size, ...], BeforeValidator(_as_list), Field(min_length=1, max_length=2)]


class _Table(BaseModel):
    """A table of the contract: unknown keys are errors, values do not change."""

    # The docstrings of the fields are their descriptions in docs/reference/contract.md.
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    def updated(self, later: Self) -> Self:
        """This table, with the fields that `later` states."""
        stated = {name: getattr(later, name) for name in later.model_fields_set}
        return self.model_copy(update=stated)


class ModelInfo(_Table):
    """Who made the model, and from what."""

    name: Text = ""
    """What people call it."""
    version: Text = ""
    """Of the model, as its author counts."""
    author: Text = ""
    """Person or organisation."""
    licence: Text = ""
    """SPDX identifier or text."""
    description: Text = ""
    """What it does."""
    training_data: Text = ""
    """What it was trained on."""


class _Tensor(_Table):
    """What is known about one input or output."""

    name: Text = ""
    """Of the tensor; without a name the order decides."""


class Input(_Tensor):
    """How a sample becomes an input tensor.

    A number `x` of the sample (a byte 0 to 255 of an image, a value from -1 to 1 of a sound, an
    element of an array) becomes `(x - mean) * scale`, with one mean and scale, or one per channel.
    """

    kind: Literal["image", "audio", "array", "features"] = "array"
    """What a sample is."""
    dtype: DTypeName | None = None
    """Of the tensor; stated, it must be so."""
    shape: tuple[Dimension, ...] | None = None
    """Of the tensor; stated, it must be so; -1 where any size may be."""
    sample_dtype: DTypeName | None = None
    """Of the numbers in raw files (.bin), where it is not the tensor's."""
    layout: Literal["nhwc", "nchw"] | None = None
    """Of an image tensor; without it the shape decides."""
    colour: Literal["rgb", "bgr", "gray"] | None = None
    """Without it, by the number of channels: one is gray, three are RGB."""
    resize: Literal["stretch", "shorter-side", "none"] = "stretch"
    """`stretch` to the tensor's size; or the `shorter-side`, then a crop of the centre."""
    resize_to: Sizes | None = None
    """The size before the crop: of the shorter side, or height and width of `stretch`."""
    crop: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    """The fraction of that side that is kept: the side is resized to size / crop."""
    filter: Literal["bilinear", "nearest", "bicubic", "lanczos"] = "bilinear"
    """How pixels are interpolated; like Pillow's, it widens where it shrinks."""
    mean: PerChannel = (0.0,)
    """Subtracted first; one, or one per channel."""
    scale: PerChannel = (1.0,)
    """Multiplied then; one, or one per channel."""
    range: tuple[Number, Number] | None = None
    """Lowest and highest real value of the tensor; made-up inputs are drawn from it."""
    sample_rate: Size | None = None
    """Of a sound, in Hz."""
    columns: tuple[Text, ...] = ()
    """Of a table, in the tensor's order, for `features`."""
    values: Literal["real", "stored"] | None = None
    """Whether `(x - mean) * scale` is a real number, which a quantised tensor stores by its own
    scale and zero point, or is itself what the tensor stores. Without it: `stored` where the
    sample has the tensor's dtype and neither mean nor scale is given, else `real`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if 0 in self.scale:
            raise ValueError("scale must not be 0")
        if min(len(self.mean), len(self.scale)) > 1 and len(self.mean) != len(self.scale):
            raise ValueError(f"{len(self.mean)} means but {len(self.scale)} scales")
        if self.range and self.range[0] > self.range[1]:
            raise ValueError(f"range {list(self.range)} is not from low to high")
        if self.crop is not None and self.resize_to is not None:
            raise ValueError("give either crop or resize_to, not both")
        if self.resize == "none" and (self.crop or self.resize_to):
            raise ValueError('resize = "none" goes with neither crop nor resize_to')
        return self

    @property
    def is_normalised(self) -> bool:
        """Whether mean or scale change anything."""
        return set(self.mean) != {0.0} or set(self.scale) != {1.0}

    def value_range(self) -> tuple[float, float] | None:
        """Lowest and highest real value of the tensor, as far as the contract tells."""
        if self.range is not None:
            return self.range
        if self.values == "stored" or self.kind not in ("image", "audio"):
            return None
        low, high = (0.0, 255.0) if self.kind == "image" else (-1.0, 1.0)
        pairs = zip(*_broadcast(self.mean, self.scale), strict=True)
        ends = [(x - mean) * scale for mean, scale in pairs for x in (low, high)]
        return min(ends), max(ends)


class Output(_Tensor):
    """What an output tensor holds."""

    kind: Literal["classes", "boxes", "keypoints", "array"] = "array"
    """`classes`: a score for each."""
    labels: tuple[Text, ...] = ()
    """The names of the classes, in the tensor's order."""
    labels_file: Text | None = None
    """One label per line, beside the contract; `load` reads it into `labels`."""
    label_offset: Annotated[int, Field(strict=True, ge=0)] = 0
    """The index that class 0 of the data has: 1 where "background" comes before it."""
    score_threshold: Number | None = None
    """Scores below it count as no detection."""

    def label(self, index: int) -> str:
        """The name of an output's class, or its number."""
        return self.labels[index] if 0 <= index < len(self.labels) else str(index)


class Contract(_Table):
    """The whole contract."""

    model: ModelInfo = ModelInfo()
    metrics: dict[str, Number] = Field(default_factory=dict)
    """Published figures, by name."""
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for kind, tables in (("inputs", self.inputs), ("outputs", self.outputs)):
            names = [table.name for table in tables if table.name]
            if len(set(names)) < len(names):
                raise ValueError(f"two {kind} have the same name")
        return self

    def updated(self, later: Self) -> Self:
        """This contract, with what `later` states: tables are matched by name, else by order."""
        return self.model_copy(
            update={
                "model": self.model.updated(later.model),
                "metrics": {**self.metrics, **later.metrics},
                "inputs": _merged(self.inputs, later.inputs),
                "outputs": _merged(self.outputs, later.outputs),
            }
        )

    def input(self, name: str, index: int) -> Input:
        """What is known about an input tensor: by name, else by order."""
        found = _find(self.inputs, name, index)
        return found if found is not None else Input(name=name)

    def output(self, name: str, index: int) -> Output:
        """What is known about an output tensor: by name, else by order."""
        found = _find(self.outputs, name, index)
        return found if found is not None else Output(name=name)

    def check_names(self, inputs: Sequence[str], outputs: Sequence[str], where: object) -> None:
        """Check that the contract names only tensors that the model has.

        Raises:
            InvalidContract: or Problems, one for each name that it does not have.
        """
        raise_all(
            [
                *_unknown("input", self.inputs, inputs, where),
                *_unknown("output", self.outputs, outputs, where),
            ]
        )


def _unknown(
    kind: str, tables: Sequence[_Tensor], names: Sequence[str], where: object
) -> Iterator[InvalidContract]:
    """An error for each table that fits none of the model's tensors."""
    for index, table in enumerate(tables):
        if (table.name and table.name not in names) or index >= len(names):
            yield InvalidContract(
                f"{kind}s[{index}]: the model has no {kind} {table.name or index!r}",
                where,
                f"its {kind}s are {', '.join(map(repr, names))}",
            )


_Named = TypeVar("_Named", Input, Output)


def _find(tables: Sequence[_Named], name: str, index: int) -> _Named | None:
    """The table of this name, else the one at this place, provided that it has no other name."""
    for table in tables:
        if table.name == name:
            return table
    if index < len(tables) and not tables[index].name:
        return tables[index]
    return None


def _merged(earlier: Sequence[_Named], later: Sequence[_Named]) -> tuple[_Named, ...]:
    """Both lists of tables; those of `later` win, and add what the earlier do not have."""
    merged = list(earlier)
    names = [table.name for table in earlier]
    for index, table in enumerate(later):
        if table.name and table.name in names:
            place = names.index(table.name)
        elif index < len(merged) and (not table.name or not names[index]):
            place = index
        else:
            merged.append(table)
            continue
        merged[place] = merged[place].updated(table)
    return tuple(merged)


def _broadcast(a: Sequence[float], b: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    count = max(len(a), len(b))
    return (a if len(a) > 1 else tuple(a) * count), (b if len(b) > 1 else tuple(b) * count)


def path_beside(model: Path) -> Path | None:
    """The contract beside a model file: `NAME.toml` of its own, else the folder's `model.toml`."""
    for path in (model.with_suffix(".toml"), model.parent / "model.toml"):
        if path.is_file():
            return path
    return None


def load(path: Path) -> Contract:
    """Read a contract, and the label files that it names.

    Raises:
        InvalidContract: the file cannot be read, or one thing in it is wrong.
        Problems: several are.
    """
    text = _read_text(path, path)
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidContract(f"not TOML: {error}", path, "correct the line named") from None
    contract = validated(tables, path)
    outputs = tuple(_with_labels(output, path) for output in contract.outputs)
    return contract.model_copy(update={"outputs": outputs}) if outputs else contract


def validated(tables: Mapping[str, Any], where: object) -> Contract:
    """A contract from its tables, as TOML or JSON hold them.

    Raises:
        InvalidContract: one thing is wrong; its path, such as `inputs[0].mean`, is named.
        Problems: several are.
    """
    try:
        return Contract.model_validate(tables)
    except ValidationError as error:
        raise_all([_problem(item, where) for item in error.errors(include_url=False)])
        raise AssertionError("a ValidationError without errors") from error


def _problem(item: Mapping[str, Any], where: object) -> EdgewrightError:
    """One of pydantic's errors in our words."""
    path = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]
    ).removeprefix(".")
    if item["type"] == "extra_forbidden":
        return InvalidContract(f"{path}: no such field", where, "check its spelling")
    value = "" if isinstance(item["input"], dict) else f" (it is {item['input']!r:.80})"
    message = item["msg"].removeprefix("Value error, ")
    return InvalidContract(f"{path or 'contract'}: {message}{value}", where, "correct this value")


def _with_labels(output: Output, path: Path) -> Output:
    if output.labels_file is None:
        return output
    labels = parse_labels(_read_text(path.parent / output.labels_file, path))
    return output.model_copy(update={"labels": labels, "labels_file": None})


def parse_labels(text: str) -> tuple[str, ...]:
    """The labels in a text, one per line; blank lines at the end do not count."""
    return tuple(line.strip() for line in text.rstrip().splitlines())


def _read_text(path: Path, where: object) -> str:
    """A text file of bounded size."""
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InvalidContract(f"{path.name} is larger than {MAX_TEXT_BYTES} bytes", where)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InvalidContract(f"cannot read {path.name}: {reason}", where) from None


def save(contract: Contract, path: Path) -> None:
    """Write a contract as TOML, without the fields that say nothing."""
    path.write_text(dumps(contract), encoding="utf-8")


def dumps(contract: Contract) -> str:
    """A contract as TOML, without the fields that say nothing."""
    tables = contract.model_dump(mode="json", exclude_defaults=True)
    blocks = [_block(f"[{name}]", tables[name]) for name in ("model", "metrics") if name in tables]
    for name in ("inputs", "outputs"):
        blocks += [_block(f"[[{name}]]", table) for table in tables.get(name, [])]
    return "\n".join(blocks)


def _block(head: str, table: Mapping[str, Any]) -> str:
    fields = [f"{_toml_key(name)} = {_toml(value)}\n" for name, value in table.items()]
    return f"{head}\n{''.join(fields)}"


def _toml_key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "_").isidentifier()
    return name if bare else _toml(name)


def _toml(value: object) -> str:
    """A value as TOML; the contract holds text, numbers and lists of them."""
    match value:
        case str():
            return '"' + "".join(map(_toml_character, value)) + '"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case _:
            return repr(value)


def _toml_character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character < " " or character == "\x7f":
        return f"\\u{ord(character):04X}"
    return character


def combined(contracts: Iterable[Contract]) -> Contract:
    """What several sources know; the later ones win.

    Raises:
        InvalidContract, Problems: they contradict each other, such as one mean with two scales.
    """
    result = Contract()
    for contract in contracts:
        result = result.updated(contract)
    return validated(result.model_dump(exclude_unset=True), "what the sources say together")
