from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handler.arrays import Floats
from handler.audio.stream import AudioStream
from handler.errors import BadRequestError
from handler.media import SAMPLE_FORMATS, EncodedAudio, RawPcm
from handler.model.file import ModelInfo
from handler.model.loading import Model, load_model
from handler.model.scoring import ScoringPool
from handler.tagger import Tagged, tag
from handler.windows import WindowGrid
from tests.support import audio
from tests.support.properties import SLOW_LAW
from tests.support.toy_model import SAMPLE_RATE

HOP = 4
NAMES = ["Music", "Speech", "Siren", "Laughter"]


class NumberedStream:
    """Stands in for an AudioStream of 4 samples a second: each sample is its own number, none of which comes twice.

    Args:
        index: Numbers count from 1,000 * (index + 1) on.
        num_samples: How many there are.
        block_samples: Samples in a block.
        fails_at: The block that raises instead, if any.
    """

    def __init__(self, index: int, num_samples: int, block_samples: int = 3, fails_at: int | None = None) -> None:
        self.samples = torch.arange(num_samples, dtype=torch.float32) + 1_000 * (index + 1)
        self.duration_seconds = Fraction(0)
        self.decode_seconds = 0.0
        self._block_samples = block_samples
        self._fails_at = fails_at

    def __iter__(self) -> Iterator[torch.Tensor]:
        for index, block in enumerate(torch.split(self.samples, self._block_samples)):
            if index == self._fails_at:
                raise BadRequestError("damaged")
            self.duration_seconds += Fraction(len(block), HOP)
            yield block

    def windows(self, window_hops: int) -> list[list[float]]:
        """What each window must have heard."""
        num_windows = max(1, (len(self.samples) - HOP * window_hops) // HOP + 1)
        padded = torch.nn.functional.pad(self.samples, (0, HOP * window_hops))
        return [padded[HOP * m : HOP * (m + window_hops)].tolist() for m in range(num_windows)]

    def tail(self, window_hops: int) -> list[list[float]]:
        """What the tail window must have heard, if there is one: a sample, 0.25 s, is enough to be left over."""
        samples = self.samples.tolist()
        has_tail = len(samples) > HOP * window_hops and len(samples) % HOP > 0
        return [samples[-HOP * window_hops :]] if has_tail else []


class Parrot:
    """Stands in for a Model: a window's "probabilities" are the samples that it is made of."""

    device = torch.device("cpu")
    seconds_per_window = 0.0

    def __init__(self, window_hops: int = 2, fails_on: Callable[[torch.Tensor], bool] = lambda hops: False) -> None:
        grid = WindowGrid(Fraction(1), window_hops)
        self.info = ModelInfo(
            "parrot", "1", HOP, grid, tuple(map(str, range(HOP * window_hops))), np.empty(0, np.float32)
        )
        self.calls: list[tuple[int, int]] = []
        self._fails_on = fails_on

    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        self.calls.append((hops.shape[0], starts.shape[0]))
        if self._fails_on(hops):
            raise RuntimeError("out of memory")
        rows = starts[:, None] + torch.arange(self.info.grid.window_hops)
        samples: Floats = hops[rows].flatten(1).numpy()
        return samples


def tagged(
    streams: Sequence[object],
    model: object,
    *,
    batch_hops: int = 8,
    num_threads: int = 1,
    decode_here: bool = False,
    with_tail: Sequence[bool] | None = None,
) -> list[Tagged]:
    pool = ScoringPool(cast(Model, model), num_threads)
    return tag(
        cast(Sequence[AudioStream], streams),
        pool,
        batch_hops=batch_hops,
        decode_here=decode_here,
        with_tail=with_tail,
    )


@SLOW_LAW
@given(
    lengths=st.lists(st.integers(1, 80), min_size=1, max_size=6),
    block_samples=st.integers(1, 30),
    batch_hops=st.integers(2, 20),
    window_hops=st.integers(1, 4),
    num_threads=st.integers(1, 2),
    seconds_per_window=st.sampled_from([0.0, 0.03, 1.0]),
    decode_here=st.booleans(),
)
def test_every_window_hears_its_own_streams_samples_whatever_shares_its_batch(
    lengths: list[int],
    block_samples: int,
    batch_hops: int,
    window_hops: int,
    num_threads: int,
    seconds_per_window: float,
    decode_here: bool,
) -> None:
    streams = [NumberedStream(index, length, block_samples) for index, length in enumerate(lengths)]
    parrot = Parrot(window_hops)
    parrot.seconds_per_window = seconds_per_window
    results = tagged(streams, parrot, batch_hops=batch_hops, num_threads=num_threads, decode_here=decode_here)
    assert [result.probabilities.tolist() for result in results] == [stream.windows(window_hops) for stream in streams]


@SLOW_LAW
@given(
    lengths=st.lists(st.tuples(st.integers(1, 80), st.booleans()), min_size=1, max_size=6),
    block_samples=st.integers(1, 30),
    batch_hops=st.integers(2, 20),
    window_hops=st.integers(1, 4),
    seconds_per_window=st.sampled_from([0.0, 0.03]),
)
def test_a_tail_window_hears_the_end_and_leaves_all_others_as_they_are(
    lengths: list[tuple[int, bool]], block_samples: int, batch_hops: int, window_hops: int, seconds_per_window: float
) -> None:
    streams = [NumberedStream(index, length, block_samples) for index, (length, _) in enumerate(lengths)]
    wanted = [with_tail for _, with_tail in lengths]
    parrot = Parrot(window_hops)
    parrot.seconds_per_window = seconds_per_window
    results = tagged(streams, parrot, batch_hops=batch_hops, num_threads=2, with_tail=wanted)
    for stream, result, with_tail in zip(streams, results, wanted, strict=True):
        tail = stream.tail(window_hops) if with_tail else []
        assert result.probabilities.tolist() == stream.windows(window_hops) + tail
        start_seconds = (len(stream.samples) - HOP * window_hops) / HOP
        assert result.tail_start_seconds == (start_seconds if tail else None)


@pytest.mark.parametrize("fails_at", [0, 3])
def test_a_stream_that_fails_has_no_tail(fails_at: int) -> None:
    streams = [NumberedStream(0, 21, fails_at=fails_at), NumberedStream(1, 21)]
    failed, whole = tagged(streams, Parrot(), with_tail=[True, True])
    assert (str(failed.error), failed.tail_start_seconds) == ("damaged", None)
    assert whole.probabilities.tolist() == streams[1].windows(2) + streams[1].tail(2)


@SLOW_LAW
@given(lengths=st.lists(st.integers(1, 80), min_size=1, max_size=6), batch_hops=st.integers(2, 20))
def test_a_batch_is_no_larger_than_asked_for_give_or_take_a_block(lengths: list[int], batch_hops: int) -> None:
    model = Parrot()
    tagged([NumberedStream(index, length) for index, length in enumerate(lengths)], model, batch_hops=batch_hops)
    # A block completes one hop here, the last one up to two; every stream brings a hop that it shares with before.
    assert max(num_hops for num_hops, _ in model.calls) <= batch_hops + 2 + len(lengths)


def test_short_streams_share_one_call_of_the_model() -> None:
    model = Parrot()
    tagged([NumberedStream(index, 8) for index in range(3)], model, batch_hops=64)
    assert model.calls == [(6, 3)]


def test_a_long_stream_is_scored_in_batches() -> None:
    model = Parrot()
    tagged([NumberedStream(0, 4 * 100)], model, batch_hops=10)
    assert len(model.calls) >= 10
    assert sum(num_windows for _, num_windows in model.calls) == 99


@pytest.mark.parametrize(
    ("lengths", "batch_hops", "fills"),
    [
        ([8], 4, [0.5]),  # two hops of four
        ([8, 8], 4, [1.0, 1.0]),  # together they fill it
        ([8, 8, 8], 4, [1.0, 1.0, 1.0]),
        ([4 * 5], 4, [0.875]),  # four hops of four make three windows, and the last two share one batch of two hops
    ],
)
def test_the_fill_of_the_batches_is_told(lengths: list[int], batch_hops: int, fills: list[float]) -> None:
    results = tagged(
        [NumberedStream(index, length, 4) for index, length in enumerate(lengths)], Parrot(), batch_hops=batch_hops
    )
    assert [result.batch_fill for result in results] == fills


@pytest.mark.parametrize(("streams", "blocks_each", "expected"), [(1, 3, 0), (1, 100, 3), (15, 1, 0), (50, 1, 3)])
def test_memory_goes_back_now_and_then_in_a_long_stream_and_in_many_short_ones(
    monkeypatch: pytest.MonkeyPatch, streams: int, blocks_each: int, expected: int
) -> None:
    calls: list[int] = []
    monkeypatch.setattr("handler.tagger._BLOCKS", count(1))
    monkeypatch.setattr("handler.tagger.PiledUpMemory.give_back_if_much", lambda _: calls.append(1))
    for _ in range(streams):
        tagged([NumberedStream(0, 4 * blocks_each, 4)], Parrot())
    assert len(calls) == expected


def test_no_streams_are_no_results() -> None:
    assert tagged([], Parrot()) == []


def test_the_duration_is_the_streams() -> None:
    results = tagged([NumberedStream(0, 9), NumberedStream(1, 1)], Parrot())
    assert [result.duration_seconds for result in results] == [2.25, 0.25]


@pytest.mark.parametrize("fails_at", [0, 1, 5, 20])
@pytest.mark.parametrize("batch_hops", [2, 8, 100])
def test_a_stream_that_fails_leaves_its_neighbours_alone(fails_at: int, batch_hops: int) -> None:
    neighbours = [NumberedStream(0, 50), NumberedStream(2, 90)]
    streams = [neighbours[0], NumberedStream(1, 70, fails_at=fails_at), neighbours[1]]
    first, failed, last = tagged(streams, Parrot(), batch_hops=batch_hops)
    assert [first.probabilities.tolist(), last.probabilities.tolist()] == [stream.windows(2) for stream in neighbours]
    assert (str(failed.error), failed.probabilities.size) == ("damaged", 0)


def test_all_streams_may_fail() -> None:
    results = tagged([NumberedStream(index, 9, fails_at=index) for index in range(3)], Parrot())
    assert [type(result.error) for result in results] == [BadRequestError] * 3


def test_a_model_that_fails_strikes_everybody_in_the_batch() -> None:
    results = tagged(
        [NumberedStream(index, 8) for index in range(3)], Parrot(fails_on=lambda hops: True), batch_hops=64
    )
    assert [str(result.error) for result in results] == ["out of memory"] * 3


def test_a_model_that_fails_leaves_those_alone_whose_windows_are_elsewhere() -> None:
    short, long = NumberedStream(0, 8), NumberedStream(1, 400)
    # Only the end of the long stream is too much for it, and by then the short one is through.
    model = Parrot(fails_on=lambda hops: bool((hops >= 2_300).any()))
    first, second = tagged([short, long], model, batch_hops=4)
    assert first.probabilities.tolist() == short.windows(2)
    assert str(second.error) == "out of memory"


class WatchedStream(NumberedStream):
    """Notes which threads read it."""

    def __init__(self, number: int, num_samples: int) -> None:
        super().__init__(number, num_samples, HOP)
        self.readers: list[threading.Thread] = []

    def __iter__(self) -> Iterator[torch.Tensor]:
        for block in super().__iter__():
            self.readers.append(threading.current_thread())
            yield block


def test_without_a_core_to_spare_short_streams_are_decoded_here_and_long_ones_ahead() -> None:
    short, long = WatchedStream(0, 2 * HOP), WatchedStream(1, 30 * HOP)
    tagged([short, long], Parrot(), batch_hops=4, decode_here=True)
    assert set(short.readers) == {threading.current_thread()}
    assert long.readers[:4] == [threading.current_thread()] * 4
    assert threading.current_thread() not in long.readers[4:]


def test_with_cores_to_spare_streams_are_decoded_at_once() -> None:
    streams = [WatchedStream(index, 2 * HOP) for index in range(2)]
    tagged(streams, Parrot())
    readers = {stream.readers[0] for stream in streams}
    assert len(readers) == 2
    assert threading.current_thread() not in readers


def test_no_decoding_thread_is_left_behind() -> None:
    before = set(threading.enumerate())
    tagged([NumberedStream(index, 2_000) for index in range(3)], Parrot(), batch_hops=2)
    left = [thread.name for thread in set(threading.enumerate()) - before if not thread.name.startswith("scoring")]
    assert left == []


# --- real audio and a real model file ---


@pytest.fixture(scope="module")
def toy(toy_model: Path) -> Model:
    return load_model(toy_model, torch.device("cpu"))


def raw_stream(samples: Floats) -> AudioStream:
    media = RawPcm(SAMPLE_RATE, SAMPLE_FORMATS["f32le"], 1)
    return AudioStream(memoryview(samples.tobytes()), media, sample_rate=SAMPLE_RATE, max_seconds=99)


def file_stream(body: bytes | bytearray) -> AudioStream:
    return AudioStream(memoryview(bytearray(body)), EncodedAudio(), sample_rate=SAMPLE_RATE, max_seconds=99)


@pytest.mark.parametrize(("seconds", "num_windows"), [(0.5, 1), (1.999, 1), (2.0, 1), (2.001, 1), (3.012, 2)])
@pytest.mark.parametrize("encoding", ["flac", "mp3"])
def test_windows_of_real_files(toy: Model, encoding: str, seconds: float, num_windows: int) -> None:
    body = audio.encode(audio.tone(1_000, 0.6, seconds), 44_100, encoding)
    (result,) = tagged([file_stream(body)], toy)
    assert len(result.probabilities) == num_windows
    assert result.duration_seconds == pytest.approx(seconds, abs=0.005)


@pytest.mark.parametrize("encoding", ["wav", "vorbis", "opus", "m4a"])
def test_a_tone_is_heard_in_every_window_that_it_fills(toy: Model, encoding: str) -> None:
    body = audio.encode(audio.tone(1_000, 0.6, 4.0), 44_100, encoding)
    (result,) = tagged([file_stream(body)], toy)
    assert result.probabilities[:3, NAMES.index("Siren")] == pytest.approx([0.6] * 3, abs=0.01)
    assert result.probabilities[:3, NAMES.index("Speech")] == pytest.approx([0.0] * 3, abs=0.01)


def test_half_a_second_is_padded_with_silence(toy: Model) -> None:
    (result,) = tagged([raw_stream(audio.tone(1_000, 0.8, 0.5, SAMPLE_RATE))], toy)
    assert result.probabilities[0, NAMES.index("Siren")] == pytest.approx(0.8 / 4, abs=0.01)


def test_a_hop_that_only_resampling_completes_makes_no_window(toy: Model) -> None:
    # One sample less than 3 s; at 16 kHz that rounds up to 48,000 samples.
    media = RawPcm(44_101, SAMPLE_FORMATS["s16le"], 1)
    body = memoryview(bytearray(2 * (3 * 44_101 - 1)))
    (result,) = tagged([AudioStream(body, media, sample_rate=SAMPLE_RATE, max_seconds=99)], toy)
    assert len(result.probabilities) == 1


def test_a_tail_window_is_exactly_the_last_two_seconds(toy: Model) -> None:
    sound = audio.lively(2.95, sample_rate=SAMPLE_RATE)[:, 0]
    with_tail, end = tagged([raw_stream(sound), raw_stream(sound[-2 * SAMPLE_RATE :])], toy, with_tail=[True, True])
    assert np.array_equal(with_tail.probabilities[-1:], end.probabilities)
    assert with_tail.tail_start_seconds == pytest.approx(0.95)
    assert end.tail_start_seconds is None


class Body(bytearray):
    """A bytearray that can be watched."""


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    "content", [b"no audio at all", audio.clip("wav")[:40], audio.clip("mp3"), audio.clip("m4a")], ids=len
)
def test_a_body_is_let_go_with_its_result(toy: Model, content: bytes) -> None:
    body = Body(content)
    watched = weakref.ref(body)
    streams = [AudioStream(memoryview(body), EncodedAudio(), sample_rate=SAMPLE_RATE, max_seconds=99)]
    results = tagged(streams, toy)
    del body, streams, results
    assert watched() is None


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_body_is_let_go_when_the_model_fails() -> None:
    body = Body(audio.clip("wav", 5.0))
    watched = weakref.ref(body)
    streams = [AudioStream(memoryview(body), EncodedAudio(), sample_rate=1_000, max_seconds=99)]
    results = tagged(streams, Parrot(fails_on=lambda hops: True))
    assert results[0].error is not None
    del body, streams, results
    assert watched() is None


@pytest.mark.usefixtures("no_garbage_collection")
def test_no_decoding_thread_is_left_behind_by_a_model_that_fails() -> None:
    before = set(threading.enumerate())
    results = tagged([NumberedStream(0, 2_000)], Parrot(fails_on=lambda hops: True), batch_hops=2)
    left = [thread.name for thread in set(threading.enumerate()) - before if not thread.name.startswith("scoring")]
    assert (str(results[0].error), left) == ("out of memory", [])


@SLOW_LAW
@given(
    seconds=st.lists(st.floats(0.01, 6.0), min_size=2, max_size=5),
    batch_hops=st.integers(2, 12),
)
def test_each_stream_gets_in_company_what_it_gets_alone(toy: Model, seconds: list[float], batch_hops: int) -> None:
    sounds = [audio.lively(length, sample_rate=SAMPLE_RATE, seed=index)[:, 0] for index, length in enumerate(seconds)]
    together = tagged([raw_stream(sound) for sound in sounds], toy, batch_hops=batch_hops)
    alone = [tagged([raw_stream(sound)], toy, batch_hops=64)[0] for sound in sounds]
    for one, other in zip(together, alone, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_a_body_that_is_no_audio_leaves_its_neighbours_alone(toy: Model) -> None:
    good = audio.encode(audio.tone(1_000, 0.6, 2.0), 44_100, "mp3")
    results = tagged([file_stream(good), file_stream(b"no audio at all"), file_stream(good)], toy)
    assert [type(result.error) for result in results] == [type(None), BadRequestError, type(None)]
    assert np.array_equal(results[0].probabilities, results[2].probabilities)
