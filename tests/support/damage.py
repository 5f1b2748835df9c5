"""Ways to damage a sound file, each with the cases that it makes of one."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from tests.support import audio

# Containers with the encodings that stand for them.
CONTAINERS = {
    "WAV": ("wav", "rf64"),
    "Wave64": ("w64",),
    "FLAC": ("flac",),
    "MP3": ("mp3", "mp3_vbr"),
    "Ogg": ("vorbis", "opus"),
    "WebM": ("webm",),
    "ADTS": ("aac",),
    "MP4": ("m4a", "mp4_mov"),
    "AIFF": ("aiff_16",),
    "AU": ("au_16",),
    "CAF": ("caf_alac",),
    "WMA": ("wma_2",),
    "FLV": ("flv_mp3",),
    "AC-3": ("ac-3",),
    "MPEG transport stream": ("mpeg_aac",),
}
ENCODINGS = [encoding for encodings in CONTAINERS.values() for encoding in encodings]
SECONDS = 2.0
_COMMANDS = {name: command for name, command in (audio.ENCODINGS | audio.RARE_ENCODINGS).items() if name in ENCODINGS}

_CUTS = (0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 0.99)
_FLIP_RATES = (1e-4, 1e-3, 1e-2, 1e-1)
_HOLES = ((0.5, 0.01), (0.5, 0.1), (0.25, 0.5), (0.0, 0.05), (0.9, 0.1))
_LIES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x01\0\0\0")
# What counts and lengths stand behind, in one container or another.
_NAMES = (
    b"fmt ", b"data", b"ds64", b"COMM", b"SSND", b"desc", b"pakt", b"kuki", b"mdhd", b"mvhd", b"stsd", b"stsz",
    b"stsc", b"stts", b"stco", b"mdat", b"OpusHead", b"\x01vorbis", b"Xing", b"Info",
    b"\x1f\x43\xb6\x75", b"\x16\x54\xae\x6b", b"\xa3", b"onMetaData", b"\xa1\xdc\xab\x8c", b"fLaC",
)  # fmt: skip
_WRONG_TYPES = ("audio/mp3", "audio/wav", "audio/ogg", "video/webm", "application/octet-stream", "audio/x-anything")
_TYPES_OF_RAW_SAMPLES = ("audio/x-raw; rate=16000; format=s16le", "audio/L16; rate=44100", "audio/basic")


@dataclass(frozen=True)
class Case:
    """A request with a damaged file.

    Attributes:
        name: What is wrong with it.
        body: The bytes.
        content_type: The type that it is sent with.
    """

    name: str
    body: bytes
    content_type: str = "application/octet-stream"


@cache
def clips(seconds: float = SECONDS, num_channels: int = 1, sample_rate: int = 44_100) -> dict[str, bytes]:
    """A sound in every encoding."""
    samples = audio.lively(max(seconds, SECONDS), num_channels=num_channels, sample_rate=sample_rate)
    return audio.encode_many(samples[: round(seconds * sample_rate)], sample_rate, _COMMANDS)


def with_hole(body: bytes, start: float, share: float) -> bytes:
    """Overwrites a share of the body with zeros, from a share of it on."""
    first, size = int(len(body) * start), int(len(body) * share)
    return body[:first] + bytes(len(body[first : first + size])) + body[first + size :]


def _cut(encoding: str) -> Iterator[Case]:
    body = clips()[encoding]
    for share in _CUTS:
        yield Case(f"cut at {share}", body[: int(len(body) * share)])


def _flipped(encoding: str) -> Iterator[Case]:
    for rate in _FLIP_RATES:
        for seed in range(2):
            chance, body = random.Random(seed), bytearray(clips()[encoding])
            for _ in range(max(1, int(rate * len(body)))):
                body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
            yield Case(f"bits flipped in {rate} of its bytes, {seed}", bytes(body))


def _holes(encoding: str) -> Iterator[Case]:
    for start, share in _HOLES:
        yield Case(f"zeros in {share} from {start} on", with_hole(clips()[encoding], start, share))


def _junk(encoding: str) -> Iterator[Case]:
    body, chance = clips()[encoding], random.Random(0)
    for size in (1, 100, 5_000, 100_000):
        junk = chance.randbytes(size)
        yield Case(f"{size} bytes of junk before", junk + body)
        yield Case(f"{size} bytes of junk behind", body + junk)
        yield Case(f"{size} bytes of junk around", junk + body + junk)


def _lies(encoding: str) -> Iterator[Case]:
    body = clips()[encoding]
    places = set(range(4, min(len(body) - 4, 64), 4))
    for name in _NAMES:
        at = body.find(name)
        places |= {at + len(name) + behind for behind in (0, 4, 8, 12)} if at >= 0 else set()
    for number, place in enumerate(sorted(places)):
        for lie in (_LIES[number % 4], _LIES[(number + 1) % 4]):
            yield Case(f"{lie.hex()} at byte {place}", body[:place] + lie + body[place + 4 :])


def _wrong_types(encoding: str) -> Iterator[Case]:
    for content_type in (*_WRONG_TYPES, *_TYPES_OF_RAW_SAMPLES):
        yield Case(f"sent as {content_type}", clips()[encoding], content_type)


def _empty(encoding: str) -> Iterator[Case]:
    body = clips()[encoding]
    yield Case("nothing", b"")
    yield Case("a stream without a sample", clips(seconds=0.0)[encoding])
    for size in (4, 12, 32, 100, 400):
        yield Case(f"its first {size} bytes", body[:size])
        yield Case(f"its first {size} bytes, then zeros", body[:size] + bytes(10_000))


def _chained(encoding: str) -> Iterator[Case]:
    body = clips()[encoding]
    yield Case("twice", body * 2)
    for other in ("wav", "mp3", "vorbis", "m4a"):
        yield Case(f"then {other}", body + clips()[other])
        yield Case(f"behind {other}", clips()[other] + body)


def _changing(encoding: str) -> Iterator[Case]:
    for num_channels, sample_rate in ((2, 44_100), (1, 22_050), (2, 22_050)):
        other, name = clips(SECONDS, num_channels, sample_rate)[encoding], f"{num_channels} channels, {sample_rate} Hz"
        yield Case(f"goes on with {name}", clips()[encoding] + other)
        yield Case(f"begins with {name}", other + clips()[encoding])


KINDS: dict[str, Callable[[str], Iterator[Case]]] = {
    "cut": _cut,
    "flipped": _flipped,
    "holes": _holes,
    "junk": _junk,
    "lies": _lies,
    "wrong types": _wrong_types,
    "empty": _empty,
    "chained": _chained,
    "changing": _changing,
}
