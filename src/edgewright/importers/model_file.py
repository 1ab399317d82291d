"""The bytes of a model file, read with bounds, and what is often found in its place."""

from pathlib import Path
from typing import Final

from edgewright.errors import InvalidModel

MAX_FILE_BYTES: Final = 2**31 - 1  # FlatBuffers and protobuf both count in signed 32 bits


def load_bytes(path: Path) -> bytes:
    """The bytes of a model file of at most 2 GiB.

    Raises:
        InvalidModel: it is missing, not a file, unreadable, empty, too large or a Git LFS pointer.
    """
    try:
        if (path / "manifest.json").is_file():
            raise InvalidModel("this is a package that was built, not a model file", path,
                               "name the model that it was built from")  # fmt: skip
        if path.is_dir():
            raise InvalidModel("this is a directory, not a model file", path, "name the file in it")
        if path.exists() and not path.is_file():
            raise InvalidModel("this is not a regular file", path, "name a model file")
        if (size := path.stat().st_size) > MAX_FILE_BYTES:
            raise InvalidModel(
                f"the file has {size} bytes; a model file holds at most {MAX_FILE_BYTES}", path
            )
        data = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidModel(f"cannot read the file: {reason}", path, "check the path") from None
    check_content(data, path.name)
    return data


def check_content(data: bytes, file: str) -> None:
    """Recognise what is often found in place of a model.

    Raises:
        InvalidModel: the file is empty or a Git LFS pointer.
    """
    if not data:
        raise InvalidModel("the file is empty", file, "export or download the model again")
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        raise InvalidModel(
            "the file is a Git LFS pointer: a note that names the model, not the model",
            file,
            "run `git lfs pull` where the file was cloned",
        )
