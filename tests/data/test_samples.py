import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgewright.data import samples
from edgewright.errors import EdgewrightError, InvalidInput
from tests.importers.mutations import mutated


def wav(path: Path, width: int, frames: bytes, channels: int = 1, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(frames)
    return path


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        np.float64(3.5),
        np.zeros((0, 3), np.uint8),
        np.array([True, False]),
    ],
)
def test_npy(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(npy(np.asarray(array)))
    found = samples.read(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype


def test_npy_objects_are_not_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([{}], object), allow_pickle=True)
    with pytest.raises(InvalidInput, match="Python objects"):
        samples.read(path)


def test_npy_whose_header_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    data = npy(np.zeros((10, 10), np.float32))
    path.write_bytes(data.replace(b"(10, 10)", b"(10, 99)"))
    with pytest.raises(InvalidInput, match=r"takes 3960 bytes, the file has 400"):
        samples.read(path)
    path.write_bytes(data[:-1])
    with pytest.raises(InvalidInput, match="the file has 399"):
        samples.read(path)
    path.write_bytes(b"not numpy")
    with pytest.raises(InvalidInput, match=r"not a .npy file"):
        samples.read(path)


def test_npz(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=np.arange(6).reshape(3, 2), labels=np.arange(3))
    np.testing.assert_array_equal(samples.read(path, member="labels"), [0, 1, 2])
    np.testing.assert_array_equal(samples.read_item(path, "images", 1), [2, 3])
    assert samples.npz_shapes(path) == {"images": (3, 2), "labels": (3,)}
    with pytest.raises(InvalidInput, match=r"which array\?"):
        samples.read(path)
    with pytest.raises(InvalidInput, match="no array 'x'"):
        samples.read(path, member="x")
    np.savez(path, only=np.ones(2))
    np.testing.assert_array_equal(samples.read(path), [1, 1])


def test_a_changed_npz_is_read_again(tmp_path: Path) -> None:
    import os

    path = tmp_path / "a.npz"
    np.savez(path, images=np.zeros(3))
    assert samples.read_item(path, "images", 0) == 0
    np.savez(path, images=np.ones(3))
    os.utime(path, ns=(1, 1))
    assert samples.read_item(path, "images", 0) == 1


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".jpg"])
def test_images(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    pixels = np.zeros((8, 4, 3), np.uint8)
    pixels[:, :, 0] = 200
    Image.fromarray(pixels).save(path)
    found = samples.read(path)
    assert found.shape == (8, 4, 3)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, pixels, atol=4)
    assert samples.read(path, gray=True).shape == (8, 4, 1)


def test_images_of_other_modes_become_rgb(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGBA", (2, 2), (10, 20, 30, 128)).save(path)
    np.testing.assert_array_equal(samples.read(path)[0, 0], [10, 20, 30])
    Image.new("L", (2, 2), 7).save(path)
    np.testing.assert_array_equal(samples.read(path)[0, 0], [7, 7, 7])


def test_a_huge_image_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (20, 10)).save(path)
    monkeypatch.setattr(samples, "MAX_PIXELS", 199)
    with pytest.raises(InvalidInput, match="20 x 10 pixels are more than 199"):
        samples.read(path)


def test_a_huge_header_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    header = b"BM" + struct.pack("<IHHI", 54, 0, 0, 54)
    header += struct.pack("<IiiHHIIiiII", 40, 20_000, 20_000, 1, 24, 0, 0, 0, 0, 0, 0)
    path.write_bytes(header)
    with pytest.raises(InvalidInput):
        samples.read(path)


@pytest.mark.parametrize(
    ("width", "frames", "expected"),
    [
        (1, bytes([0, 128, 255]), [-1, 0, 127 / 128]),
        (2, struct.pack("<3h", -32768, 0, 16384), [-1, 0, 0.5]),
        (3, b"\x00\x00\x80" + b"\x00\x00\x00" + b"\x00\x00\x40", [-1, 0, 0.5]),
        (4, struct.pack("<3i", -(2**31), 0, 2**30), [-1, 0, 0.5]),
    ],
)
def test_sounds(tmp_path: Path, width: int, frames: bytes, expected: list[float]) -> None:
    path = wav(tmp_path / "a.wav", width, frames)
    np.testing.assert_array_equal(samples.read(path), np.array(expected, np.float32))
    assert samples.read_wav(path)[1] == 16_000


def test_sounds_that_are_not_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="2 channels") as caught:
        samples.read(wav(tmp_path / "a.wav", 2, bytes(8), channels=2))
    assert "-ac 1" in str(caught.value.help)
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(InvalidInput, match=r"not a PCM .wav"):
        samples.read(tmp_path / "b.wav")


def test_raw_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes([1, 0, 2, 0, 3, 0, 255, 255]))
    np.testing.assert_array_equal(samples.read(path, dtype="int16"), [1, 2, 3, -1])
    assert samples.read(path, dtype="uint8", shape=(2, -1)).shape == (2, 4)
    for arguments, what in (
        ({}, "do not say what they are"),
        ({"dtype": "int128"}, "no dtype 'int128'"),
        ({"dtype": "object"}, "no whole number"),
        ({"dtype": "int8", "shape": (3, 3)}, "do not fill shape"),
    ):
        with pytest.raises(InvalidInput, match=what):
            samples.read(path, **arguments)
    path.write_bytes(b"123")
    with pytest.raises(InvalidInput, match="3 bytes are no whole number of int16"):
        samples.read(path, dtype="int16")


def test_what_is_no_sample(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        samples.read(tmp_path / "a.npy")
    with pytest.raises(InvalidInput, match="directory"):
        samples.read(tmp_path)
    (tmp_path / "a.tiff").write_bytes(b"II")
    with pytest.raises(InvalidInput, match=r"kind .tiff are not read") as caught:
        samples.read(tmp_path / "a.tiff")
    assert ".npy" in str(caught.value.help)


def stored(folder: Path) -> dict[str, bytes]:
    """One sound file of each kind, by suffix."""
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    files = {".npy": npy(np.zeros((4, 4), np.float32))}
    for suffix in (".png", ".jpg", ".bmp"):
        Image.fromarray(pixels).save(folder / f"a{suffix}")
        files[suffix] = (folder / f"a{suffix}").read_bytes()
    files[".wav"] = wav(folder / "a.wav", 2, bytes(64)).read_bytes()
    np.savez_compressed(folder / "a.npz", a=np.arange(9))
    files[".npz"] = (folder / "a.npz").read_bytes()
    return files


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".png", ".jpg", ".bmp", ".wav"])
def test_damaged_files_are_errors(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mutated{suffix}"
    refused = 0
    for data in mutated([stored(tmp_path)[suffix]], 150, seed=5):
        path.write_bytes(data)
        try:
            samples.read(path)
        except EdgewrightError:
            refused += 1
    assert refused > 5
