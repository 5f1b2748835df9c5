"""MPEG audio frames (ISO/IEC 11172-3, 13818-3, and MPEG-2.5), read from their headers alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import torch

HEADER_BYTES = 4
_SYNC = 0xFF
_MONO_MODE = 0xC0

# ISO/IEC 11172-3 and 13818-3, tables of bit rates in kb/s, by (is MPEG-1, layer); index 0 is "free", 15 is forbidden.
_BIT_RATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG1_SAMPLE_RATES = (44_100, 48_000, 32_000)
# Bytes of layer III side information, by (is MPEG-1, is mono).
_SIDE_INFO_BYTES = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}


@dataclass(frozen=True)
class FrameHeader:
    """One frame's header.

    Attributes:
        kind: The second byte without its protection bit: version and layer, which do not change within a stream.
        layer: 1 to 3.
        is_mpeg1: Whether it is MPEG-1, and not MPEG-2 or 2.5.
        sample_rate: In Hz.
        num_channels: 1 or 2.
        size_bytes: The whole frame's size.
    """

    kind: int
    layer: int
    is_mpeg1: bool
    sample_rate: int
    num_channels: int
    size_bytes: int

    @property
    def num_samples(self) -> int:
        """Samples that the frame holds, per channel."""
        if self.layer == 1:
            return 384
        return 576 if self.layer == 3 and not self.is_mpeg1 else 1152

    @property
    def side_info_bytes(self) -> int:
        """Size of what stands between a layer III frame's header and its main data."""
        return _SIDE_INFO_BYTES[self.is_mpeg1, self.num_channels == 1]


def parse_header(header: bytes) -> FrameHeader | None:
    """Reads a frame header.

    Args:
        header: The first 4 bytes of a frame, or more.

    Returns:
        What they say, or None where they are no header, or one of a free bit rate, which does not tell the size.
    """
    if len(header) < HEADER_BYTES or header[0] != _SYNC or header[1] & 0xE0 != 0xE0:
        return None
    version_bits, layer_bits = header[1] >> 3 & 3, header[1] >> 1 & 3
    bit_rate_index, sample_rate_index = header[2] >> 4, header[2] >> 2 & 3
    if version_bits == 1 or layer_bits == 0 or bit_rate_index in (0, 15) or sample_rate_index == 3:
        return None
    layer, is_mpeg1 = 4 - layer_bits, version_bits == 3
    # MPEG-2 halves the sample rates of MPEG-1, MPEG-2.5 halves them once more.
    sample_rate = _MPEG1_SAMPLE_RATES[sample_rate_index] >> {3: 0, 2: 1, 0: 2}[version_bits]
    bit_rate, padding = 1000 * _BIT_RATES[is_mpeg1, layer][bit_rate_index], header[2] >> 1 & 1
    if layer == 1:
        size_bytes = (12 * bit_rate // sample_rate + padding) * 4
    else:
        frame_bits = 576 if layer == 3 and not is_mpeg1 else 1152
        size_bytes = frame_bits // 8 * bit_rate // sample_rate + padding
    num_channels = 1 if header[3] & _MONO_MODE == _MONO_MODE else 2
    return FrameHeader(header[1] & 0xFE, layer, is_mpeg1, sample_rate, num_channels, size_bytes)


def is_free_format(stream: bytes) -> bool:
    """Returns whether layer III frames of a free bit rate begin a stream: only their distance tells their size.

    Args:
        stream: A few thousand bytes of its beginning.
    """
    start = stream[:HEADER_BYTES]
    if len(start) < HEADER_BYTES or start[0] != _SYNC or start[1] & 0xE6 != 0xE2 or start[2] & 0xF0:
        return False
    # The padding bit is the only one of the third byte that changes between frames.
    alike = re.compile(b"\xff%c[%c%c]" % (start[1], start[2] & ~2, start[2] | 2), re.DOTALL)
    distances = [match.start() for match in alike.finditer(stream)]
    return any(2 * distance + 1 in distances or 2 * distance in distances for distance in distances[1:])


class FrameChain:
    """Frames of one kind, sample rate and number of channels that follow each other without a gap.

    Args:
        body: What they stand in.
        first: Header of the first frame.
    """

    def __init__(self, body: memoryview, first: FrameHeader) -> None:
        self.first = first
        self._body = body
        self._kind = first.kind | 1
        self._sizes_bytes = _sizes_within(first.kind, first.sample_rate)

    def offsets(self, start_bytes: int, max_frames: int) -> list[int]:
        """Returns where up to `max_frames` whole frames from `start_bytes` on stand, and last where they end."""
        body, kind, sizes_bytes = self._body, self._kind, self._sizes_bytes
        is_mono, last_bytes = self.first.num_channels == 1, len(self._body) - HEADER_BYTES
        offsets = [start_bytes]
        for _ in range(max_frames):
            # A few times 100,000 frames an hour: this loop is why the headers are not parsed one by one.
            if start_bytes > last_bytes or body[start_bytes] != _SYNC or body[start_bytes + 1] | 1 != kind:
                break
            size_bytes = sizes_bytes[body[start_bytes + 2]]
            start_bytes += size_bytes
            if not size_bytes or start_bytes > len(body):
                break
            if (body[start_bytes - size_bytes + 3] >= _MONO_MODE) != is_mono:
                break
            offsets.append(start_bytes)
        return offsets


@cache
def _sizes_within(kind: int, sample_rate: int) -> list[int]:
    """Sizes in bytes of the frames of such a stream, by their third byte; 0 where that is none of such a frame."""
    headers = [parse_header(bytes([_SYNC, kind | 1, third_byte, 0])) for third_byte in range(256)]
    return [header.size_bytes if header and header.sample_rate == sample_rate else 0 for header in headers]


# libavformat (mp3dec.c) believes the delays only from these, and adds the decoder's own delay.
_DELAY_WRITERS = (b"LAME", b"Lavf", b"Lavc")
_DECODER_DELAY_SAMPLES = 528 + 1
_HAS_FRAMES, _HAS_SIZE, _HAS_CONTENTS, _HAS_QUALITY = 1, 2, 4, 8
_CONTENTS_BYTES = 100
_DELAYS_OFFSET_BYTES = 21
_VBRI_OFFSET_BYTES = 32


@dataclass(frozen=True)
class StreamTag:
    """What the first frame of a stream may hold instead of sound: Xing's and LAME's Info tag, or Fraunhofer's VBRI.

    Positions are in samples from the first frame that is no tag.

    Attributes:
        fills_frame: Whether the first frame is a tag, which is not decoded.
        start_samples: How many samples to drop at the start: the delay of encoder and decoder.
        padding: Positions to drop at the end, which the encoder filled its last frames with.
    """

    fills_frame: bool = False
    start_samples: int = 0
    padding: range = range(0)

    def num_kept(self, num_samples: int) -> int:
        """How many of the first samples behind the tag are the recording's own."""
        padding = range(min(self.padding.start, num_samples), min(self.padding.stop, num_samples))
        return max(0, num_samples - self.start_samples) - len(padding)

    def without_padding(self, samples: torch.Tensor, position: int) -> torch.Tensor:
        """Drops the padding at the end from samples of shape (..., frames), the first of which is at `position`."""
        num_samples = samples.shape[-1]
        start, stop = (min(max(0, edge - position), num_samples) for edge in (self.padding.start, self.padding.stop))
        if start >= stop:
            return samples
        return torch.cat((samples[..., :start], samples[..., stop:]), dim=-1)


def read_tag(stream: memoryview, first: FrameHeader) -> StreamTag:
    """Reads the tag at the start of a layer III stream as libavformat does.

    Args:
        stream: The whole stream: its size tells whether the tag belongs to a part of it only.
        first: The header at its start.
    """
    head = bytes(stream[HEADER_BYTES : HEADER_BYTES + 256])
    vbri = head[_VBRI_OFFSET_BYTES:]
    if vbri[:6] == b"VBRI\0\1":
        return StreamTag(fills_frame=any(vbri[10:18]))
    info = head[first.side_info_bytes :]
    if info[:4] not in (b"Xing", b"Info"):
        return StreamTag()
    return _read_info(info, first.num_samples, len(stream) - HEADER_BYTES)


def _read_info(info: bytes, frame_samples: int, size_bytes: int) -> StreamTag:
    flags, position, num_frames, claimed_bytes = _integer(info[4:8]), 8, 0, 0
    if flags & _HAS_FRAMES:
        num_frames, position = _integer(info[position : position + 4]), position + 4
    if flags & _HAS_SIZE:
        claimed_bytes, position = _integer(info[position : position + 4]), position + 4
    if claimed_bytes and size_bytes - claimed_bytes > min(size_bytes, claimed_bytes) >> 4:
        num_frames = 0  # other streams follow the one that the tag speaks of
    position += (_CONTENTS_BYTES if flags & _HAS_CONTENTS else 0) + (4 if flags & _HAS_QUALITY else 0)
    fills_frame = bool(num_frames or claimed_bytes)
    if info[position : position + 4] not in _DELAY_WRITERS:
        return StreamTag(fills_frame)
    delays, end = _integer(info[position + _DELAYS_OFFSET_BYTES :][:3]), num_frames * frame_samples
    start_samples, end_samples = (delays >> 12) + _DECODER_DELAY_SAMPLES, (delays & 0xFFF) - _DECODER_DELAY_SAMPLES
    padding = range(max(0, end - end_samples), end) if num_frames else range(0)
    return StreamTag(fills_frame, start_samples, padding)


def _integer(data: bytes) -> int:
    return int.from_bytes(data, "big")
