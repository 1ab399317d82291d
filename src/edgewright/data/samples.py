"""Reads one sample: an image, a sound, an array, raw bytes.

What is read is the sample as it is stored; `preprocess` makes a tensor of it. Files are not
trusted: nothing is allocated on the word of a header.
"""

import io
import warnings
import wave
import zipfile
import zlib
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from edgewright.errors import InvalidInput

MAX_BYTES: Final = 2**31 - 1
MAX_PIXELS: Final = 100_000_000

IMAGES: Final = (".png", ".jpg", ".jpeg", ".bmp")
RAW: Final = (".bin", ".raw", ".dat")
SUFFIXES: Final = (".npy", ".npz", ".wav", *IMAGES, *RAW)

# What zipfile raises on damaged archives; RuntimeError: encrypted, NotImplementedError: too new.
_ZIP_ERRORS: Final = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error),
)

Array = NDArray[Any]


def read(
    path: Path,
    *,
    dtype: str | np.dtype[Any] | None = None,
    shape: Sequence[int] | None = None,
    member: str | None = None,
    gray: bool = False,
) -> Array:
    """Read a sample, by the suffix of its file.

    Args:
        path: .npy; .npz; .png, .jpg, .bmp; .wav; .bin, .raw or .dat.
        dtype: of the numbers in raw bytes.
        shape: of raw bytes; at most one dimension may be -1.
        member: the array to take from a .npz that holds several.
        gray: read an image as one channel.

    Returns:
        An array as it is stored; an image as uint8 [height, width, 3] in the order red, green,
        blue, or [height, width, 1]; a sound as float32 [frames] from -1 to 1.

    Raises:
        InvalidInput: the file is missing, damaged, too large, or of a kind that is not read.
    """
    suffix = path.suffix.lower()
    _check_file(path)
    try:
        if suffix == ".npy":
            with path.open("rb") as file:
                return _read_npy(file, path.stat().st_size, path)
        if suffix == ".npz":
            return _read_npz(path, member)
        if suffix in IMAGES:
            return _read_image(path, gray)
        if suffix == ".wav":
            return read_wav(path)[0]
        if suffix in RAW:
            return _read_raw(path, dtype, shape)
    except _ZIP_ERRORS as error:
        raise InvalidInput(f"cannot read the file: {error}", path, "check the file") from None
    raise InvalidInput(
        f"files of kind {suffix or 'without a suffix'} are not read",
        path,
        f"give one of {', '.join(SUFFIXES)}",
    )


def _check_file(path: Path) -> None:
    try:
        if not path.is_file():
            what = "this is a directory" if path.is_dir() else "no such file"
            raise InvalidInput(what, path, "check the path")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise InvalidInput(f"{size} bytes are more than {MAX_BYTES}", path)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise InvalidInput(f"cannot read the file: {error}", path, "check the path") from None


def _read_npy(file: IO[bytes], size: int, where: object) -> Array:
    """An array whose header and data agree; never objects, which would be run as code."""
    try:
        shape, fortran, dtype = _npy_header(file)
    except Exception as error:  # the header is Python text, and may be wrong in any way
        raise InvalidInput(f"not a .npy file: {error}", where) from None
    if dtype.hasobject:
        raise InvalidInput("an array of Python objects is not read", where, "store numbers")
    expected = prod(shape) * dtype.itemsize
    if any(length < 0 for length in shape) or expected != size - file.tell():
        raise InvalidInput(
            f"shape {shape} of {dtype} takes {expected} bytes, the file has {size - file.tell()}",
            where,
            "the file is truncated; write it again",
        )
    flat = np.frombuffer(bytearray(file.read(expected)), dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def _npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first axis runs fastest, and dtype, from the head of a .npy file."""
    version = npy.read_magic(file)
    if version == (1, 0):
        return npy.read_array_header_1_0(file)
    if version == (2, 0):
        return npy.read_array_header_2_0(file)
    raise ValueError(f"version {version}")


def npz_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The arrays of a .npz file and their shapes, without reading them.

    Raises:
        InvalidInput: the file cannot be read.
    """
    _check_file(path)
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                with archive.open(name) as file:
                    shapes[name.removesuffix(".npy")] = _npy_header(file)[0]
    except _ZIP_ERRORS as error:
        raise InvalidInput(f"not a .npz file: {error}", path) from None
    return shapes


def read_item(path: Path, member: str, item: int) -> Array:
    """One element along the first axis of an array of a .npz file.

    The array is kept, since the next element is usually wanted next.

    Raises:
        InvalidInput: as `read` does.
    """
    _check_file(path)
    element: Array = _npz_array(path, member, path.stat().st_mtime_ns)[item]
    return element


@lru_cache(maxsize=1)
def _npz_array(path: Path, member: str, _mtime_ns: int) -> Array:
    return read(path, member=member)


def _read_npz(path: Path, member: str | None) -> Array:
    """One array of a .npz file, decompressed within bounds."""
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if member is None and len(names) == 1:
            member = names[0]
        if member not in names:
            raise InvalidInput(
                "which array?" if member is None else f"no array {member!r}",
                path,
                f"name one of {', '.join(names)}, as FILE.npz:NAME",
            )
        info = archive.infolist()[names.index(member)]
        if info.file_size > MAX_BYTES:
            raise InvalidInput(f"array {member!r} has {info.file_size} bytes", path)
        try:
            with archive.open(info) as file:
                data = file.read(info.file_size)
        except _ZIP_ERRORS as error:
            raise InvalidInput(f"cannot read array {member!r}: {error}", path) from None
        return _read_npy(io.BytesIO(data), len(data), f"{path}: {member}")


def _read_image(path: Path, gray: bool) -> Array:
    """An image as bytes; its stored rotation (EXIF) is not applied, as trainers do not either."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG", "JPEG", "BMP"]) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise InvalidInput(
                        f"{image.width} x {image.height} pixels are more than {MAX_PIXELS}", path
                    )
                pixels = np.asarray(image.convert("L" if gray else "RGB"))
    except UnidentifiedImageError:
        raise InvalidInput("not a PNG, JPEG or BMP image", path) from None
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(f"damaged image: {error}", path) from None
    return pixels[:, :, None] if gray else pixels


def read_wav(path: Path) -> tuple[NDArray[np.float32], int]:
    """A sound of one channel: float32 [frames] from -1 to 1, and its sample rate in Hz.

    Raises:
        InvalidInput: it has several channels, or is not uncompressed PCM of 8 to 32 bits.
    """
    _check_file(path)
    try:
        with wave.open(str(path), "rb") as sound:
            channels, width, rate = sound.getnchannels(), sound.getsampwidth(), sound.getframerate()
            # The header's count of frames may be anything: read what there is.
            data = sound.readframes(min(sound.getnframes(), path.stat().st_size))
    except (wave.Error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise InvalidInput(
            f"not a PCM .wav file: {error}", path, "convert it: ffmpeg -i IN -c:a pcm_s16le OUT.wav"
        ) from None
    if width not in (1, 2, 3, 4):
        raise InvalidInput(f"{8 * width} bits per sample; 8 to 32 are read", path)
    if channels != 1:
        raise InvalidInput(
            f"{channels} channels; one is read", path, "mix them: ffmpeg -i IN -ac 1 OUT.wav"
        )
    return _pcm(data[: len(data) // width * width], width), rate


def _pcm(data: bytes, width: int) -> NDArray[np.float32]:
    """Samples of 1 to 4 bytes as float32 from -1 to 1; those of one byte are unsigned."""
    if width == 1:
        whole = np.frombuffer(data, np.uint8).astype(np.int32) - 128
    elif width == 3:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        whole = padded.view("<i4").ravel() >> 8
    else:
        whole = np.frombuffer(data, f"<i{width}").astype(np.int32)
    return (whole / np.float64(1 << (8 * width - 1))).astype(np.float32)


def _read_raw(path: Path, dtype: str | np.dtype[Any] | None, shape: Sequence[int] | None) -> Array:
    """Raw little-endian numbers; the file is exactly as long as dtype and shape say."""
    if dtype is None:
        raise InvalidInput(
            "raw bytes do not say what they are", path, "give dtype and shape, or use .npy"
        )
    try:
        kind = np.dtype(dtype).newbyteorder("<")
    except TypeError:
        raise InvalidInput(f"no dtype {dtype!r}", path, "name one as NumPy does: int8") from None
    data = path.read_bytes()
    if kind.hasobject or kind.itemsize == 0 or len(data) % kind.itemsize:
        raise InvalidInput(f"{len(data)} bytes are no whole number of {kind}", path)
    flat = np.frombuffer(data, kind)
    try:
        return flat if shape is None else flat.reshape(tuple(shape))
    except ValueError:
        raise InvalidInput(
            f"{flat.size} numbers of {kind} do not fill shape {tuple(shape or ())}", path
        ) from None
