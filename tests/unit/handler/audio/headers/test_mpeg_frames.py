"""Samples in a frame, against ISO/IEC 11172-3 (2.4.2.1) and 13818-3 (2.4.2.1)."""

from __future__ import annotations

import pytest

from handler.audio.headers.mpeg_frames import parse_header


@pytest.mark.parametrize(
    ("header", "num_samples"),
    [
        ("ffff9064", 384),  # MPEG-1, layer I
        ("fffd9064", 1152),  # MPEG-1, layer II
        ("fffb9064", 1152),  # MPEG-1, layer III
        ("fff79064", 384),  # MPEG-2, layer I
        ("fff59064", 1152),  # MPEG-2, layer II
        ("fff39064", 576),  # MPEG-2, layer III
    ],
)
def test_a_frame_has_as_many_samples_as_its_layer(header: str, num_samples: int) -> None:
    frame = parse_header(bytes.fromhex(header))
    assert frame is not None
    assert frame.num_samples == num_samples
