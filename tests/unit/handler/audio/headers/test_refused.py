from __future__ import annotations

import base64

import pytest

from handler.audio.headers.container import identify
from handler.errors import BadRequestError
from tests.support import audio

MP3 = audio.clip("mp3_no_xing", 0.5)
WEBM = audio.clip("webm")


def free_format(frame_bytes: int = 304) -> bytes:
    """Frames of bit rate index 0, all of one size but for padding."""
    frame, padded = b"\xff\xfb\x00\xc4" + bytes(frame_bytes - 4), b"\xff\xfb\x02\xc4" + bytes(frame_bytes - 3)
    return (frame + padded + frame) * 7


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (free_format(), "free-format MP3"),
        (free_format(2_089), "free-format MP3"),
        (b"ID3\x04\0\0\0\0\0\x20" + bytes(32) + free_format(), "free-format MP3"),
        (WEBM[WEBM.index(b"\x1f\x43\xb6\x75") :], "later part of a WebM recording, without its beginning.*join all"),
        (WEBM[WEBM.index(b"\xa3", WEBM.index(b"\x1f\x43\xb6\x75")) :], "later part of a WebM recording"),
        (base64.b64encode(MP3), "base64 text; decode it"),
        (base64.encodebytes(MP3), "base64 text; decode it"),
        (b"data:audio/mp3;base64," + base64.b64encode(MP3), "data URI"),
        (b'{"audio": "' + base64.b64encode(MP3) + b'"}', "JSON"),
        (b'--abc123\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + audio.clip("wav"), "a form"),
        (b"\x1f\x8b\x08\0" + bytes(100), "gzip.*Content-Encoding"),
        (b"PK\x03\x04" + bytes(100), "an archive"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"#EXTM3U\nhttp://127.0.0.1/a.mp3", "a playlist"),
        (b"MThd\0\0\0\x06", "MIDI"),
        (b"wvpk" + bytes(60), "WavPack"),
        (b"RIFF\x24\0\0\0AVI LIST", "AVI.*ffmpeg"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "a picture"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_names_the_format_and_the_cure(body: bytes, words: str) -> None:
    with pytest.raises(BadRequestError, match=f"no audio that can be decoded: it is (an? )?{words}"):
        identify(memoryview(body))
