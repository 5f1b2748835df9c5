from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadRequestError, UnsupportedTypeError
from handler.media import MU_LAW, SAMPLE_FORMATS, EncodedAudio, RawPcm
from handler.wire.content_type import parse_content_type
from tests.support.attempt import attempt
from tests.support.properties import LAW

# Types that clients really send: libraries' guesses from file names, browsers' recorders, phones, S3, SDKs.
ENCODED = (
    "audio/mp3 audio/wav audio/ogg application/octet-stream audio/mpeg audio/x-wav audio/wave audio/vnd.wave "
    "application/ogg audio/opus audio/flac audio/x-flac audio/mp4 audio/m4a audio/x-m4a audio/aac audio/webm "
    "binary/octet-stream file-path/raw-bytes video/webm video/mp4 audio/x-aac audio/aacp audio/x-hx-aac-adts "
    "audio/x-mp3 audio/mpga audio/3gpp audio/x-matroska video/quicktime audio/aiff audio/x-rawr audio/* video/* */*"
).split()
FORMATS = [f"{kind}{bits}{order}" for kind in "suf" for bits in (16, 24, 32) for order in ("le", "be")]


def raw(sample_rate: int, sample_format: str, num_channels: int = 1) -> RawPcm:
    return RawPcm(sample_rate, SAMPLE_FORMATS[sample_format], num_channels)


@pytest.mark.parametrize("media_type", ENCODED)
def test_the_bytes_decide_for_every_type_that_can_hold_audio(media_type: str) -> None:
    assert parse_content_type(media_type) == EncodedAudio()


@pytest.mark.parametrize(
    "header", ["AUDIO/MP3", "Audio/Mpeg", " audio/wav ", "audio/webm;codecs=opus", 'audio/ogg; codecs="vorbis"']
)
def test_case_spaces_and_parameters_of_encoded_audio_do_not_matter(header: str) -> None:
    assert parse_content_type(header) == EncodedAudio()


@pytest.mark.parametrize("name", FORMATS)
def test_every_sample_format_is_known_by_its_name(name: str) -> None:
    media = parse_content_type(f"audio/x-raw; rate=22050; format={name}; channels=2")
    assert media == raw(22_050, name, 2)


def test_channels_default_to_one() -> None:
    assert parse_content_type("audio/x-raw; rate=8000; format=s16le") == raw(8_000, "s16le")


@pytest.mark.parametrize(
    "header",
    [
        "audio/x-raw;rate=16000;format=s16le;channels=2",
        "audio/x-raw ;  rate = 16000 ;format= s16le; channels =2",
        "audio/x-raw;\trate=16000;\tformat=s16le;\tchannels=2",
        "audio/x-raw; channels=2; format=s16le; rate=16000",
        "Audio/X-RAW; Rate=16000; FORMAT=S16LE; chANNels=2",
        'audio/x-raw; rate="16000"; format="s16le"; channels="2"',
        "audio/x-raw; rate=16000; format=s16le; channels=2;",
        "audio/x-raw; rate=16000; format=s16le; channels=2; layout=interleaved",
        "audio/x-raw; rate=016000; format=s16le; channels=02",
    ],
)
def test_spelling_of_raw_parameters_is_free(header: str) -> None:
    assert parse_content_type(header) == raw(16_000, "s16le", 2)


@pytest.mark.parametrize("sample_rate", [1_000, 384_000])
def test_the_extreme_rates_are_taken(sample_rate: int) -> None:
    assert parse_content_type(f"audio/x-raw; rate={sample_rate}; format=f32le") == raw(sample_rate, "f32le")


@pytest.mark.parametrize("num_channels", [1, 64])
def test_the_extreme_channel_counts_are_taken(num_channels: int) -> None:
    header = f"audio/x-raw; rate=8000; format=u24be; channels={num_channels}"
    assert parse_content_type(header) == raw(8_000, "u24be", num_channels)


@pytest.mark.parametrize("value", ["999", "384001", "0", "-16000", "16000.0", "16k", "", "1e4", "16 000", "٨٠٠٠"])
def test_a_bad_rate_is_named_with_the_range(value: str) -> None:
    with pytest.raises(BadRequestError, match="from 1000 to 384000") as caught:
        parse_content_type(f"audio/x-raw; rate={value}; format=s16le")
    assert f"rate={value!r}" in str(caught.value)


@pytest.mark.parametrize("value", ["0", "65", "-1", "two", "", "1.5", "99999999999999"])
def test_a_bad_channel_count_is_named_with_the_range(value: str) -> None:
    with pytest.raises(BadRequestError, match="from 1 to 64") as caught:
        parse_content_type(f"audio/x-raw; rate=8000; format=s16le; channels={value}")
    assert f"channels={value!r}" in str(caught.value)


@pytest.mark.parametrize("value", ["s16", "s8", "u8", "f64le", "S16LEX", "", "mulaw", "s16-le"])
def test_a_bad_format_is_named_with_the_known_ones(value: str) -> None:
    with pytest.raises(BadRequestError, match=f"use one of {', '.join(FORMATS)}") as caught:
        parse_content_type(f"audio/x-raw; rate=8000; format={value}")
    assert f"format={value!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("header", "missing"),
    [
        ("audio/x-raw", "rate"),
        ("audio/x-raw; format=s16le", "rate"),
        ("audio/x-raw; rate=16000", "format"),
        ("audio/x-raw; rate=16000; channels=1", "format"),
    ],
)
def test_a_missing_raw_parameter_is_named(header: str, missing: str) -> None:
    with pytest.raises(BadRequestError, match=f"needs the parameter '{missing}'"):
        parse_content_type(header)


@pytest.mark.parametrize("header", [None, "", "   ", "\t"])
def test_a_missing_header_is_told_what_to_send(header: str | None) -> None:
    with pytest.raises(BadRequestError, match=r"missing; send one of audio/mp3.*format=s16le"):
        parse_content_type(header)


@pytest.mark.parametrize(
    "header",
    [
        "text/plain",
        "audio",
        "audio/",
        "/mp3",
        "audio/mp3/x",
        "audio/mp3 x",
        "*",
        "text/html",
        "image/png",
        "image/*",
        "application/json",
        "application/pdf",
        "application/zip",
        "model/audio",
        ";",
        "x",
    ],
)
def test_an_unsupported_type_is_415_and_named(header: str) -> None:
    with pytest.raises(UnsupportedTypeError, match="send one of audio/mp3") as caught:
        parse_content_type(header)
    assert repr(header) in str(caught.value)


@pytest.mark.parametrize("header", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_a_form_is_told_to_send_the_bytes(header: str) -> None:
    with pytest.raises(UnsupportedTypeError, match="--data-binary"):
        parse_content_type(header)


@LAW
@given(
    st.integers(1_000, 384_000),
    st.sampled_from(FORMATS),
    st.integers(1, 64),
    st.permutations([0, 1, 2]),
    st.sampled_from([";", "; ", " ; ", ";\t"]),
)
def test_what_is_written_is_read(rate: int, name: str, channels: int, order: list[int], separator: str) -> None:
    parameters = [f"rate={rate}", f"format={name}", f"channels={channels}"]
    header = separator.join(["audio/x-raw", *(parameters[index] for index in order)])
    assert parse_content_type(header) == raw(rate, name, channels)


@LAW
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255)))
def test_junk_is_at_most_a_callers_error(header: str) -> None:
    outcome = attempt(lambda: parse_content_type(header))
    assert outcome == EncodedAudio() or len(str(outcome)) < 1_000


@pytest.mark.parametrize("header", ["audio/mp3; x*=utf-8''y", "audio/mp3; a*=x", "audio/webm; a*0=b; a*1*=c"])
def test_extended_parameters_of_encoded_audio_do_not_matter(header: str) -> None:
    assert parse_content_type(header) == EncodedAudio()


@pytest.mark.parametrize("repeated", ["rate=48000", "format=s24le", "channels=2", "RATE=16000"])
def test_a_repeated_raw_parameter_is_refused(repeated: str) -> None:
    with pytest.raises(BadRequestError, match="given twice"):
        parse_content_type(f"audio/x-raw; rate=16000; format=s16le; channels=1; {repeated}")


odd_names = st.sampled_from(["rate", "rate*", "rate*0", "rate*1*", "format*", "x", "a*" + "9" * 5_000, "\ud800"])
odd_values = st.sampled_from(["1", "utf-8''16000", "x''y", "idna''x", '"', '"\\', "''", "%ff", "", "é", "\ud800"])


@LAW
@given(st.lists(st.tuples(odd_names, odd_values)))
def test_odd_parameters_of_raw_audio_are_a_bad_request(parameters: list[tuple[str, str]]) -> None:
    with pytest.raises(BadRequestError, match="audio/x-raw"):
        parse_content_type("; ".join(["audio/x-raw", *(f"{name}={value}" for name, value in parameters)]))


@pytest.mark.parametrize(
    "header",
    [
        "audio/x-raw,format=S16LE,rate=16000,channels=2",
        "audio/x-raw, format=S16LE, rate=16000, channels=2",
        "audio/x-raw, format=(string)S16LE, layout=(string)interleaved, rate=(int)16000, channels=(int)2",
        "audio/x-raw, rate=(int)16000, channels=(int) 2, format=(string)S16LE, channel-mask=(bitmask)0x3",
        'audio/x-raw;format="S16LE",rate=16000;channels=2,layout=Interleaved',
    ],
)
def test_gstreamers_caps_are_read(header: str) -> None:
    assert parse_content_type(header) == raw(16_000, "s16le", 2)


def test_channels_that_are_not_interleaved_are_refused() -> None:
    with pytest.raises(BadRequestError, match="layout='non-interleaved' is not served; send interleaved channels"):
        parse_content_type("audio/x-raw,format=S16LE,rate=16000,channels=2,layout=non-interleaved")


@pytest.mark.parametrize(("media_type", "name"), [("audio/L16", "s16be"), ("audio/l24", "s24be")])
def test_linear_audio_is_signed_and_big_endian(media_type: str, name: str) -> None:
    assert parse_content_type(f"{media_type}; rate=44100") == raw(44_100, name)
    assert parse_content_type(f"{media_type};channels=2; rate=8000; emphasis=none") == raw(8_000, name, 2)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("audio/L16", "^audio/l16 needs the parameter 'rate', a whole number from 1000"),
        ("audio/L24; rate=8", "^audio/l24: rate='8' is not a whole number"),
        ("audio/L16; rate=8000; channels=0", "^audio/l16: channels='0' is not"),
        ("audio/L16; rate=8000; rate=8000", "^audio/l16: a parameter is given twice"),
    ],
)
def test_a_bad_parameter_of_linear_audio_is_named(header: str, message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        parse_content_type(header)


@pytest.mark.parametrize("header", ["audio/basic", "Audio/Basic; rate=8000"])
def test_basic_audio_is_mu_law_of_a_telephone(header: str) -> None:
    assert parse_content_type(header) == RawPcm(8_000, MU_LAW, 1)
