"""Names for bodies that are not served, with what to do instead: a caller cannot read hexadecimal bytes."""

from __future__ import annotations

import re

from handler.audio.headers.mpeg_frames import is_free_format

_SOUND_FILE = "send the bytes of the sound file themselves as the body"
_CONVERT = "convert it to one that is served, such as FLAC or MP3 (ffmpeg -i FILE out.flac)"
# First bytes -> what they are, and the cure.
_MAGICS: tuple[tuple[re.Pattern[bytes], str, str], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), name, cure)
    for pattern, name, cure in (
        (rb"\x1f\x8b", "gzip data", "unpack it first, or send the header Content-Encoding: gzip"),
        (
            rb"PK\x03\x04|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ",
            "an archive",
            "unpack it and send one sound file for each request",
        ),
        (
            rb"\x1f\x43\xb6\x75|\xa3([\x80-\xff]|[\x40-\x7f].)\x81.{2}[\0\x80]",
            "a later part of a WebM recording, without its beginning",
            "join all parts of the recording, the first one first, and send them as one body",
        ),
        (rb"\s*data:[\w/+.-]*[;,]", "a data URI", f"decode its base64 part, and {_SOUND_FILE}"),
        (rb"\s*[{\[]", "JSON", f"{_SOUND_FILE}, not inside of JSON and not as base64"),
        (rb"--[^\r\n]{1,200}\r?\ncontent-", "a form", f"{_SOUND_FILE} (curl: --data-binary @file)"),
        (rb"\s*<(!doctype|html|\?xml)", "a web page or XML", f"{_SOUND_FILE}; the download may have failed"),
        (rb"\s*#extm3u|\s*\[playlist\]|\s*ffconcat", "a playlist", "send the audio that it names"),
        (rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|RIFF.{4}WEBP", "a picture", "send a sound file"),
        (rb"%PDF", "a PDF document", "send a sound file"),
        (rb"MThd|RIFF.{4}RMID", "MIDI, which holds notes and no sound", "render it to audio first"),
        (rb"RIFF.{4}AVI ", "AVI", "send its audio alone (ffmpeg -i FILE -vn out.flac)"),
        (rb"\0\0\x01\xba", "an MPEG program stream", "send its audio alone (ffmpeg -i FILE -vn out.flac)"),
        (rb"#!AMR(-WB)?_MC", "AMR of several channels", _CONVERT),
        (rb"\x02?#!SILK", "SILK", _CONVERT),
        (rb"wvpk", "WavPack", _CONVERT),
        (rb"MAC ", "Monkey's Audio", _CONVERT),
        (rb"MPCK|MP\+", "Musepack", _CONVERT),
        (rb"TTA1", "True Audio", _CONVERT),
        (rb"OFR ", "OptimFROG", _CONVERT),
        (rb"DSD |FRM8", "DSD", _CONVERT),
        (rb"\.RMF|\.ra\xfd", "RealAudio", _CONVERT),
        (rb"ADIF", "AAC in ADIF", _CONVERT),
        (rb"RIFF|RIFX|RF64|BW64", "RIFF without WAVE inside", _CONVERT),
        (rb"FORM", "IFF without AIFF inside", _CONVERT),
    )
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_\-\r\n]{64,}={0,2}\s*\Z")
_HEAD_BYTES = 1 << 14  # some frames of the highest free bit rates


def describe(body: memoryview) -> str | None:
    """Says what a body is that is not served, and what to do; None where it is unknown."""
    head = bytes(body[:_HEAD_BYTES])
    for pattern, name, cure in _MAGICS:
        if pattern.match(head):
            return f"it is {name}, which is not served; {cure}"
    if is_free_format(head):
        return f"it is free-format MP3 (bit rate index 0), which is not served; {_CONVERT}"
    if _BASE64.match(head):
        return f"it is base64 text; decode it, and {_SOUND_FILE}"
    return None
