"""The 18 raw sample formats, and mu-law -> float32.

Every format is read as words of 16 or 32 bits, and integers are scaled by their full scale:

* ``s`` two's complement, full scale 2^(bits - 1); ``u`` offset binary, that is ``s`` with the top bit flipped;
* 24-bit samples are packed in three bytes, and are the upper three bytes of the 32-bit sample of the same kind;
* ``f16`` is IEEE 754 binary16, ``f32`` binary32. ``f24`` is no standard format; here it is the upper three bytes of a
  binary32 (1 sign, 8 exponent, 15 fraction bits), as OpenEXR's PXR24 compression stores it.

Mu-law is the 8-bit code of ITU-T G.711, scaled as its 16-bit samples are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from handler.arrays import Floats
from handler.media import MU_LAW, SampleFormat


def unpack(data: memoryview | bytes | bytearray, sample_format: SampleFormat) -> Floats:
    """Unpacks PCM samples.

    Args:
        data: Whole samples; its length is a multiple of `sample_format.size_bytes`.
        sample_format: How they are stored.

    Returns:
        float32 of shape (samples,). Integers are scaled to [-1, 1); floats are as they are, non-finite ones included.
    """
    if sample_format == MU_LAW:
        return _MU_LAW_SAMPLES[np.frombuffer(data, np.uint8)]
    order = "<" if sample_format.byte_order == "le" else ">"
    if sample_format.bits == 24:
        words = _widened(np.frombuffer(data, np.uint8).reshape(-1, 3), sample_format.byte_order)
    else:
        words = np.frombuffer(data, f"{order}u{sample_format.size_bytes}")
    if sample_format.kind == "f":
        return words.view(f"{order}f{words.itemsize}").astype(np.float32)
    if sample_format.kind == "u":
        words = words ^ words.dtype.type(1 << (8 * words.itemsize - 1))
    full_scale = np.float32(2.0 ** (8 * words.itemsize - 1))
    signed: Floats = words.view(words.dtype.str.replace("u", "i")).astype(np.float32)
    signed /= full_scale
    return signed


def _mu_law_samples() -> Floats:
    """The sample of each of the 256 codes: all bits inverted, 1 sign, 3 exponent, 4 mantissa bits; biased by 33."""
    codes = ~np.arange(256, dtype=np.uint8)
    exponents, mantissas = (codes >> 4 & 7).astype(np.int32), (codes & 15).astype(np.int32)
    magnitudes = ((2 * mantissas + 33) << exponents) - 33
    # 14-bit magnitudes, of which the 16-bit sample has two bits more.
    return (np.where(codes & 0x80, -magnitudes, magnitudes) / 2**13).astype(np.float32)


_MU_LAW_SAMPLES = _mu_law_samples()


def _widened(samples: npt.NDArray[np.uint8], byte_order: str) -> npt.NDArray[np.unsignedinteger]:
    """Puts (n, 3) bytes into the upper three bytes of n 32-bit words of the same byte order."""
    words = np.zeros((len(samples), 4), np.uint8)
    if byte_order == "le":
        words[:, 1:] = samples
    else:
        words[:, :3] = samples
    return words.reshape(-1).view("<u4" if byte_order == "le" else ">u4")


def unpacked_blocks(
    body: memoryview, sample_format: SampleFormat, *, num_channels: int, block_frames: int
) -> Iterator[Floats]:
    """Yields the frames of a raw PCM body, block by block, without copying the body.

    Args:
        body: The PCM bytes; a trailing partial frame is ignored.
        sample_format: How one sample is stored.
        num_channels: Interleaved channels.
        block_frames: Frames of every block but the last.

    Yields:
        float32 of shape (channels, frames), contiguous.
    """
    frame_size_bytes = sample_format.size_bytes * num_channels
    num_frames = len(body) // frame_size_bytes
    for start in range(0, num_frames, block_frames):
        stop = min(start + block_frames, num_frames)
        samples = unpack(body[start * frame_size_bytes : stop * frame_size_bytes], sample_format)
        yield np.ascontiguousarray(samples.reshape(-1, num_channels).T)
