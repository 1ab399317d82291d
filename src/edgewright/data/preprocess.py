"""From a sample to an input tensor, as the model contract says: the one definition of it.

An image is resized, cropped at its centre, put in the tensor's colour order, normalised by
`(x - mean) * scale` in float64, rounded to float32, and, where the tensor is quantised, stored by
the tensor's scale and zero point: `clamp(round_half_even(real / scale) + zero)`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgewright.data import samples
from edgewright.data.contract import Input
from edgewright.data.tables import Row
from edgewright.errors import InvalidContract, InvalidInput

DEFAULT_CROP: Final = 0.875
MAX_SIDE: Final = 1 << 14

# What the contract's fields become for an array that is prepared already.
_PREPARED: Final = {"mean": (0.0,), "scale": (1.0,), "values": None}

Array = NDArray[Any]


@dataclass(frozen=True)
class Tensor:
    """What preprocessing needs to know of an input tensor.

    `shape` holds -1 where any size may be; `scale` is `None` for a tensor that is not quantised.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    scale: float | None = None
    zero: int = 0


def load_row(row: Row, contract: Input, tensor: Tensor) -> Array:
    """The input tensor for one row of a table.

    Raises:
        InvalidInput: the sample cannot be read, or does not fit the tensor.
        InvalidContract: the contract does not fit the tensor.
    """
    if row.member is not None and row.path is not None and row.item is not None:
        sample = samples.read_item(row.path, row.member, row.item)
        return prepare(sample, contract, tensor, f"{row.path}: {row.member}[{row.item}]")
    if row.path is None:
        return prepare(_features(row, contract), contract, tensor, f"row {row.number}")
    return load(row.path, contract, tensor)


def load(path: Path, contract: Input, tensor: Tensor, member: str | None = None) -> Array:
    """The input tensor for one file. Raises as `load_row` does."""
    if contract.sample_rate is not None and path.suffix.lower() == ".wav":
        _check_rate(path, contract.sample_rate)
    sample = samples.read(
        path,
        dtype=contract.sample_dtype or tensor.dtype,
        member=member,
        gray=path.suffix.lower() in samples.IMAGES and _channels(contract, tensor) == 1,
    )
    return prepare(sample, contract, tensor, str(path))


def prepare(sample: Array, contract: Input, tensor: Tensor, where: str) -> Array:
    """The input tensor for a sample.

    Args:
        sample: an image as uint8 [H, W, C] (red, green, blue) or [H, W]; or an array in any shape
            that has as many elements as the tensor. Where an image is wanted, an array of another
            dtype is taken as prepared: it is neither resized nor normalised.
        contract: what the tensor's numbers mean.
        tensor: what is wanted.
        where: the sample, for errors.

    Returns:
        An array of the tensor's dtype and shape, C-contiguous.

    Raises:
        InvalidInput: the sample does not fit the tensor.
        InvalidContract: the contract does not fit the tensor.
    """
    _check_fit(contract, tensor)
    if contract.kind == "image":
        if sample.dtype == np.uint8:
            sample = fit_image(sample, contract, tensor, where)
        else:
            contract = contract.model_copy(update=_PREPARED)
    shaped = _reshaped(sample, tensor, where)
    return np.ascontiguousarray(_stored(shaped, contract, tensor, where))


def _check_fit(contract: Input, tensor: Tensor) -> None:
    """Check that the dtype and shape that a contract states are the tensor's."""
    if contract.dtype is not None and np.dtype(contract.dtype) != tensor.dtype:
        raise InvalidContract(
            f"input {tensor.name!r} is {tensor.dtype}, the contract says {contract.dtype}",
            None,
            "sample_dtype is the dtype of raw files",
        )
    stated = contract.shape
    if stated is not None and not _same_shape(stated, tensor.shape):
        raise InvalidContract(
            f"input {tensor.name!r} has shape {tensor.shape}, the contract says {stated}"
        )


def _same_shape(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether two shapes agree; -1 agrees with any size."""
    return len(a) == len(b) and all(x == y or -1 in (x, y) for x, y in zip(a, b, strict=True))


def _features(row: Row, contract: Input) -> NDArray[np.float64]:
    """The numbers in a row's columns."""
    names = contract.columns or tuple(row.columns)
    try:
        return np.array([float(row.columns[name]) for name in names], np.float64)
    except KeyError as error:
        raise InvalidContract(
            f"the table has no column {error}", None, f"it has {', '.join(row.columns)}"
        ) from None
    except ValueError as error:
        raise InvalidInput(
            f"a feature is not a number: {error}",
            f"row {row.number}",
            "list the columns of features in the contract: columns = [...]",
        ) from None


def _check_rate(path: Path, wanted: int) -> None:
    _, rate = samples.read_wav(path)
    if rate != wanted:
        raise InvalidInput(
            f"the sound has {rate} samples per second, the model wants {wanted}",
            path,
            f"resample it: ffmpeg -i IN -ar {wanted} OUT.wav",
        )


def is_channels_first(contract: Input, shape: Sequence[int]) -> bool:
    """Whether an image tensor [N, C, H, W] or [C, H, W] is meant: stated, or seen by its sizes."""
    if contract.layout is not None:
        return contract.layout == "nchw"
    few = (1, 3, 4)
    return len(shape) >= 3 and shape[-1] not in few and shape[-3] in few


def _channels(contract: Input, tensor: Tensor) -> int:
    """The number of channels that an image of this contract has."""
    if contract.colour is not None:
        return 1 if contract.colour == "gray" else 3
    if len(tensor.shape) < 3:
        return 1
    first = is_channels_first(contract, tensor.shape)
    return 1 if tensor.shape[-3 if first else -1] == 1 else 3


def fit_image(image: NDArray[np.uint8], contract: Input, tensor: Tensor, where: str) -> Array:
    """An image in the size, colour order and layout of a tensor: uint8 [H, W, C] or [C, H, W]."""
    if image.ndim == 4 and image.shape[0] == 1:
        image = image[0]
    image = image[:, :, None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise InvalidInput(f"an array of shape {image.shape} is no image", where)
    height, width = _size(contract, tensor, image.shape[:2])
    channels = _channels(contract, tensor)
    if image.shape[2] == 1 and channels == 3:
        image = np.repeat(image, 3, axis=2)
    if image.shape[2] != channels:
        raise InvalidInput(
            f"an image of {image.shape[2]} channels, the model wants {channels}", where
        )
    image = _resized(image, contract, height, width)
    if image.shape[:2] != (height, width):
        raise InvalidInput(
            f"an image of {image.shape[1]} x {image.shape[0]}, the model wants {width} x {height}",
            where,
            'resize it, or set resize = "stretch" or "shorter-side" in the contract',
        )
    if contract.colour == "bgr":
        image = image[:, :, ::-1]
    return image.transpose(2, 0, 1) if is_channels_first(contract, tensor.shape) else image


def _size(contract: Input, tensor: Tensor, own: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of the tensor; an image keeps its own where any size may be."""
    shape = tensor.shape
    if len(shape) == 2 and prod(own) == prod(shape):  # a flattened image
        return own[0], own[1]
    if len(shape) not in (3, 4) and (len(shape) < 2 or shape[-1] < 1):
        raise InvalidContract(
            f"input {tensor.name!r} of shape {shape} is no image", None, 'set kind = "array"'
        )
    if len(shape) == 2:
        height, width = shape
    else:
        height, width = shape[-2:] if is_channels_first(contract, shape) else shape[-3:-1]
    return (height if height > 0 else own[0]), (width if width > 0 else own[1])


def _resized(
    image: NDArray[np.uint8], contract: Input, height: int, width: int
) -> NDArray[np.uint8]:
    """The image resized as the contract says, then cropped at its centre."""
    if contract.resize == "none":
        return image
    if contract.resize == "stretch":
        tall, wide = _before_crop(contract, height, width, 1.0)
    else:
        tall, wide = _shorter_side(image, _before_crop(contract, height, width, DEFAULT_CROP))
    image = _scaled(image, tall, wide, contract.filter)
    top, left = (tall - height) // 2, (wide - width) // 2
    if top < 0 or left < 0:
        return image
    return image[top : top + height, left : left + width]


def _before_crop(contract: Input, height: int, width: int, crop: float) -> tuple[int, int]:
    """Height and width of the image before its centre is cut out."""
    if contract.resize_to is not None:
        tall, wide = (*contract.resize_to, *contract.resize_to)[:2]
        return tall, wide
    crop = contract.crop or crop
    return round(height / crop), round(width / crop)


def _shorter_side(image: NDArray[np.uint8], least: tuple[int, int]) -> tuple[int, int]:
    """The size at which an image just covers `least`, its proportions kept."""
    height, width = image.shape[:2]
    if least[0] * width >= least[1] * height:  # the height is what limits
        return least[0], min(max(round(width * least[0] / height), least[1]), MAX_SIDE)
    return min(max(round(height * least[1] / width), least[0]), MAX_SIDE), least[1]


def _scaled(image: NDArray[np.uint8], height: int, width: int, filter: str) -> NDArray[np.uint8]:
    """An image in another size, as Pillow computes it (its filters widen when they shrink)."""
    if image.shape[:2] == (height, width):
        return image
    from PIL import Image

    resampling = Image.Resampling[filter.upper()]
    gray = image.shape[2] == 1
    made = Image.fromarray(image[:, :, 0] if gray else image).resize((width, height), resampling)
    pixels = np.asarray(made)
    return pixels[:, :, None] if gray else pixels


def _reshaped(sample: Array, tensor: Tensor, where: str) -> Array:
    """The sample in the tensor's shape; axes of length one and flattening are of no account."""
    shape = tensor.shape
    if -1 in shape:
        if sample.ndim == len(shape) - 1 and shape[0] in (-1, 1):
            sample = sample[None]
        fits = _same_shape(shape, sample.shape)
    else:
        fits = sample.size == prod(shape)
    if not fits:
        raise InvalidInput(
            f"a sample of shape {sample.shape}, input {tensor.name!r} has shape {shape}", where
        )
    return sample if -1 in shape else sample.reshape(shape)


def _stored(sample: Array, contract: Input, tensor: Tensor, where: str) -> Array:
    """The numbers that the tensor stores for a sample of its shape."""
    values = contract.values or _guess_values(sample, contract, tensor, where)
    if values == "stored" and not contract.is_normalised:
        return cast_exactly(sample, tensor.dtype, where)
    numbers = normalise(sample, contract, tensor)
    if tensor.dtype.kind in "iu" and np.isnan(numbers).any():
        raise InvalidInput(f"NaN cannot be stored as {tensor.dtype}", where, "clean the sample")
    if values == "stored":
        return _rounded(numbers, tensor.dtype)
    if tensor.scale is not None:
        return quantize(numbers.astype(np.float32), tensor.scale, tensor.zero, tensor.dtype)
    if tensor.dtype.kind == "f":
        return numbers.astype(tensor.dtype)
    return cast_exactly(numbers, tensor.dtype, where)


def _guess_values(sample: Array, contract: Input, tensor: Tensor, where: str) -> str:
    """Whether a sample is real or stored numbers, where the contract does not say."""
    if contract.is_normalised or tensor.scale is None or sample.dtype.kind == "f":
        return "real"
    if sample.dtype == tensor.dtype:
        return "stored"
    if contract.kind == "image" and sample.dtype == np.uint8:
        return "real"
    raise InvalidInput(
        f"is {sample.dtype} the real value of {tensor.name!r}, or what {tensor.dtype} stores?",
        where,
        'set values = "real" or "stored" for this input in the contract',
    )


def normalise(sample: Array, contract: Input, tensor: Tensor) -> NDArray[np.float64]:
    """`(x - mean) * scale`, per channel where there are several."""
    numbers = sample.astype(np.float64)
    if not contract.is_normalised:
        return numbers
    first = contract.kind == "image" and is_channels_first(contract, tensor.shape)
    axis = -3 if first else -1
    mean, scale = (np.array(values) for values in (contract.mean, contract.scale))
    for name, values in (("means", mean), ("scales", scale)):
        if values.size not in (1, numbers.shape[axis]):
            raise InvalidContract(
                f"{values.size} {name} for {numbers.shape[axis]} channels of {tensor.name!r}"
            )
    if first:
        mean, scale = mean[:, None, None], scale[:, None, None]
    normal: NDArray[np.float64] = (numbers - mean) * scale
    return normal


def quantize(real: NDArray[np.float32], scale: float, zero: int, dtype: np.dtype[Any]) -> Array:
    """Real numbers, none of them NaN, as a quantised tensor stores them.

    Halves round to even, then the result is clamped; the division is in float64, so that only true
    halves are ties.
    """
    return _rounded(real.astype(np.float64) / scale, dtype, zero)


def dequantize(stored: Array, scale: float, zero: int) -> NDArray[np.float32]:
    """The real numbers that a quantised tensor stores."""
    return ((stored.astype(np.float64) - zero) * scale).astype(np.float32)


def _rounded(numbers: NDArray[np.float64], dtype: np.dtype[Any], zero: int = 0) -> Array:
    limits = np.iinfo(dtype)
    stored: Array = np.clip(np.rint(numbers) + zero, limits.min, limits.max).astype(dtype)
    return stored


def cast_exactly(numbers: Array, dtype: np.dtype[Any], where: str) -> Array:
    """Numbers in another dtype that can hold them all.

    Raises:
        InvalidInput: some do not fit, or have a fraction that the dtype cannot hold.
    """
    if numbers.dtype == dtype:
        return numbers
    if dtype.kind == "f" or numbers.dtype.kind not in "iufb":
        return numbers.astype(dtype)
    with np.errstate(invalid="ignore"):
        cast = numbers.astype(dtype)
    wrong = numbers[cast.astype(np.float64) != numbers.astype(np.float64)]
    if wrong.size:
        raise InvalidInput(f"{wrong[0]} is no {dtype}", where, f"give numbers of dtype {dtype}")
    return cast
