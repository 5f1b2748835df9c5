"""The family of WAVE_FORMAT_EXTENSIBLE and RIFX, against sample values that stand here."""

from __future__ import annotations

import struct

import numpy as np
import psutil
import pytest
import torch

from handler.arrays import Floats
from handler.audio.stream import AudioStream
from handler.errors import BadRequestError
from handler.media import EncodedAudio

RATE = 16_000
PCM = bytes.fromhex("0100 0000 0000 1000 8000 00aa 0038 9b71")
FLOAT = bytes.fromhex("0300 0000 0000 1000 8000 00aa 0038 9b71")
OTHER = bytes.fromhex("0100 0000 2107 d311 8644 c8c1 ca00 0000")  # ambisonics
VALUES = np.round(np.sin(np.arange(2 * RATE)) * 100) / 128  # exact in 8 bits


def extensible(
    data: bytes, bits: int, valid_bits: int, name: bytes = PCM, *, num_channels: int = 1, mask: int = 4
) -> bytes:
    frame_bytes = num_channels * bits // 8
    layout = struct.pack("<HHIIHH", 0xFFFE, num_channels, RATE, RATE * frame_bytes, frame_bytes, bits)
    layout += struct.pack("<HHI", 22, valid_bits, mask) + name
    chunks = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def stored(values: np.ndarray, bits: int, order: str = "<") -> bytes:
    """Values in [-1, 1) in so many bits, the least significant ones 0."""
    if bits == 8:
        return bytes((values * 128 + 128).astype(np.uint8))
    if bits == 24:
        words = (values * 2.0**31).astype(f"{order}i4").view(np.uint8).reshape(-1, 4)
        return (words[:, 1:] if order == "<" else words[:, :3]).tobytes()
    return (values * 2.0 ** (bits - 1)).astype(f"{order}i{bits // 8}").tobytes()


def decoded(body: bytes) -> Floats:
    view = memoryview(bytearray(body))
    samples: Floats = torch.cat(list(AudioStream(view, EncodedAudio(), sample_rate=RATE, max_seconds=60))).numpy()
    return samples


@pytest.mark.parametrize("bits", [8, 16, 24, 32, 64])
@pytest.mark.parametrize("unused_bits", [0, 1, 4, 7, 8, 12, 16, 24])
def test_valid_bits_are_the_upper_ones(bits: int, unused_bits: int) -> None:
    if unused_bits >= bits:
        with pytest.raises(BadRequestError):
            decoded(extensible(b"", bits, 0))
        return
    assert np.array_equal(
        decoded(extensible(stored(VALUES, bits), bits, bits - unused_bits)), VALUES.astype(np.float32)
    )


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("unused_bits", [0, 8])
def test_floats_are_floats_whatever_bits_are_valid(bits: int, unused_bits: int) -> None:
    body = extensible(VALUES.astype(f"<f{bits // 8}").tobytes(), bits, bits - unused_bits, FLOAT)
    assert np.array_equal(decoded(body), VALUES.astype(np.float32))


@pytest.mark.parametrize(
    ("num_channels", "mask"), [(1, 0), (2, 3), (2, 0), (2, 0x33), (6, 0x3F), (6, 0), (3, 0xFFFFFFFF)]
)
@pytest.mark.parametrize(("bits", "valid_bits"), [(16, 16), (32, 24)])
def test_the_channel_mask_does_not_matter(num_channels: int, mask: int, bits: int, valid_bits: int) -> None:
    interleaved = np.repeat(VALUES[:RATE], num_channels)
    body = extensible(stored(interleaved, bits), bits, valid_bits, num_channels=num_channels, mask=mask)
    assert np.allclose(decoded(body), VALUES[:RATE], atol=1e-7)


def test_integers_for_ambisonics_are_integers() -> None:
    assert np.array_equal(decoded(extensible(stored(VALUES, 16), 16, 16, OTHER)), VALUES.astype(np.float32))


def test_an_unknown_sub_format_is_refused() -> None:
    with pytest.raises(BadRequestError):
        decoded(extensible(stored(VALUES, 16), 16, 16, b"\x77\x77" + PCM[2:]))


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_rifx_has_the_most_significant_byte_first(bits: int) -> None:
    layout = struct.pack(">HHIIHH", 1, 1, RATE, RATE * bits // 8, bits // 8, bits)
    data = stored(VALUES, bits, ">")
    chunks = b"WAVEfmt " + struct.pack(">I", 16) + layout + b"data" + struct.pack(">I", len(data)) + data
    assert np.array_equal(decoded(b"RIFX" + struct.pack(">I", len(chunks)) + chunks), VALUES.astype(np.float32))


@pytest.mark.parametrize("tag", [6, 7])
def test_companded_samples_of_rifx_are_those_of_riff(tag: int) -> None:
    codes = bytes(range(256)) * 100
    bodies = []
    for name, order in ((b"RIFF", "<"), (b"RIFX", ">")):
        layout = struct.pack(f"{order}HHIIHH", tag, 1, RATE, RATE, 1, 8)
        chunks = b"WAVEfmt " + struct.pack(f"{order}I", 16) + layout + b"data" + struct.pack(f"{order}I", len(codes))
        bodies.append(name + struct.pack(f"{order}I", len(chunks) + len(codes)) + chunks + codes)
    assert np.array_equal(decoded(bodies[0]), decoded(bodies[1]))


def test_chunks_without_end_are_not_read() -> None:
    body = bytearray(extensible(stored(VALUES, 16), 16, 16))
    body[12:12] = b"junk\0\0\0\0" * 2_000
    assert np.array_equal(decoded(bytes(body)), VALUES.astype(np.float32))


def test_data_beyond_the_body_is_read_to_its_end() -> None:
    body = extensible(stored(VALUES, 32), 32, 24)
    assert len(decoded(body[: -4 * 1_000])) == len(VALUES) - 1_000


@pytest.mark.parametrize("num_channels", [0, 513, 65_535])
@pytest.mark.parametrize("valid_bits", [24, 32])
def test_channels_that_nothing_has_take_no_memory(num_channels: int, valid_bits: int) -> None:
    body = extensible(bytes(400_000), 32, valid_bits, num_channels=min(num_channels, 16_383))
    body = body[:22] + struct.pack("<H", num_channels) + body[24:]
    before = psutil.Process().memory_info().rss
    with pytest.raises(BadRequestError):
        decoded(body)
    assert psutil.Process().memory_info().rss - before < 200_000_000


def listed(list_bytes: int, text_bytes: int) -> bytes:
    """A second of silence behind a list of texts that claims to be so long, and its one text so long."""
    texts = b"INFO" + b"ISFT" + struct.pack("<I", text_bytes) + b"any\0"
    data = b"data" + struct.pack("<I", 16_000) + bytes(16_000)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8_000, 16_000, 2, 16)
    chunks = form + b"LIST" + struct.pack("<I", list_bytes) + texts + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


@pytest.mark.parametrize("text_bytes", [4, 2_000_000_000])
def test_a_list_of_texts_that_claims_what_the_file_cannot_hold_takes_no_memory(text_bytes: int) -> None:
    before = psutil.Process().memory_info().rss
    with pytest.raises(BadRequestError, match="LIST chunk that claims 3405774874 bytes, of which 16024 are there"):
        decoded(listed(3_405_774_874, text_bytes))
    assert psutil.Process().memory_info().rss - before < 50_000_000


def test_a_list_of_texts_is_skipped() -> None:
    assert len(decoded(listed(16, 4))) > 0
