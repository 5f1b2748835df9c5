"""One recording gives one answer, in whatever format it comes. Judged on the bundled model and the committed sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from handler.audio.stream import AudioStream
from handler.media import SAMPLE_FORMATS, EncodedAudio, Media, RawPcm, SampleFormat
from handler.model.loading import load_model
from handler.model.scoring import ScoringPool
from handler.tagger import tag
from tests.support.audio import Floats, decode, encode

TREE = Path(__file__).resolve().parents[2]
SAMPLE_RATE, NUM_CHANNELS = 44_100, 2
TOLERANCE, FINE_TOLERANCE = 0.05, 0.005
# Near a threshold a lossy codec moves a probability further: docs/record/model.md, Formats.
LOSSY_TOLERANCE = 0.1
# Not raw AAC (ADTS): it does not say how many samples its encoder put in front, so everything comes 23 ms late.
LOSSY = ("mp3", "mp3_vbr", "vorbis", "opus", "m4a", "webm")
LOSSLESS_24_BITS = ("flac24", "wav32f")


@pytest.fixture(scope="module")
def pool() -> ScoringPool:
    return ScoringPool(load_model(TREE / "model" / "model.pt2", torch.device("cpu")), num_threads=1)


@pytest.fixture(scope="module")
def recording() -> Floats:
    """The sample, float32 of shape (samples, 2)."""
    return decode((TREE / "samples" / "demo.mp3").read_bytes()).reshape(-1, NUM_CHANNELS)


@pytest.fixture(scope="module")
def expected(pool: ScoringPool, recording: Floats) -> Floats:
    """Probabilities of a 24-bit WAV file."""
    return probabilities(pool, encode(recording, SAMPLE_RATE, "wav24"))


def probabilities(pool: ScoringPool, body: bytes | bytearray, media: Media | None = None) -> Floats:
    stream = AudioStream(memoryview(body), media or EncodedAudio(), sample_rate=16_000, max_seconds=3600)
    (tagged,) = tag([stream], pool, batch_hops=32)
    assert tagged.error is None
    return tagged.probabilities


def packed(samples: Floats, sample_format: SampleFormat) -> bytes:
    """Writes samples of any shape in a raw format, as its definition says."""
    order = "<" if sample_format.byte_order == "le" else ">"
    if sample_format.kind == "f":
        words = samples.astype(f"{order}f{2 if sample_format.bits == 16 else 4}").view(np.uint8)
    else:
        full_scale = 1 << (sample_format.bits - 1)
        rounded = np.clip(np.round(samples.astype(np.float64) * full_scale), -full_scale, full_scale - 1)
        integers = rounded.astype(np.int64) + (full_scale if sample_format.kind == "u" else 0)
        # 24 bits become the upper three bytes of 32, as the float of 24 bits is by definition.
        integers = integers << (8 if sample_format.bits == 24 else 0)
        words = integers.astype(f"{order}i{2 if sample_format.bits == 16 else 4}").view(np.uint8)
    if sample_format.bits == 24:
        quads = words.reshape(-1, 4)
        words = quads[:, 1:] if sample_format.byte_order == "le" else quads[:, :3]
    return words.tobytes()


@pytest.mark.parametrize("encoding", LOSSY)
def test_lossy_files(pool: ScoringPool, recording: Floats, expected: Floats, encoding: str) -> None:
    got = probabilities(pool, encode(recording, SAMPLE_RATE, encoding))
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=LOSSY_TOLERANCE)


@pytest.mark.parametrize("encoding", ["wav", "flac"])
def test_lossless_files_of_16_bits(pool: ScoringPool, recording: Floats, expected: Floats, encoding: str) -> None:
    got = probabilities(pool, encode(recording, SAMPLE_RATE, encoding))
    np.testing.assert_allclose(got, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("encoding", LOSSLESS_24_BITS)
def test_lossless_files_of_24_bits(pool: ScoringPool, recording: Floats, expected: Floats, encoding: str) -> None:
    got = probabilities(pool, encode(recording, SAMPLE_RATE, encoding))
    np.testing.assert_allclose(got, expected, rtol=0, atol=FINE_TOLERANCE)


@pytest.mark.parametrize("name", SAMPLE_FORMATS)
def test_raw_formats(pool: ScoringPool, recording: Floats, expected: Floats, name: str) -> None:
    sample_format = SAMPLE_FORMATS[name]
    got = probabilities(
        pool, packed(recording, sample_format), RawPcm(SAMPLE_RATE, sample_format, num_channels=NUM_CHANNELS)
    )
    tolerance = FINE_TOLERANCE if sample_format.bits >= 24 else TOLERANCE
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance)
