"""Random damage to the bytes of a file, the same for the same seed."""

import random
from collections.abc import Iterator


def mutated(files: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged copies: flipped bits, cut ends, overwritten words, moved bytes.

    Half of the damage goes to both ends of a file, where formats keep their structure.
    """
    dice = random.Random(seed)
    for _ in range(count):
        data = bytearray(dice.choice(files))
        for _ in range(dice.choice([1, 1, 2, 8])):
            if data:
                _damage(data, dice)
        yield bytes(data)


def _damage(data: bytearray, dice: random.Random) -> None:
    at = dice.choice(
        [
            dice.randrange(len(data)),
            dice.randrange(min(len(data), 2_000)),
            len(data) - 1 - dice.randrange(min(len(data), 20_000)),
        ]
    )
    match dice.choice(["flip", "flip", "flip", "word", "word", "word", "word", "splice", "cut"]):
        case "flip":
            data[at] ^= 1 << dice.randrange(8)
        case "cut":
            del data[at:]
        case "word":
            at &= ~3
            numbers = [dice.randrange(64), 2**32 - 1, 2**31 - 1, len(data) - at]
            words = [dice.randbytes(4), *(number.to_bytes(4, "little") for number in numbers)]
            data[at : at + 4] = dice.choice(words)
        case "splice":
            data[at : at + dice.randrange(16)] = dice.randbytes(8)
