"""What the head of a WAV file says, and whether it can be relied on."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torchcodec.decoders import WavDecoder

from handler.errors import BadRequestError
from handler.media import RawPcm, SampleFormat
from handler.memory import forget_pages

# What the format chunk holds: tag, channels, rate, bytes per second, bytes per frame, bits.
_FORMAT, _FORMAT_BYTES = "HHIIHH", 16
_INTEGERS, _FLOATS, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
# Behind that in an extensible one: size, valid bits, channel mask, and a name that begins with the tag meant.
_EXTENSION, _EXTENSION_BYTES = "HHIH14s", 24
_NAME_END = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")
_BITS = (8, 16, 24, 32, 64)
# FFmpeg's decoders take no more (FF_SANE_NB_CHANNELS).
_MAX_CHANNELS = 512
# Each chunk: name and size. Wave64 has names of 16 bytes, counts them into the size, and pads chunks to 8 bytes.
_CHUNK, _WAVE64_CHUNK = "4sI", "4s12xQ"
_CHUNKS_BEGIN, _WAVE64_CHUNKS_BEGIN = 12, 40
_MAX_CHUNKS = 1_000
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_HEAD_BYTES = 1 << 16
# A list of texts. FFmpeg finds it anywhere, also behind any number of other chunks.
_TEXTS = re.compile(rb"LIST(.{4})INFO", re.DOTALL)
# Of chunks that are no samples. FFmpeg goes on where another chunk of samples follows.
_MAX_OTHER_BYTES = 1 << 20
# FFmpeg looks behind 16-bit samples for DTS and IEC 61937, which begin with these.
_HIDDEN_CODECS = tuple(
    map(bytes.fromhex, ("7ffe8001", "fe7f0180", "1fffe800", "ff1f00e8", "72f81f4e", "f8724e1f", "64582025", "58642520"))
)


@dataclass(frozen=True)
class Format:
    """How samples are stored.

    Attributes:
        tag: 1 for whole numbers, 3 for floats, 6 and 7 for A-law and mu-law.
        num_channels: Interleaved channels.
        sample_rate: In Hz.
        byte_rate: Bytes of a second.
        frame_bytes: Size of one sample of all channels.
        bits: Of one sample, as it is stored.
        valid_bits: Of these, counted from the most significant one.
    """

    tag: int
    num_channels: int
    sample_rate: int
    byte_rate: int
    frame_bytes: int
    bits: int
    valid_bits: int

    @property
    def agrees(self) -> bool:
        """Whether the fields fit each other."""
        return (
            self.tag in (_INTEGERS, _FLOATS, _A_LAW, _MU_LAW)
            and self.bits in _BITS
            and 0 < self.num_channels <= _MAX_CHANNELS
            and 0 < self.valid_bits <= self.bits
            and self.frame_bytes == self.num_channels * self.bits // 8
            and self.byte_rate == self.sample_rate * self.frame_bytes
        )

    @property
    def fills_frames(self) -> bool:
        """Whether samples have as many bytes as their valid bits need, which FFmpeg takes for granted."""
        needed_bits = self.valid_bits if self.tag == _FLOATS else -(-self.valid_bits // 8) * 8
        return needed_bits == self.bits


def check(body: memoryview) -> None:
    """Refuses a file whose list of texts claims what the file cannot hold. Call it before FFmpeg opens a file.

    FFmpeg allocates memory for a text by the size that it claims, up to that of its list: 19 KB can take 1.3 GB.

    Raises:
        BadRequestError: A list ends more than a megabyte behind the end of the file.
    """
    for found in _TEXTS.finditer(body):
        (size,) = struct.unpack(">I" if _is_rifx(body) else "<I", found[1])
        num_there = len(body) - found.end(1)
        if size > num_there + _MAX_OTHER_BYTES:
            raise BadRequestError(
                f"the WAV file has a LIST chunk that claims {size} bytes, of which {num_there} are there; "
                "write the file again without it"
            )
    forget_pages(body)  # the search has read all of a mapped file


def is_sound(body: memoryview) -> bool:
    """Returns whether the header tells of uncompressed samples, and does not contradict itself."""
    sample_format = _read_format(body)
    return sample_format is not None and sample_format.agrees and sample_format.valid_bits == sample_format.bits


def is_plain(body: memoryview, source: torch.Tensor) -> bool:
    """Returns whether torchcodec's WavDecoder, which opens a file a hundred times as fast, reads it as FFmpeg does.

    Version 0.17 takes 32-bit floats for whole numbers, and does not know RF64 and Wave64.

    Args:
        body: The file.
        source: The same as a tensor.
    """
    head, sample_format = bytes(body[:_HEAD_BYTES]), _read_format(body)
    if sample_format is None or sample_format.tag != _INTEGERS:
        return False
    if not head.startswith(b"RIFF") or any(mark in head for mark in _HIDDEN_CODECS):
        return False
    try:
        claimed = WavDecoder(source).metadata
        num_frames = round((claimed.duration_seconds_from_header or 0) * (claimed.sample_rate or 0))
    except (RuntimeError, ValueError, ArithmeticError):
        return False
    size_bytes = num_frames * sample_format.frame_bytes
    if not 0 < size_bytes < len(body) <= size_bytes + _MAX_OTHER_BYTES:
        return False
    # All that stands behind the samples, and some of those.
    return b"data" not in bytes(body[size_bytes:])


def read_misread_samples(body: memoryview) -> tuple[memoryview, RawPcm] | None:
    """Finds samples that FFmpeg would take for those of another format; they are raw PCM.

    These are whole samples with fewer valid bits than their bytes have, such as 24 in 32, which have zeros in the lower
    bits (Microsoft's page on WAVEFORMATEXTENSIBLE), and RIFX, in which the most significant byte comes first.

    Returns:
        The samples and their format, or None where FFmpeg reads the file rightly.
    """
    sample_format, byte_order = _read_format(body), "be" if _is_rifx(body) else "le"
    if sample_format is None or not sample_format.agrees:
        return None
    if sample_format.fills_frames and byte_order == "le":
        return None
    kind = {_INTEGERS: "u" if sample_format.bits == 8 else "s", _FLOATS: "f"}.get(sample_format.tag)
    data = next((chunk for name, chunk in _chunks(body) if name == b"data"), None)
    if kind is None or data is None:
        return None
    stored = SampleFormat(kind, sample_format.bits, byte_order)
    return data, RawPcm(sample_format.sample_rate, stored, sample_format.num_channels)


def _read_format(body: memoryview) -> Format | None:
    chunk = next((chunk for name, chunk in _chunks(body) if name == b"fmt "), None)
    if chunk is None or len(chunk) < _FORMAT_BYTES:
        return None
    order = ">" if _is_rifx(body) else "<"
    tag, num_channels, rate, byte_rate, frame_bytes, bits = struct.unpack_from(order + _FORMAT, chunk)
    valid_bits = bits
    if tag == _EXTENSIBLE and len(chunk) >= _FORMAT_BYTES + _EXTENSION_BYTES:
        _, valid_bits, _, named_tag, name_end = struct.unpack_from(order + _EXTENSION, chunk, _FORMAT_BYTES)
        tag = named_tag if name_end == _NAME_END else tag
    return Format(tag, num_channels, rate, byte_rate, frame_bytes, bits, valid_bits or bits)


def _chunks(body: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Names and contents of the chunks, the last one cut where the body ends."""
    is_wave64 = bytes(body[:4]) == b"riff"
    layout, align = (_WAVE64_CHUNK, 8) if is_wave64 else (_CHUNK, 2)
    header = struct.Struct((">" if _is_rifx(body) else "<") + layout)
    position = _WAVE64_CHUNKS_BEGIN if is_wave64 else _CHUNKS_BEGIN
    for _ in range(_MAX_CHUNKS):
        if position + header.size > len(body):
            return
        name, size = header.unpack_from(body, position)
        start = position + header.size
        size = max(0, size - header.size) if is_wave64 else size
        is_rest = name == b"data" and size in _UNKNOWN_SIZES
        yield name, body[start:] if is_rest else body[start : start + size]
        position = start + -(-size // align) * align


def _is_rifx(body: memoryview) -> bool:
    return bytes(body[:4]) == b"RIFX"
