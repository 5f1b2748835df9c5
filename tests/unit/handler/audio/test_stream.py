from __future__ import annotations

import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from types import ModuleType

import numpy as np
import psutil
import pytest
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st

from handler.arrays import Floats
from handler.audio import mono, mp3, sequential, time_ranges
from handler.audio import stream as stream_module
from handler.audio.stream import AudioStream
from handler.errors import BadRequestError, CallerError
from handler.media import SAMPLE_FORMATS, EncodedAudio, Media, RawPcm
from tests.support import audio, playlists
from tests.support.attempt import attempt
from tests.support.properties import SLOW_LAW

pytestmark = pytest.mark.slow

Bytes = bytes | bytearray

RATE = 16_000
NATIVE_RATE = dict.fromkeys(audio.ENCODINGS, 44_100) | {"opus": 48_000, "webm": 48_000}
LOSSY_STREAMS = ["mp3", "mp3_vbr", "mp3_no_xing", "aac"]
ODD_RATES = [1_000, 8_000, 11_025, 16_000, 44_101, 96_000, 383_999, 384_000]


def stream(
    body: Bytes, media: Media | None = None, *, sample_rate: int = RATE, max_seconds: int = 3_600
) -> AudioStream:
    view = memoryview(bytearray(body))
    return AudioStream(view, media or EncodedAudio(), sample_rate=sample_rate, max_seconds=max_seconds)


def joined(blocks: Iterator[torch.Tensor] | AudioStream) -> Floats:
    samples: Floats = torch.cat(list(blocks)).numpy()
    return samples


def decoded(body: Bytes, media: Media | None = None, *, sample_rate: int = RATE) -> Floats:
    return joined(stream(body, media, sample_rate=sample_rate))


def duration(body: Bytes, media: Media | None = None) -> Fraction:
    audio_stream = stream(body, media)
    joined(audio_stream)
    return audio_stream.duration_seconds


def raw(sample_rate: int, name: str = "f32le", num_channels: int = 1) -> RawPcm:
    return RawPcm(sample_rate, SAMPLE_FORMATS[name], num_channels)


def wave(data: Bytes, *, sample_rate: int = 44_100, bits: int = 16, data_size: int | None = None) -> bytes:
    """A mono WAV by hand; `data_size` is what its header claims."""
    is_float = bits > 32 or bits == 0
    bits = bits or 32
    byte_rate = sample_rate * bits // 8 & 0xFFFFFFFF
    layout = struct.pack("<HHIIHH", 3 if is_float else 1, 1, sample_rate, byte_rate, bits // 8, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + layout + b"data"
    size = len(data) if data_size is None else data_size
    return b"RIFF" + struct.pack("<I", min(size + 36, 0xFFFFFFFF)) + chunks + struct.pack("<I", size) + data


# --- the same samples as ffmpeg's ---


@cache
def ffmpegs(encoding: str, num_channels: int = 1) -> Floats:
    """What ffmpeg makes of a clip, float32 of shape (channels, frames)."""
    return audio.decode(audio.clip(encoding, num_channels=num_channels)).reshape(-1, num_channels).T


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
def test_samples_at_the_native_rate_are_ffmpegs_own(encoding: str) -> None:
    body = audio.clip(encoding)
    assert np.array_equal(decoded(body, sample_rate=NATIVE_RATE[encoding]), ffmpegs(encoding)[0])


@pytest.mark.parametrize("encoding", audio.RARE_ENCODINGS)
def test_rare_containers_hold_ffmpegs_own_samples(encoding: str) -> None:
    body = audio.rare_clip(encoding)
    expected = audio.decode(body)
    assert np.array_equal(decoded(body, sample_rate=44_100), expected)


@pytest.mark.parametrize(
    ("magic", "frame", "sample_rate"),
    [(b"#!AMR\n", b"\x3c" + bytes(range(31)), 8_000), (b"#!AMR-WB\n", b"\x44" + bytes(range(60)), 16_000)],
)
def test_amr_holds_ffmpegs_own_samples(magic: bytes, frame: bytes, sample_rate: int) -> None:
    body = magic + frame * 100  # no encoder of AMR is free, and any bits are speech
    assert np.array_equal(decoded(body, sample_rate=sample_rate), audio.decode(body))


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
def test_stereo_is_the_mean_of_its_channels(encoding: str) -> None:
    body = audio.clip(encoding, num_channels=2)
    left, right = ffmpegs(encoding, 2)
    assert np.array_equal(decoded(body, sample_rate=NATIVE_RATE[encoding]), (left + right) / 2)


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
def test_the_duration_counts_the_decoded_samples(encoding: str) -> None:
    num_frames = ffmpegs(encoding).shape[1]
    assert duration(audio.clip(encoding)) == Fraction(num_frames, NATIVE_RATE[encoding])


@pytest.mark.parametrize("num_channels", [2, 3, 6, 64])
def test_raw_channels_are_averaged(num_channels: int) -> None:
    samples = audio.lively(0.1, num_channels=num_channels)
    result = decoded(samples.tobytes(), raw(44_100, num_channels=num_channels), sample_rate=44_100)
    assert result == pytest.approx(samples.mean(axis=1), abs=1e-7)


@pytest.mark.parametrize(("name", "encoding"), [("s16le", "wav"), ("s24le", "wav24"), ("f32le", "wav32f")])
@pytest.mark.parametrize("num_channels", [1, 2])
def test_raw_samples_and_their_wav_are_the_same_bit_for_bit(name: str, encoding: str, num_channels: int) -> None:
    samples = audio.lively(1.3, num_channels=num_channels)
    bare = decoded(audio.encode_raw(samples, 44_100, name), raw(44_100, name, num_channels))
    assert np.array_equal(bare, decoded(audio.clip(encoding, num_channels=num_channels)))


@pytest.mark.parametrize(
    ("codec", "name"), [("pcm_u8", "u8"), ("pcm_s32le", "s32"), ("pcm_f64le", "f64"), ("pcm_alaw", "")]
)
def test_every_sample_type_of_a_wav_is_scaled_as_ffmpeg_scales_it(codec: str, name: str) -> None:
    body = bytes(audio.encode_as(audio.lively(0.2), 44_100, ("-c:a", codec, "-f", "wav")))
    assert np.array_equal(decoded(body, sample_rate=44_100), audio.decode(body))


@pytest.mark.parametrize("sample_rate", [44_100, 48_000, 22_050, 96_000])
def test_torchaudio_resamples_to_nearly_the_same(sample_rate: int) -> None:
    # Up to 5 kHz, where the two filters agree; 0.002 of full scale is -54 dB.
    tones = [audio.tone(hertz, 0.15, 1.0, sample_rate) for hertz in (110, 997, 2_503, 5_003)]
    samples = np.sum(tones, axis=0, dtype=np.float32)
    ours = decoded(samples.tobytes(), raw(sample_rate))
    judge = torchaudio.functional.resample(torch.from_numpy(samples), sample_rate, RATE).numpy()
    assert ours[500:-500] == pytest.approx(judge[500 : len(ours) - 500], abs=2e-3)


@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
def test_what_the_new_rate_cannot_hold_is_filtered_out(sample_rate: int) -> None:
    samples = audio.tone(12_000, 0.5, 1.0, sample_rate)
    assert np.abs(decoded(samples.tobytes(), raw(sample_rate))[500:-500]).max() < 1e-3


# --- any division into blocks ---


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
@pytest.mark.parametrize(("seconds", "num_channels"), [(5.0, 1), (1.3, 2)])
def test_blocks_of_any_length_give_the_samples_of_one(
    encoding: str, seconds: float, num_channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = audio.clip(encoding, seconds, num_channels)
    at_once = decoded(body)
    for block_seconds in (Fraction(1, 20), Fraction(1, 3), 1):
        set_block_seconds(monkeypatch, block_seconds)
        assert np.array_equal(decoded(body), at_once)


@pytest.mark.parametrize("sample_rate", ODD_RATES)
def test_raw_blocks_give_the_samples_of_one(sample_rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    body = audio.lively(2.3, sample_rate=sample_rate).tobytes()
    at_once = decoded(body, raw(sample_rate))
    set_block_seconds(monkeypatch, 1)
    assert np.array_equal(decoded(body, raw(sample_rate)), at_once)


def set_block_seconds(monkeypatch: pytest.MonkeyPatch, seconds: Fraction | int) -> None:
    for module in (stream_module, mono):
        monkeypatch.setattr(module, "BLOCK_SECONDS", seconds)


@pytest.mark.parametrize("sample_rate", ODD_RATES)
@SLOW_LAW
@given(cuts=st.lists(st.floats(0, 1), max_size=6))
def test_the_resampler_takes_pieces_of_any_size(sample_rate: int, cuts: list[float]) -> None:
    samples = torch.from_numpy(audio.lively(0.2, sample_rate=sample_rate)[:, 0])
    pieces = torch.tensor_split(samples, sorted(round(cut * len(samples)) for cut in cuts))
    assert np.array_equal(resampled(pieces, sample_rate), resampled([samples], sample_rate))


def resampled(pieces: list[torch.Tensor] | tuple[torch.Tensor, ...], sample_rate: int) -> Floats:
    resampler = stream_module._Resampler(RATE)
    blocks = [block for piece in pieces for block in resampler.push(piece, sample_rate)]
    return joined(iter([*blocks, *resampler.finish()]))


@pytest.mark.parametrize("sample_rate", ODD_RATES)
@SLOW_LAW
@given(seconds=st.floats(0.06, 0.4))
def test_the_length_is_the_duration_rounded(sample_rate: int, seconds: float) -> None:
    num_frames = round(seconds * sample_rate)
    num_samples = len(decoded(bytes(4 * num_frames), raw(sample_rate)))
    assert abs(num_samples - num_frames * RATE / sample_rate) <= 1


@pytest.mark.parametrize("sample_rate", ODD_RATES)
def test_blocks_are_of_about_ten_seconds(sample_rate: int) -> None:
    lengths = [len(block) for block in stream(bytes(4 * 25 * sample_rate), raw(sample_rate))]
    assert max(lengths) <= 10.1 * RATE


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
def test_blocks_of_encoded_audio_are_not_much_longer_than_told(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    set_block_seconds(monkeypatch, 1)
    assert max(len(block) for block in stream(audio.clip(encoding, 5.0))) <= 1.6 * RATE


@pytest.mark.parametrize("num_channels", [8, 64])
def test_blocks_of_many_channels_are_shorter(num_channels: int) -> None:
    lengths = [len(block) for block in stream(bytes(2 * 48_000 * 12 * 8), raw(48_000, "s16le", num_channels))]
    assert max(lengths) * num_channels * 3 <= 1.1 * 2**22


# --- samples that are no sound ---


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("is_raw", [True, False], ids=["raw", "wav"])
def test_samples_that_are_no_number_count_as_0(value: float, is_raw: bool) -> None:
    samples = audio.lively(0.2)[:, 0]
    samples[1_000:1_100:3], silenced = value, samples.copy()
    silenced[1_000:1_100:3] = 0
    if is_raw:
        assert np.array_equal(decoded(samples.tobytes(), raw(44_100)), decoded(silenced.tobytes(), raw(44_100)))
    else:
        assert np.array_equal(decoded(wave(samples.tobytes(), bits=0)), decoded(wave(silenced.tobytes(), bits=0)))


@pytest.mark.parametrize(
    ("name", "word"), [("f16le", b"\x00\x7c"), ("f24be", b"\x7f\xc0\x00"), ("f32be", b"\xff\x80\0\0")]
)
def test_no_float_format_lets_infinity_through(name: str, word: bytes) -> None:
    assert not decoded(word * 4_000, raw(16_000, name)).any()


@pytest.mark.parametrize("value", [9.0, 1e10, 3e38, -3e38])
@pytest.mark.parametrize("sample_rate", [16_000, 44_100])
def test_huge_samples_stay_finite(value: float, sample_rate: int) -> None:
    samples = np.tile(np.array([value, -value, 0.1, value], np.float32), 4_000)
    assert np.abs(decoded(samples.tobytes(), raw(sample_rate))).max() < 20


def test_huge_double_samples_stay_finite() -> None:
    samples = np.tile(np.array([1e300, -1e300, 0.1, np.nan]), 4_000)
    assert np.isfinite(decoded(wave(samples.tobytes(), bits=64))).all()


def test_huge_channels_do_not_overflow_their_mean() -> None:
    samples = np.full((4_000, 64), 3e38, np.float32)
    assert np.isfinite(decoded(samples.tobytes(), raw(16_000, num_channels=64))).all()


def test_ordinary_overshoot_is_left_alone() -> None:
    samples = np.full(4_000, 1.5, np.float32)
    assert np.array_equal(decoded(samples.tobytes(), raw(16_000)), samples)


# --- damage ---


def overwritten(body: bytes, seed: int, num_bytes: int) -> bytes:
    """The body with random bytes at random places behind its first quarter."""
    random = np.random.default_rng(seed)
    damaged = bytearray(body)
    for position in random.integers(len(body) // 4, len(body), num_bytes):
        damaged[position] = random.integers(256)
    return bytes(damaged)


@pytest.mark.parametrize("encoding", LOSSY_STREAMS)
@pytest.mark.parametrize("seed", range(3))
def test_of_a_stream_with_overwritten_bytes_the_rest_is_decoded(encoding: str, seed: int) -> None:
    body = audio.clip(encoding, 5.0)
    assert duration(overwritten(body, seed, 30)) >= Fraction(8, 10) * duration(body)


@pytest.mark.parametrize("encoding", [*LOSSY_STREAMS, "flac", "m4a"])
def test_around_a_hole_of_zeros_the_rest_is_decoded(encoding: str) -> None:
    body = audio.clip(encoding, 5.0)
    start, stop = len(body) // 2, len(body) * 6 // 10
    assert duration(body[:start] + bytes(stop - start) + body[stop:]) >= 4


@pytest.mark.parametrize("encoding", ["vorbis", "opus"])
def test_behind_a_broken_page_of_ogg_the_rest_is_where_it_stood(encoding: str) -> None:
    body = audio.clip(encoding, 5.0)
    middle = len(body) // 2
    clean, damaged = decoded(body), decoded(body[:middle] + bytes(20) + body[middle + 20 :])
    assert len(damaged) == len(clean)
    assert np.count_nonzero(damaged == 0) > RATE // 4
    assert np.abs(damaged[-RATE // 2 :] - clean[-RATE // 2 :]).max() < 1e-3


@pytest.mark.parametrize("encoding", sorted({*audio.ENCODINGS} - {"m4a"}))
def test_of_a_cut_end_the_beginning_is_decoded(encoding: str) -> None:
    body = audio.clip(encoding, 5.0)
    assert 1.9 < duration(body[: len(body) // 2]) < 3.1


@pytest.mark.parametrize("encoding", LOSSY_STREAMS)
def test_of_a_cut_beginning_the_end_is_decoded(encoding: str) -> None:
    body = audio.clip(encoding, 5.0)
    assert 2.3 < duration(body[len(body) // 2 :]) < 2.7


@pytest.mark.parametrize("encoding", LOSSY_STREAMS)
def test_of_a_damaged_stream_as_much_is_saved_as_ffmpeg_saves(encoding: str) -> None:
    body = overwritten(audio.clip(encoding, 5.0), 7, 60)
    assert duration(body) >= Fraction(len(audio.decode(body)), 44_100) - Fraction(1, 10)


def test_an_m4a_without_its_index_is_a_bad_request() -> None:
    with pytest.raises(BadRequestError, match=r"begins like MP4 but holds no audio stream that can be decoded"):
        decoded(audio.clip("m4a")[:-2_000])


@pytest.mark.parametrize("data_size", [0, 1_000_000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_whose_header_lies_about_the_length_is_read_to_its_end(data_size: int) -> None:
    samples = audio.encode_raw(audio.lively(0.3), 44_100, "s16le")
    assert np.array_equal(decoded(wave(samples, data_size=data_size)), decoded(wave(samples)))


def test_a_wav_that_claims_less_is_read_as_far_as_it_claims() -> None:
    samples = audio.encode_raw(audio.lively(0.3), 44_100, "s16le")
    assert duration(wave(samples, data_size=2_000)) == Fraction(1_000, 44_100)


@pytest.mark.parametrize("second", [("vorbis", 1, 48_000), ("vorbis", 2, 22_050), ("vorbis", 1, 44_100)])
def test_chained_ogg_of_unlike_rates_and_channels_is_decoded_to_its_end(second: tuple[str, int, int]) -> None:
    encoding, num_channels, sample_rate = second
    body = audio.clip("vorbis", 1.0) + audio.clip(encoding, 1.0, num_channels, sample_rate)
    assert duration(body) == pytest.approx(2, abs=0.05)
    assert len(decoded(body)) == pytest.approx(2 * RATE, abs=0.05 * RATE)


def test_mp3s_in_a_row_of_unlike_rates_are_decoded_to_their_end() -> None:
    body = audio.clip("mp3_no_xing", 1.0) + audio.clip("mp3_no_xing", 1.0, 2, 22_050)
    assert duration(body) == pytest.approx(2, abs=0.2)


# --- nothing, next to nothing, and too much ---


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
def test_no_samples_is_a_bad_request(encoding: str) -> None:
    body = audio.encode(np.zeros(0, np.float32), 44_100, encoding) or bytearray(b"\0")
    with pytest.raises(BadRequestError, match=r"no audio"):
        decoded(body)


@pytest.mark.parametrize("media", [EncodedAudio(), raw(8_000, "s16le", 1)], ids=["encoded", "raw"])
def test_an_empty_body_is_a_bad_request(media: EncodedAudio | RawPcm) -> None:
    with pytest.raises(BadRequestError, match=r"empty \(0 bytes\); send the bytes of a sound file"):
        decoded(b"", media)


@pytest.mark.parametrize(("size_bytes", "num_channels"), [(1, 1), (3, 2), (127, 64)])
def test_no_whole_raw_frame_is_a_bad_request(size_bytes: int, num_channels: int) -> None:
    with pytest.raises(BadRequestError, match="holds no audio samples; send at least one whole frame"):
        decoded(bytes(size_bytes), raw(8_000, "s16le", num_channels))


@pytest.mark.parametrize("encoding", ["wav", "wav24", "wav32f", "rf64", "flac"])
def test_one_sample_is_audio(encoding: str) -> None:
    assert duration(audio.encode(np.zeros(1, np.float32), 44_100, encoding)) == Fraction(1, 44_100)


@pytest.mark.parametrize("sample_rate", ODD_RATES)
def test_one_raw_frame_is_audio(sample_rate: int) -> None:
    assert duration(bytes(4), raw(sample_rate)) == Fraction(1, sample_rate)


@pytest.mark.parametrize("sample_rate", [1_000, 384_000])
def test_the_extreme_rates_of_a_wav_are_decoded(sample_rate: int) -> None:
    assert duration(wave(bytes(2 * sample_rate), sample_rate=sample_rate)) == 1


@pytest.mark.parametrize("sample_rate", [1, 999, 384_001, 10_000_019, 0x7FFFFFFF])
def test_a_rate_that_only_a_lie_has_is_refused_and_named(sample_rate: int) -> None:
    with pytest.raises(BadRequestError, match=f"sample rate of {sample_rate} Hz; 1000 to 384000"):
        decoded(wave(bytes(20_000), sample_rate=sample_rate))


@pytest.mark.parametrize("sample_rate", [0, 0xFFFFFFFF])
def test_a_rate_that_is_none_is_a_bad_request(sample_rate: int) -> None:
    with pytest.raises(BadRequestError):
        decoded(wave(bytes(20_000), sample_rate=sample_rate))


def test_audio_at_the_longest_is_decoded() -> None:
    assert len(joined(stream(bytes(4 * 3 * 8_000), raw(8_000), max_seconds=3))) == 3 * RATE


@pytest.mark.parametrize(("body", "media"), [(bytes(4 * 24_001), raw(8_000)), (audio.clip("mp3", 5.0), EncodedAudio())])
def test_longer_audio_is_too_large(body: Bytes, media: Media) -> None:
    with pytest.raises(BadRequestError, match="longer than the 3 s"):
        joined(stream(body, media, max_seconds=3))


def test_what_is_too_long_is_not_decoded_to_its_end() -> None:
    audio_stream = stream(bytes(4 * 100 * 8_000), raw(8_000), max_seconds=3)
    with pytest.raises(BadRequestError):
        joined(audio_stream)
    assert audio_stream.duration_seconds <= 13


@pytest.mark.parametrize(
    "body", [b"x", b"RIFF\0\0\0\0WAVE", b"OggS", b"fLaC", b"\0\0\0\x18ftypM4A ", b"\xff\xfb\x90\x64"]
)
def test_a_mere_beginning_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(BadRequestError, match=f"{len(body)} bytes"):
        decoded(body)


# --- memory ---


@pytest.mark.parametrize(
    ("encoding", "module", "name"),
    [
        ("mp3", mp3, "AudioDecoder"),
        ("wav", time_ranges, "WavDecoder"),
        ("wav32f", time_ranges, "AudioDecoder"),
        ("flac", sequential, "Demuxer"),
        ("m4a", sequential, "Demuxer"),
    ],
)
def test_torchcodec_reads_from_the_body_itself(
    encoding: str, module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources: list[torch.Tensor] = []
    original = getattr(module, name)

    def watched(source: torch.Tensor, **options: str) -> object:
        sources.append(source)
        return original(source, **options)

    monkeypatch.setattr(module, name, watched)
    body = bytearray(audio.clip(encoding))
    joined(AudioStream(memoryview(body), EncodedAudio(), sample_rate=RATE, max_seconds=9))
    end = torch.frombuffer(body, dtype=torch.uint8).data_ptr() + len(body)
    assert [source.data_ptr() + len(source) for source in sources] == [end]


@pytest.mark.parametrize(("encoding", "sample_rate"), [("mp3", 8_000), ("wav", 8_000)])
def test_memory_does_not_grow_with_the_length(encoding: str, sample_rate: int) -> None:
    # 10 minutes: 38 MB of samples at 16 kHz.
    body = audio.encode(np.zeros(600 * sample_rate, np.float32), sample_rate, encoding)
    process = psutil.Process()
    blocks = iter(stream(body))
    next(blocks)
    before = process.memory_info().rss
    growth = max(process.memory_info().rss - before for _ in blocks)
    assert growth < 20_000_000


def test_raw_memory_does_not_grow_with_the_length() -> None:
    body = memoryview(bytearray(2 * 600 * 48_000))
    blocks = iter(AudioStream(body, raw(48_000, "s16le"), sample_rate=RATE, max_seconds=3_600))
    next(blocks)
    before = psutil.Process().memory_info().rss
    growth = max(psutil.Process().memory_info().rss - before for _ in blocks)
    assert growth < 20_000_000


def test_the_pages_of_a_spooled_body_are_given_back_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    forgotten: list[memoryview] = []
    monkeypatch.setattr(stream_module, "forget_pages", forgotten.append)
    body = memoryview(bytearray(2 * 8_000 * 170))
    joined(AudioStream(body, raw(8_000, "s16le"), sample_rate=RATE, max_seconds=3_600))
    assert forgotten == [body] * 2


def test_nothing_is_decoded_before_it_is_asked_for() -> None:
    audio_stream = stream(bytes(4 * 60 * 8_000), raw(8_000))
    next(iter(audio_stream))
    assert audio_stream.duration_seconds <= 10


# --- whatever comes ---


def is_refused_or_finite(outcome: Floats | CallerError) -> bool:
    return isinstance(outcome, CallerError) or bool(np.isfinite(outcome).all())


@pytest.mark.parametrize("encoding", [*audio.ENCODINGS, *audio.RARE_ENCODINGS])
@SLOW_LAW
@given(data=st.data())
def test_a_mutated_file_is_decoded_or_a_callers_error(encoding: str, data: st.DataObject) -> None:
    body = bytearray(audio.rare_clip(encoding) if encoding in audio.RARE_ENCODINGS else audio.clip(encoding))
    reach = data.draw(st.sampled_from([64, 400, len(body)]))
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, reach - 1))
        patch = data.draw(st.binary(min_size=1, max_size=6) | st.sampled_from([bytes(4), b"\xff" * 4]))
        body[start : start + len(patch)] = patch
    outcome = attempt(lambda: decoded(body[: data.draw(st.integers(1, len(body)))]))
    assert is_refused_or_finite(outcome)


@pytest.mark.parametrize(
    "magic", [b"RIFF\xff\xff\xff\xffWAVEfmt ", b"OggS\0\2", b"fLaC\0", b"\0\0\0\x20ftypM4A ", b"\xff\xfb"]
)
@SLOW_LAW
@given(rest=st.binary(max_size=2_000))
def test_random_bytes_behind_a_magic_number_are_decoded_or_a_callers_error(magic: bytes, rest: bytes) -> None:
    outcome = attempt(lambda: decoded(magic + rest))
    assert is_refused_or_finite(outcome)


@SLOW_LAW
@given(
    body=st.binary(min_size=1, max_size=3_000),
    name=st.sampled_from(sorted(SAMPLE_FORMATS)),
    sample_rate=st.integers(1_000, 384_000),
    num_channels=st.integers(1, 64),
)
def test_any_bytes_are_raw_samples(body: Bytes, name: str, sample_rate: int, num_channels: int) -> None:
    outcome = attempt(lambda: decoded(body, raw(sample_rate, name, num_channels)))
    assert is_refused_or_finite(outcome)


# --- nothing is fetched ---


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port on 127.0.0.1, and what was asked for there so far."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=note_requests, args=(server, requests), daemon=True).start()
        yield server.getsockname()[1], requests
        server.shutdown(socket.SHUT_RDWR)


def note_requests(server: socket.socket, requests: list[bytes]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            requests.append(connection.recv(1_000))


ID3_TAG = b"ID3\x04\0\0\0\0\0\x20" + bytes(32)
FETCHING = {
    "HLS": playlists.HLS,
    "HLS behind a tag": ID3_TAG + playlists.HLS,
    "HLS behind a tag, before an MP3": ID3_TAG + playlists.HLS + audio.clip("mp3_no_xing"),
    "DASH": playlists.DASH,
    "DASH behind a tag": ID3_TAG + playlists.DASH,
}


@pytest.mark.parametrize("body", FETCHING.values(), ids=FETCHING)
def test_what_makes_ffmpeg_fetch_makes_us_fetch_nothing(body: bytes, listener: tuple[int, list[bytes]]) -> None:
    port, requests = listener
    body = playlists.on_port(body, port)
    # First the proof that it is harmful: ffprobe, allowed to use the network as libavformat is by default, connects.
    subprocess.run(
        ["ffprobe", "-v", "quiet", "-protocol_whitelist", "pipe,http,tcp", "-i", "-"], input=body, check=False
    )
    assert requests, "ffprobe did not follow the playlist: this test proves nothing"
    requests.clear()
    attempt(lambda: decoded(body))
    assert requests == []


def test_a_playlist_inside_of_an_mp3_fetches_nothing(listener: tuple[int, list[bytes]]) -> None:
    port, requests = listener
    for playlist in playlists.ALL.values():
        body = bytearray(audio.clip("mp3_no_xing", 5.0))
        middle = len(body) // 2
        body[middle:middle] = playlists.on_port(playlist, port)
        assert duration(body) == pytest.approx(5, abs=0.2)
    assert requests == []


def test_a_check_ends_the_stream_at_a_block() -> None:
    checks: list[int] = []

    def check() -> None:
        checks.append(1)
        if len(checks) == 3:
            raise BadRequestError("enough")

    body = memoryview(bytearray(2 * 600 * 8_000))
    blocks = AudioStream(body, raw(8_000, "s16le"), sample_rate=RATE, max_seconds=3_600, check=check)
    with pytest.raises(BadRequestError, match="enough"):
        joined(blocks)
    assert blocks.duration_seconds < 30


def test_decoding_packet_by_packet_leaves_nothing_in_memory() -> None:
    # Half an hour of AAC: 77,000 packets. 64 bytes of each would be 5 MB.
    body, process = audio.encode(np.zeros(12 * 44_100, np.float32), 44_100, "aac"), psutil.Process()
    for _ in range(50):
        decoded(body)
    before = process.memory_info().rss
    for _ in range(150):
        decoded(body)
    assert process.memory_info().rss - before < 3_000_000
