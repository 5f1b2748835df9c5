"""What the head of a WAV file says, and whether it can be relied on."""

from __future__ import annotations

import struct
from typing import NamedTuple

import torch
from torchcodec.decoders import WavDecoder

# What the format chunk holds: tag, channels, rate, bytes per second, bytes per frame, bits.
_FORMAT = struct.Struct("<HHIIHH")
_INTEGERS, _FLOATS, _A_LAW, _MU_LAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
# Behind that in an extensible one: size, valid bits, channel mask, and a name that begins with the tag meant.
_EXTENSION = struct.Struct("<HHIH14s")
_NAME_END = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")
_BITS = (8, 16, 24, 32, 64)
# Where the format stands behind its chunk's name: in RIFF and RF64, and in Wave64.
_FORMAT_OFFSET_BYTES = {b"RIFF": 8, b"RF64": 8, b"riff": 24}
_HEAD_BYTES = 1 << 16
# Of chunks that are no samples. FFmpeg goes on where another chunk of samples follows.
_MAX_OTHER_BYTES = 1 << 20
_SAMPLES_CHUNK = b"data"
# FFmpeg looks behind 16-bit samples for DTS and IEC 61937, which begin with these.
_HIDDEN_CODECS = tuple(
    map(bytes.fromhex, ("7ffe8001", "fe7f0180", "1fffe800", "ff1f00e8", "72f81f4e", "f8724e1f", "64582025", "58642520"))
)


class Format(NamedTuple):
    """How samples are stored.

    Attributes:
        tag: 1 for whole numbers, 3 for floats, 6 and 7 for A-law and mu-law.
        bits: Of one sample.
        frame_bytes: Size of one sample of all channels.
    """

    tag: int
    bits: int
    frame_bytes: int


def read_format(source: torch.Tensor) -> Format | None:
    """Reads the format of uncompressed samples; None where it is another, or contradicts itself.

    Args:
        source: The file, uint8.
    """
    head = source[:_HEAD_BYTES].numpy().tobytes()
    start = head.find(b"fmt ") + _FORMAT_OFFSET_BYTES.get(head[:4], len(head))
    if len(head) < start + _FORMAT.size + _EXTENSION.size:
        return None
    tag, num_channels, rate, byte_rate, frame_bytes, bits = _FORMAT.unpack_from(head, start)
    if tag == _EXTENSIBLE:
        _, valid_bits, _, tag, name_end = _EXTENSION.unpack_from(head, start + _FORMAT.size)
        tag = tag if valid_bits == bits and name_end == _NAME_END else _EXTENSIBLE
    agrees = bits in _BITS and frame_bytes == num_channels * bits // 8 and byte_rate == rate * frame_bytes
    return Format(tag, bits, frame_bytes) if agrees and tag in (_INTEGERS, _FLOATS, _A_LAW, _MU_LAW) else None


def is_plain(source: torch.Tensor, sample_format: Format) -> bool:
    """Whether torchcodec's WavDecoder, which opens a file a hundred times as fast, reads it as FFmpeg does.

    Version 0.17 takes 32-bit floats for whole numbers, and does not know RF64 and Wave64.

    Args:
        source: The file, uint8.
        sample_format: Its format.
    """
    head = source[:_HEAD_BYTES].numpy().tobytes()
    if not head.startswith(b"RIFF") or sample_format.tag != _INTEGERS or any(mark in head for mark in _HIDDEN_CODECS):
        return False
    try:
        claimed = WavDecoder(source).metadata
        num_frames = round((claimed.duration_seconds_from_header or 0) * (claimed.sample_rate or 0))
    except (RuntimeError, ValueError, ArithmeticError):
        return False
    size_bytes = num_frames * sample_format.frame_bytes
    if not 0 < size_bytes < len(source) <= size_bytes + _MAX_OTHER_BYTES:
        return False
    # All that stands behind the samples, and some of those.
    return _SAMPLES_CHUNK not in source[size_bytes:].numpy().tobytes()
