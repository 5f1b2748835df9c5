"""What a body can be: an encoded container, or raw PCM of a stated shape."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from handler.errors import BadRequestError

MIN_SAMPLE_RATE, MAX_SAMPLE_RATE = 1_000, 384_000
MIN_CHANNELS, MAX_CHANNELS = 1, 64


def check_sample_rate(sample_rate: int) -> None:
    """Refuses rates that only a lying header has: a few bytes at 1 Hz would unfold into hours.

    Raises:
        BadRequestError: It is out of range.
    """
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise BadRequestError(
            f"the audio claims a sample rate of {sample_rate} Hz; "
            f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz can be decoded"
        )


@dataclass(frozen=True)
class SampleFormat:
    """How one PCM sample is stored.

    Attributes:
        kind: "s" signed integer, "u" unsigned integer (offset binary), "f" floating point; or "mulaw".
        bits: 16, 24 or 32; 8 for mu-law.
        byte_order: "le" or "be"; "" for mu-law.
    """

    kind: str
    bits: int
    byte_order: str

    @property
    def name(self) -> str:
        """The name on the wire, such as ``s16le``."""
        return f"{self.kind}{self.bits}{self.byte_order}"

    @property
    def size_bytes(self) -> int:
        """Bytes of one sample."""
        return self.bits // 8


SAMPLE_FORMATS = {
    sample_format.name: sample_format
    for sample_format in (SampleFormat(*parts) for parts in product("suf", (16, 24, 32), ("le", "be")))
}

# ITU-T G.711.
MU_LAW = SampleFormat("mulaw", 8, "")


@dataclass(frozen=True)
class EncodedAudio:
    """A container such as MP3, WAV or Ogg. Its bytes say which one."""


@dataclass(frozen=True)
class RawPcm:
    """Interleaved PCM samples without a header.

    Attributes:
        sample_rate: In Hz, 1,000 to 384,000.
        sample_format: How one sample is stored.
        num_channels: 1 to 64.
    """

    sample_rate: int
    sample_format: SampleFormat
    num_channels: int = 1


Media = EncodedAudio | RawPcm

# The first bytes of containers.
_MAGICS = {
    b"RIFF": "WAV",
    b"RF64": "WAV",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"\x1a\x45\xdf\xa3": "WebM",
    b"FORM": "AIFF",
    b"caff": "CAF",
    b".snd": "AU",
}


def looks_like(body: memoryview) -> str | None:
    """Returns the name of the container whose magic number a body begins with, or None."""
    head = bytes(body[:8])
    if head[4:] == b"ftyp":
        return "MP4"
    return next((name for magic, name in _MAGICS.items() if head.startswith(magic)), None)
