from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.arrays import Floats
from handler.audio.pcm import unpack, unpacked_blocks
from handler.media import MU_LAW, SAMPLE_FORMATS
from tests.support import audio
from tests.support.properties import LAW

pytestmark = pytest.mark.slow

INTEGER_FORMATS = [f"{kind}{bits}{order}" for kind in "su" for bits in (16, 24, 32) for order in ("le", "be")]
ALL_FORMATS = [*INTEGER_FORMATS, *(f"f{bits}{order}" for bits in (16, 24, 32) for order in ("le", "be"))]
BYTE_ORDERS = {"le": "little", "be": "big"}


def unpacked(data: bytes | bytearray | memoryview, name: str) -> Floats:
    return unpack(data, SAMPLE_FORMATS[name])


def pack_integer(value: int, name: str) -> bytes:
    """One sample, by Python's own integers; `value` is signed, with 0 as silence."""
    bits, offset = int(name[1:3]), name[0] == "u"
    unsigned = (value + (1 << (bits - 1))) if offset else value % (1 << bits)
    return unsigned.to_bytes(bits // 8, "little" if name.endswith("le") else "big")


def random_bytes(size_bytes: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(size_bytes)


def test_all_18_formats_are_there() -> None:
    assert sorted(SAMPLE_FORMATS) == sorted(ALL_FORMATS)


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_a_format_knows_its_name_and_size(name: str) -> None:
    sample_format = SAMPLE_FORMATS[name]
    assert (sample_format.name, sample_format.size_bytes) == (name, int(name[1:3]) // 8)


@pytest.mark.parametrize("name", INTEGER_FORMATS)
def test_any_integers_are_what_ffmpeg_decodes(name: str) -> None:
    data = random_bytes(12_000)
    assert np.array_equal(unpacked(data, name), audio.decode(data, ("-f", name, "-ar", "8000", "-ac", "1")))


def test_mu_law_is_what_ffmpeg_decodes() -> None:
    data = bytes(range(256))
    assert np.array_equal(unpack(data, MU_LAW), audio.decode(data, ("-f", "mulaw", "-ar", "8000", "-ac", "1")))


@pytest.mark.parametrize("name", ["f32le", "f32be"])
def test_floats_are_what_ffmpeg_decodes(name: str) -> None:
    data = audio.lively(0.1).astype("<f4" if name.endswith("le") else ">f4").tobytes()
    assert np.array_equal(unpacked(data, name), audio.decode(data, ("-f", name, "-ar", "8000", "-ac", "1")))


@pytest.mark.parametrize("name", [*INTEGER_FORMATS, "f32le", "f32be"])
def test_what_ffmpeg_writes_is_read_back(name: str) -> None:
    samples = audio.lively(0.2)[:, 0]
    error = np.abs(unpacked(audio.encode_raw(samples, 44_100, name), name) - samples)
    # ffmpeg rounds to 16 and 32 bits and cuts 32 down to 24: less than one step, in every case.
    step = 0 if name.startswith("f") else 1 / (1 << (int(name[1:3]) - 1))
    assert error.max() <= step


@pytest.mark.parametrize("order", ["le", "be"])
def test_every_half_float_is_numpys(order: str) -> None:
    data = np.arange(1 << 16, dtype=np.uint16).astype("<u2" if order == "le" else ">u2").tobytes()
    expected = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    assert np.array_equal(unpacked(data, f"f16{order}"), expected, equal_nan=True)


@pytest.mark.parametrize("order", ["le", "be"])
def test_f24_is_the_upper_three_bytes_of_a_binary32(order: str) -> None:
    data = random_bytes(30_000)
    triples = [data[start : start + 3] for start in range(0, len(data), 3)]
    words = [b"\0" + triple if order == "le" else triple + b"\0" for triple in triples]
    expected = struct.unpack(f"{'<' if order == 'le' else '>'}{len(words)}f", b"".join(words))
    assert np.array_equal(unpacked(data, f"f24{order}"), np.array(expected, np.float32), equal_nan=True)


@pytest.mark.parametrize(("value", "word"), [(1.0, "3f8000"), (-0.5, "bf0000"), (0.0, "000000"), (2.0**-126, "008000")])
def test_f24_worked_out_by_hand(value: float, word: str) -> None:
    assert unpacked(bytes.fromhex(word), "f24be").tolist() == [value]
    assert unpacked(bytes.fromhex(word)[::-1], "f24le").tolist() == [value]


@pytest.mark.parametrize("name", INTEGER_FORMATS)
def test_silence_is_zero(name: str) -> None:
    assert unpacked(pack_integer(0, name), name).tolist() == [0.0]


@pytest.mark.parametrize("name", INTEGER_FORMATS)
def test_the_lowest_integer_is_minus_one(name: str) -> None:
    assert unpacked(pack_integer(-(1 << (int(name[1:3]) - 1)), name), name).tolist() == [-1.0]


@pytest.mark.parametrize("name", INTEGER_FORMATS)
def test_the_highest_integer_is_just_under_one(name: str) -> None:
    full_scale = 1 << (int(name[1:3]) - 1)
    # A float32 cannot tell 2^31 - 1 from 2^31.
    assert unpacked(pack_integer(full_scale - 1, name), name).tolist() == [np.float32((full_scale - 1) / full_scale)]


@pytest.mark.parametrize("name", INTEGER_FORMATS)
@LAW
@given(data=st.data())
def test_unpack_inverts_pack_for_integers(name: str, data: st.DataObject) -> None:
    full_scale = 1 << (int(name[1:3]) - 1)
    values = data.draw(st.lists(st.integers(-full_scale, full_scale - 1), max_size=8))
    result = unpacked(b"".join(pack_integer(value, name) for value in values), name)
    assert result.tolist() == [np.float32(value) / np.float32(full_scale) for value in values]


@pytest.mark.parametrize(("bits", "order"), [(16, "le"), (16, "be"), (32, "le"), (32, "be")])
@LAW
@given(data=st.data())
def test_unpack_inverts_pack_for_floats(bits: int, order: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.floats(width=16 if bits == 16 else 32), max_size=8))
    packed = struct.pack(f"{'<' if order == 'le' else '>'}{len(values)}{'e' if bits == 16 else 'f'}", *values)
    assert np.array_equal(unpacked(packed, f"f{bits}{order}"), np.array(values, np.float32), equal_nan=True)


@pytest.mark.parametrize("name", ALL_FORMATS)
def test_both_byte_orders_are_mirror_images(name: str) -> None:
    size_bytes = int(name[1:3]) // 8
    data = random_bytes(size_bytes * 500)
    mirrored = b"".join(data[start : start + size_bytes][::-1] for start in range(0, len(data), size_bytes))
    other = name[:3] + ("be" if name.endswith("le") else "le")
    assert np.array_equal(unpacked(data, name), unpacked(mirrored, other), equal_nan=True)


@pytest.mark.parametrize("name", ALL_FORMATS)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_the_result_is_writable_float32_of_its_own(name: str, kind: type) -> None:
    data = kind(bytearray(12))
    result = unpacked(data, name)
    result += 1
    assert result.dtype == np.float32
    assert bytes(data) == bytes(12)


def frames(body: bytes, name: str, num_channels: int, block_frames: int) -> list[Floats]:
    sample_format = SAMPLE_FORMATS[name]
    return list(unpacked_blocks(memoryview(body), sample_format, num_channels=num_channels, block_frames=block_frames))


def test_channels_are_interleaved() -> None:
    (block,) = frames(struct.pack("<6h", 1, -2, 3, -4, 5, -6), "s16le", 2, 10)
    assert (block * 32_768).tolist() == [[1, 3, 5], [-2, -4, -6]]


@LAW
@given(
    name=st.sampled_from(ALL_FORMATS),
    num_channels=st.sampled_from([1, 2, 3, 64]),
    num_frames=st.integers(0, 50),
    rest_bytes=st.integers(0, 300),
    block_frames=st.integers(1, 60),
)
def test_blocks_joined_are_the_whole(
    name: str, num_channels: int, num_frames: int, rest_bytes: int, block_frames: int
) -> None:
    frame_bytes = SAMPLE_FORMATS[name].size_bytes * num_channels
    body = random_bytes(frame_bytes * num_frames + rest_bytes % frame_bytes)
    blocks = frames(body, name, num_channels, block_frames)
    joined = np.concatenate([np.empty((num_channels, 0), np.float32), *blocks], axis=1)
    whole = unpacked(body[: frame_bytes * num_frames], name).reshape(num_frames, num_channels).T
    assert np.array_equal(joined, whole, equal_nan=True)


@LAW
@given(num_frames=st.integers(0, 100), block_frames=st.integers(1, 120))
def test_every_block_but_the_last_is_full(num_frames: int, block_frames: int) -> None:
    lengths = [block.shape[1] for block in frames(bytes(num_frames * 4), "s16le", 2, block_frames)]
    full, rest = divmod(num_frames, block_frames)
    assert lengths == [block_frames] * full + [rest] * (rest > 0)


@pytest.mark.parametrize(("num_channels", "size_bytes"), [(1, 1), (2, 3), (64, 127), (1, 0)])
def test_less_than_a_frame_is_nothing(num_channels: int, size_bytes: int) -> None:
    assert frames(bytes(size_bytes), "s16le", num_channels, 10) == []


@pytest.mark.parametrize("num_channels", [1, 2, 64])
def test_blocks_are_contiguous_and_channels_first(num_channels: int) -> None:
    (block,) = frames(random_bytes(64 * 2 * 7), "s16le", num_channels, 1_000)
    assert (block.shape[0], block.flags.c_contiguous) == (num_channels, True)


def test_blocks_are_read_when_they_are_asked_for() -> None:
    body = bytearray(8)
    blocks = unpacked_blocks(memoryview(body), SAMPLE_FORMATS["s16le"], num_channels=1, block_frames=2)
    next(blocks)
    body[4:] = struct.pack("<2h", 16_384, -16_384)
    second: npt.NDArray[np.float32] = next(blocks)
    assert second.tolist() == [[0.5, -0.5]]
