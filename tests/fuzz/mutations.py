"""Mutations of bytes, after radamsa: bits, bytes, numbers, and parts that are moved, doubled, dropped or borrowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_MOST_MUTATIONS = 8


def mutated(body: bytes, others: Sequence[bytes], chance: Random) -> bytes:
    """Returns the body after one to eight mutations, half of them in its first 512 bytes, where headers are."""
    result = bytearray(body)
    for _ in range(chance.randint(1, _MOST_MUTATIONS)):
        reach = min(512, len(result)) if chance.random() < 0.5 else len(result)
        chance.choice(_MUTATIONS)(result, chance.randrange(max(1, reach)), others, chance)
    return bytes(result)


def _flip_bit(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    if data:
        data[at] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    part = chance.randbytes(chance.choice((1, 4, 64)))
    data[at : at + len(part)] = part


def _write_number(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    size = chance.choice((1, 2, 4, 8))
    number = chance.choice(_NUMBERS) & ((1 << 8 * size) - 1)
    data[at : at + size] = number.to_bytes(size, "little" if chance.random() < 0.5 else "big")


def _drop(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    del data[at : at + chance.choice((1, 4, 100, 5_000))]


def _double(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    part = data[at : at + chance.choice((1, 4, 100, 5_000))]
    data[at:at] = part * chance.choice((1, 2, 30))


def _move(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    to = chance.randrange(max(1, len(data)))
    part = data[at : at + 400]
    data[to : to + len(part)] = part


def _cut(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    del data[chance.randrange(max(1, len(data))) :]


def _borrow(data: bytearray, at: int, others: Sequence[bytes], chance: Random) -> None:
    other = chance.choice(others)
    start = chance.randrange(len(other))
    data[at:at] = other[start : start + chance.choice((16, 1_000, 20_000))]


_MUTATIONS: tuple[Callable[[bytearray, int, Sequence[bytes], Random], None], ...] = (
    _flip_bit,
    _overwrite,
    _write_number,
    _drop,
    _double,
    _move,
    _cut,
    _borrow,
)
