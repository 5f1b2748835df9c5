from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handler.audio.mono import STRETCH_FRAMES, block_frames, mix_down
from handler.audio.stream import AudioStream
from handler.media import SAMPLE_FORMATS, EncodedAudio, Media, RawPcm
from tests.support import audio
from tests.support.properties import SLOW_LAW

pytestmark = pytest.mark.slow

SECONDS = 3.0


def sound(seconds: float = SECONDS, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(audio.lively(seconds, seed=seed)[:, 0])


def decoded(body: bytes | bytearray, media: Media | None = None) -> torch.Tensor:
    view = memoryview(bytearray(body))
    return torch.cat(list(AudioStream(view, media or EncodedAudio(), sample_rate=44_100, max_seconds=60)))


def test_one_channel_is_itself() -> None:
    assert torch.equal(mix_down(sound()[None]), sound())


def test_ordinary_stereo_is_the_mean_bit_for_bit() -> None:
    data = torch.stack((sound(), sound(seed=1)))
    assert torch.equal(mix_down(data), (data[0] + data[1]) / 2)


@pytest.mark.parametrize("gain", [1.0, 0.9, 1.1])
def test_channels_of_opposite_phase_are_heard_as_the_first(gain: float) -> None:
    assert torch.equal(mix_down(torch.stack((sound(), -gain * sound()))), sound())


def test_of_many_channels_that_cancel_a_loud_one_is_heard() -> None:
    quiet = 0.01 * sound(seed=3)
    assert torch.equal(mix_down(torch.stack((quiet, sound(), -sound(), -quiet))), sound())


def test_many_unlike_channels_are_their_mean() -> None:
    data = torch.stack([sound(1.0, seed) for seed in range(64)])
    assert torch.allclose(mix_down(data), data.mean(0), atol=1e-6)


def test_silence_in_all_channels_stays_silent() -> None:
    assert not mix_down(torch.zeros(2, 50_000)).any()


def test_only_the_stretches_that_cancel_are_changed() -> None:
    left, right = sound(), sound(seed=1)
    start, stop = 2 * STRETCH_FRAMES, 4 * STRETCH_FRAMES
    right[start:stop] = -left[start:stop]
    mixed = mix_down(torch.stack((left, right)))
    expected = (left + right) / 2
    expected[start:stop] = left[start:stop]
    assert torch.equal(mixed, expected)


@SLOW_LAW
@given(start=st.integers(0, 3 * STRETCH_FRAMES), cut=st.integers(0, 4), seed=st.integers(0, 99))
def test_blocks_between_stretches_give_the_samples_of_one(start: int, cut: int, seed: int) -> None:
    data = torch.stack((sound(seed=seed), -sound(seed=seed)))
    data[1, : len(data[0]) // 2] *= -1
    edge = -start % STRETCH_FRAMES + cut * STRETCH_FRAMES
    parts = (mix_down(data[:, :edge], start=start), mix_down(data[:, edge:], start=start + edge))
    assert torch.equal(torch.cat(parts), mix_down(data, start=start))


@given(sample_rate=st.integers(1_000, 384_000), num_channels=st.integers(1, 512))
def test_blocks_are_whole_stretches(sample_rate: int, num_channels: int) -> None:
    assert block_frames(sample_rate, num_channels) % STRETCH_FRAMES == 0
    assert block_frames(sample_rate, num_channels) * num_channels <= max(1 << 22, STRETCH_FRAMES * num_channels)


@pytest.mark.parametrize("encoding", sorted({*audio.ENCODINGS} - {"opus", "webm"}))
def test_a_recording_of_opposite_phase_is_heard_in_every_container(encoding: str) -> None:
    left = audio.lively(SECONDS)[:, 0]
    heard = decoded(audio.encode(np.stack((left, -left), axis=1), 44_100, encoding)).numpy()
    alone = decoded(audio.encode(np.stack((left, left), axis=1), 44_100, encoding)).numpy()
    length = min(len(heard), len(alone))
    error = heard[:length] - alone[:length]
    assert np.sqrt(np.mean(error**2)) < 0.1 * np.sqrt(np.mean(alone**2))


def test_raw_pcm_of_opposite_phase_is_its_first_channel() -> None:
    left = audio.lively(SECONDS)[:, 0]
    body = np.stack((left, -left), axis=1).astype("<f4").tobytes()
    media = RawPcm(44_100, SAMPLE_FORMATS["f32le"], 2)
    assert torch.equal(decoded(body, media), decoded(left.astype("<f4").tobytes(), RawPcm(44_100, media.sample_format)))
