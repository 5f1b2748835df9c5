"""ffmpeg's files are the judge of the frame walk."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.mpeg_frames import FRAME_SAMPLES, audio_frames, frame_sizes
from tests.support.audio import clip, decode


def test_walks_a_whole_file() -> None:
    body = clip("mp3_no_xing")
    sizes = list(frame_sizes(body))
    assert sum(sizes) == len(body)
    assert len(decode(body)) <= FRAME_SAMPLES * len(sizes) <= len(decode(body)) + 3 * FRAME_SAMPLES


def test_leaves_an_incomplete_frame_out() -> None:
    body = clip("mp3_no_xing")
    whole = list(frame_sizes(body))
    assert list(frame_sizes(body[:-1])) == whole[:-1]
    assert list(frame_sizes(body[: whole[0]])) == whole[:1]
    assert list(frame_sizes(b"")) == []


def test_names_the_place_where_there_is_no_frame() -> None:
    body = clip("mp3_no_xing")
    first = next(frame_sizes(body))
    with pytest.raises(ValueError, match=f"at byte {first}$"):
        list(frame_sizes(body[:first] + b"RIFF" + body[first:]))


@pytest.mark.parametrize("encoding", ["mp3", "mp3_vbr"])
def test_takes_the_tags_away(encoding: str) -> None:
    body = clip(encoding)
    assert body.startswith(b"ID3")
    frames = audio_frames(body)
    assert sum(frame_sizes(frames)) == len(frames)
    assert not any(name in frames[:64] for name in (b"Xing", b"Info"))
    assert audio_frames(frames) == frames


def test_repeated_frames_play_on() -> None:
    """After the seam the second turn sounds as the first: no frame there leans on what is not there."""
    frames = audio_frames(clip("mp3"))
    num_samples = FRAME_SAMPLES * len(list(frame_sizes(frames)))
    sound = decode(frames * 2)
    assert len(sound) == 2 * num_samples
    # The first two frames still carry the filters' memory of what came before.
    settled = 2 * FRAME_SAMPLES
    np.testing.assert_allclose(sound[num_samples + settled :], sound[settled:num_samples], atol=1e-4)
