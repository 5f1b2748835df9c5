from __future__ import annotations

import itertools
import subprocess
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.audio.headers.container import Container, identify
from handler.errors import BadRequestError
from tests.support import audio, playlists
from tests.support.properties import LAW

pytestmark = pytest.mark.slow

NAMES = {
    "wav": "WAV",
    "wav24": "WAV",
    "wav32f": "WAV",
    "w64": "Wave64",
    "rf64": "WAV",
    "flac": "FLAC",
    "flac24": "FLAC",
    "mp3": "MP3",
    "mp3_vbr": "MP3",
    "mp3_no_xing": "MP3",
    "vorbis": "Ogg",
    "opus": "Ogg",
    "webm": "WebM",
    "aac": "AAC",
    "m4a": "MP4",
}
# A stream of bare MPEG frames, without any tag.
MP3 = audio.clip("mp3_no_xing", 0.5)
FLAC = audio.clip("flac", 0.1)
AAC = audio.clip("aac", 0.3)
# The beginning of every container that is known by it.
DISGUISES = [
    b"RIFF    WAVE",
    b"RIFX    WAVE",
    b"OggS",
    b"    ftypjp2 ",
    b"\0\0\0\x08wide",
    b"\x1a\x45\xdf\xa3webm",
    b"fLaC",
    b"FORM    AIFF",
    b".snd",
    b"caff\0",
    b"#!AMR\n",
    bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    b"FLV\x01",
    b"\x0b\x77",
    3 * (b"G" + bytes(187)) + b"G",
]
HTML = b"<!DOCTYPE html><html><head><title>504 Gateway Time-out</title></head><body></body></html>\n"


def found(body: bytes) -> Container:
    return identify(memoryview(body))


def id3v2(content: bytes, *, claimed_size: int | None = None, has_footer: bool = False) -> bytes:
    """An ID3v2.4 tag: 10 bytes of header with a 28-bit size in groups of 7 bits, the content, perhaps a footer."""
    size = len(content) if claimed_size is None else claimed_size
    digits = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    flags = 0x10 if has_footer else 0
    footer = b"3DI\x04\x00" + bytes([flags]) + digits if has_footer else b""
    return b"ID3\x04\x00" + bytes([flags]) + digits + content + footer


def noise(size_bytes: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(size_bytes)


def test_every_encoding_is_listed_here() -> None:
    assert set(NAMES) == set(audio.ENCODINGS)


@pytest.mark.parametrize("encoding", audio.ENCODINGS)
def test_every_container_is_identified(encoding: str) -> None:
    assert found(audio.clip(encoding)).name == NAMES[encoding]


@pytest.mark.parametrize("encoding", sorted({*audio.ENCODINGS} - {"mp3", "mp3_vbr"}))
def test_a_container_without_tags_begins_at_its_first_byte(encoding: str) -> None:
    assert found(audio.clip(encoding)).start_bytes == 0


@pytest.mark.parametrize(
    ("arguments", "sample_rate", "name"),
    [
        (("-c:a", "libmp3lame", "-b:a", "8k", "-f", "mp3"), 8_000, "MP3"),
        (("-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"), 11_025, "MP3"),
        (("-c:a", "libmp3lame", "-b:a", "16k", "-f", "mp3"), 12_000, "MP3"),
        (("-c:a", "libmp3lame", "-b:a", "24k", "-f", "mp3"), 16_000, "MP3"),
        (("-c:a", "libmp3lame", "-b:a", "160k", "-f", "mp3"), 22_050, "MP3"),
        (("-c:a", "libmp3lame", "-q:a", "9", "-f", "mp3"), 24_000, "MP3"),
        (("-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3"), 32_000, "MP3"),
        (("-c:a", "libmp3lame", "-b:a", "320k", "-f", "mp3"), 48_000, "MP3"),
        (("-c:a", "mp2", "-b:a", "192k", "-f", "mp2"), 44_100, "MP3"),
        (("-c:a", "mp2", "-b:a", "64k", "-f", "mp2"), 22_050, "MP3"),
        (("-c:a", "aac", "-f", "adts"), 8_000, "AAC"),
        (("-c:a", "aac", "-f", "adts"), 96_000, "AAC"),
        (("-c:a", "flac", "-f", "ogg"), 44_100, "Ogg"),
        (("-c:a", "flac", "-f", "matroska"), 44_100, "WebM"),
        (("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"), 44_100, "MP4"),
        (("-c:a", "alac", "-f", "ipod"), 44_100, "MP4"),
        (("-c:a", "pcm_mulaw", "-f", "wav"), 8_000, "WAV"),
    ],
)
def test_variants_of_a_container_are_identified(arguments: Sequence[str], sample_rate: int, name: str) -> None:
    body = audio.encode_as(audio.lively(0.5, sample_rate=sample_rate), sample_rate, arguments)
    assert found(bytes(body)).name == name


@pytest.mark.parametrize("magic", [b"RIFF", b"RF64", b"BW64"])
def test_every_spelling_of_wave_is_wave(magic: bytes) -> None:
    assert found(magic + b"\xff\xff\xff\xffWAVEfmt ").name == "WAV"


@pytest.mark.parametrize(
    "tags",
    [
        id3v2(b""),
        id3v2(bytes(100)),
        id3v2(b"\xff\xfb\x90\x64" * 1_000),
        id3v2(bytes(100), has_footer=True),
        id3v2(bytes(50)) + id3v2(bytes(60), has_footer=True) + id3v2(bytes(70)),
        id3v2(noise(200_000)),
        id3v2(bytes(3 << 20)),
    ],
    ids=["empty", "padding", "frame headers", "footer", "three", "picture", "large picture"],
)
@pytest.mark.parametrize(("payload", "name"), [(MP3, "MP3"), (FLAC, "FLAC"), (AAC, "AAC")])
def test_id3v2_tags_in_front_are_left_behind(payload: bytes, name: str, tags: bytes) -> None:
    assert found(tags + payload) == Container(name, len(tags))


@pytest.mark.parametrize("claimed_size", [0, 99, 101, 1_000, (1 << 28) - 1])
def test_mp3_behind_a_tag_with_a_lying_size_is_found(claimed_size: int) -> None:
    container = found(id3v2(bytes(100), claimed_size=claimed_size) + MP3)
    assert container.name == "MP3"
    assert MP3.endswith((id3v2(bytes(100)) + MP3)[container.start_bytes :])


@pytest.mark.parametrize(
    "junk",
    [b"\0", bytes(4_096), bytes(500_000), b"\xff" * 100, b"\xff\xfb\x90\x64", HTML, MP3[200:417], b"TAG" + bytes(125)],
    ids=["nul", "zeros", "many zeros", "ones", "lone header", "text", "half a frame", "ID3v1"],
)
def test_mp3_behind_junk_is_found(junk: bytes) -> None:
    assert found(junk + MP3) == Container("MP3", len(junk))


@pytest.mark.parametrize("num_frames", [1, 2, 3])
def test_a_few_frames_are_mp3_where_they_are_all_there_is(num_frames: int) -> None:
    ends = [start for start in range(4, len(MP3)) if MP3[start : start + 2] == MP3[:2]]
    assert found(MP3[: ends[num_frames - 1]]) == Container("MP3", 0)


# LAME is the judge of the bit rate tables. At these rates no frame is padded, so that a stream's frames begin alike.
@pytest.mark.parametrize(
    ("sample_rate", "kilobits"),
    [
        (32_000, (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)),
        (16_000, (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)),
        (8_000, (8, 16, 24, 32, 40, 48, 56, 64)),
    ],
)
def test_a_frame_of_any_bit_rate_ends_where_the_next_begins(sample_rate: int, kilobits: Sequence[int]) -> None:
    lame = ("-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3")
    encodings = {str(rate): (*lame, "-b:a", f"{rate}k") for rate in kilobits}
    streams = audio.encode_many(audio.lively(0.3, sample_rate=sample_rate), sample_rate, encodings).values()
    frames = [stream[: stream.index(stream[:3], 3)] for stream in streams]
    assert len(set(map(len, frames))) == len(kilobits)
    for start in range(len(frames)):
        assert found(b"".join(frames[start:] + frames[:start])) == Container("MP3", 0)


def test_a_chance_header_in_text_is_no_mp3() -> None:
    with pytest.raises(BadRequestError, match="is no audio"):
        found(HTML + MP3[:4] + HTML * 20)


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"\0",
        b"\xff",
        b"\xff\xfb\x90",
        b"RIFF",
        b"RIFF\x24\0\0\0AVI LIST",
        b"ID3",
        id3v2(b""),
        id3v2(bytes(100)),
        id3v2(bytes(100), claimed_size=5_000),
        id3v2(b"") + HTML,
        bytes(100_000),
        b"\xff" * 100_000,
        HTML,
        HTML.decode().encode("utf-16") * 10,
        b'{"audio": "UklGRgAAAABXQVZF"}',
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + noise(5_000),
        b"\x89PNG\r\n\x1a\n" + noise(5_000),
        b"GIF89a" + noise(5_000),
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + noise(5_000),
        b"PK\x03\x04\x14\0" + noise(5_000),
        b"\x1f\x8b\x08\0" + noise(5_000),
        b"\x7fELF\x02\x01\x01" + noise(5_000),
        b"FORM\0\0\1\x008SVXVHDR",
        b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
        b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1fB\x82\x84bogus",
        b"\0\0\1\xba" + noise(1_000),
        b"G\x40\0\x10" + noise(1_000),
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_on_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError, match="is no audio that can be decoded"):
        found(body)


def test_the_error_names_size_and_first_bytes_and_what_to_send() -> None:
    with pytest.raises(
        BadRequestError, match=r"\(89 bytes\).*7f 45 4c 46 02 01 01 00; send MP3, WAV.*audio/x-raw; rate="
    ):
        found(b"\x7fELF\x02\x01\x01" + bytes(82))


# Seeds and not hypothesis: a random body of a few bytes is a lone MPEG frame once in some thousands.
@pytest.mark.parametrize("exponent", range(18))
@pytest.mark.parametrize("seed", range(8))
def test_random_bytes_are_refused(exponent: int, seed: int) -> None:
    with pytest.raises(BadRequestError, match="is no audio"):
        found(noise((1 << exponent) - (seed if exponent > 4 else 0), seed + 100 * exponent))


@LAW
@given(st.text(min_size=1))
def test_text_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="is no audio"):
        found(b"\n" + text.encode())


@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_a_bare_playlist_is_refused(playlist: bytes) -> None:
    with pytest.raises(BadRequestError, match="is no audio"):
        found(playlist)


@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_a_playlist_behind_an_id3_tag_is_refused(playlist: bytes) -> None:
    with pytest.raises(BadRequestError, match="is no audio"):
        found(id3v2(bytes(20)) + playlist)


# No NUL in front: libavformat's probes search C strings.
@pytest.mark.parametrize("gap", [b"\n", b"\n" + b" " * 4_000 + b"\n", b"\n" + b"x" * 1_000_000 + b"\n"])
@pytest.mark.parametrize("disguise", [each for each in DISGUISES if b"\0" not in each])
@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_a_playlist_in_disguise_is_refused(playlist: bytes, disguise: bytes, gap: bytes) -> None:
    with pytest.raises(BadRequestError, match="holds a playlist; send the audio itself"):
        found(disguise + gap + playlist)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_behind_a_zero_byte_no_probe_finds_a_playlist(playlist: bytes, disguise: bytes) -> None:
    body = disguise + b"\n\0\n" + playlist
    command = ["ffprobe", "-v", "quiet", "-show_entries", "format=format_name", "-i", "-"]
    probed = subprocess.run(command, input=body, capture_output=True, check=False).stdout
    assert not any(name in probed for name in (b"hls", b"dash", b"sdp", b"concat", b"imf"))


@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_a_playlist_in_the_tags_of_an_mp3_stays_behind(playlist: bytes) -> None:
    tags = id3v2(playlist)
    assert found(tags + MP3) == Container("MP3", len(tags))


@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_a_playlist_in_front_of_mp3_frames_stays_behind(playlist: bytes) -> None:
    assert found(playlist + MP3) == Container("MP3", len(playlist))


@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_a_playlist_between_mp3_frames_is_junk(playlist: bytes) -> None:
    assert found(MP3 + playlist) == Container("MP3", 0)


@pytest.mark.parametrize("playlist", playlists.ALL.values(), ids=playlists.ALL)
def test_a_playlist_is_found_whatever_number_of_bytes_stand_around_it(playlist: bytes) -> None:
    for num_before, num_behind in itertools.product(range(8), range(4)):
        with pytest.raises(BadRequestError, match="holds a playlist"):
            found(b"OggS" + b"\xff" * num_before + playlist.rstrip(b"\n") + b"\xff" * num_behind)


@pytest.mark.parametrize("text", [b"<MPD", b"dash:profile:", b"EXTM3U", b"ffconcat", b"IN IP4 127.0.0.1"])
def test_words_of_a_playlist_alone_are_no_playlist(text: bytes) -> None:
    assert found(audio.clip("wav") + b"LIST" + text).name == "WAV"


@pytest.mark.parametrize("container", audio.RARE_ENCODINGS)
def test_rare_containers_are_identified(container: str) -> None:
    body = audio.rare_clip(container)
    assert found(body).name.lower().startswith(container.split("_")[0].lower())
    assert found(id3v2(bytes(70)) + body) == replace(found(body), start_bytes=80)


def test_tags_without_end_are_given_up() -> None:
    with pytest.raises(BadRequestError):
        found(id3v2(b"") * 100_000)
