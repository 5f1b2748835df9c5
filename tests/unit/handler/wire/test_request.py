from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadRequestError, BodyTooLargeError, UnsupportedTypeError
from handler.media import MU_LAW, SAMPLE_FORMATS, EncodedAudio, RawPcm
from handler.sensitivity import Sensitivity
from handler.settings import Settings
from handler.wire.request import TagRequest, read_request
from tests.support.attempt import attempt
from tests.support.properties import LAW

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
ENVIRONMENT = Settings(default_sensitivity=-2, tags_sensitivity={"Environment": -2})


def read(
    headers: Mapping[str, object] | None = None, settings: Settings = ENVIRONMENT, body: object = b"sound"
) -> TagRequest:
    return tag_request({"body": body}, {"Content-Type": "audio/mp3", **(headers or {})}, settings)


def tag_request(row: Mapping[str, object], headers: Mapping[str, object], settings: Settings) -> TagRequest:
    request = read_request(row, headers, settings)
    assert request is not None
    return request


def name_disposed(value: str) -> str:
    return read({"Content-Disposition": value}).name


def test_a_bare_request_takes_everything_from_the_environment() -> None:
    request = read()
    assert request.sensitivity == Sensitivity(-2, {"Environment": -2})
    assert (request.name, request.warnings) == ("sagemaker_input", ())


@pytest.mark.parametrize("header", ["audio/mp3", " Audio/MPEG ; x=y", "audio/webm;codecs=opus"])
def test_the_content_type_is_kept_as_sent(header: str) -> None:
    request = read({"Content-Type": header})
    assert (request.content_type, request.media) == (header, EncodedAudio())


def test_raw_audio_is_described() -> None:
    request = read({"Content-Type": "audio/x-raw; rate=8000; format=s24be; channels=3"})
    assert request.media == RawPcm(8_000, SAMPLE_FORMATS["s24be"], 3)


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title, str.swapcase])
def test_header_names_are_case_insensitive(change: Callable[[str], str]) -> None:
    headers = {"Content-Type": "audio/wav", "X-Default-Sensitivity": "1", "X-Filename": "a", "X-Tags-Sensitivity": "{}"}
    request = tag_request({"body": b"x"}, {change(name): value for name, value in headers.items()}, Settings())
    assert (request.content_type, request.sensitivity.default, request.name) == ("audio/wav", 1, "a")


def test_custom_attributes_are_found_in_any_case() -> None:
    assert read({ATTRIBUTES.lower(): "X-Default-Sensitivity=2"}).sensitivity.default == 2


# Every field has its own precedence: header, then custom attributes, then environment.
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Sensitivity(-2, {"Environment": -2})),
        ({"X-Default-Sensitivity": "1"}, Sensitivity(1, {"Environment": -2})),
        ({"X-Tags-Sensitivity": '{"Header": 1}'}, Sensitivity(-2, {"Header": 1})),
        ({ATTRIBUTES: "X-Default-Sensitivity=2"}, Sensitivity(2, {"Environment": -2})),
        ({ATTRIBUTES: '{"tags_sensitivity": {"Attribute": 2}}'}, Sensitivity(-2, {"Attribute": 2})),
        ({"X-Default-Sensitivity": "1", ATTRIBUTES: "X-Default-Sensitivity=2"}, Sensitivity(1, {"Environment": -2})),
        (
            {"X-Default-Sensitivity": "0", ATTRIBUTES: 'X-Default-Sensitivity=2,X-Tags-Sensitivity={"Attribute": 2}'},
            Sensitivity(0, {"Attribute": 2}),
        ),
        (
            {"X-Tags-Sensitivity": "{}", ATTRIBUTES: 'X-Default-Sensitivity=2,X-Tags-Sensitivity={"Attribute": 2}'},
            Sensitivity(2, {}),
        ),
    ],
)
def test_the_first_source_that_speaks_wins_per_field(headers: dict[str, str], expected: Sensitivity) -> None:
    assert read(headers).sensitivity == expected


def test_a_header_hides_a_bad_custom_attribute() -> None:
    assert read({"X-Default-Sensitivity": "1", ATTRIBUTES: "X-Default-Sensitivity=9"}).sensitivity.default == 1


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-Default-Sensitivity": "9"}, r"^X-Default-Sensitivity: sensitivity 9 is"),
        ({"X-Default-Sensitivity": ""}, r"^X-Default-Sensitivity: sensitivity ''"),
        ({"X-Tags-Sensitivity": "x"}, r"^X-Tags-Sensitivity: 'x' is not valid JSON"),
        ({ATTRIBUTES: "X-Default-Sensitivity=9"}, r"^default_sensitivity in the custom attributes: sensitivity 9 is"),
        ({ATTRIBUTES: '{"tags_sensitivity": 3}'}, r"^tags_sensitivity in the custom attributes: 3 is not"),
        ({ATTRIBUTES: '{"default_sensitivity": true}'}, r"sensitivity True is not"),
        ({ATTRIBUTES: "foo"}, f"^{ATTRIBUTES}: 'foo'"),
    ],
)
def test_a_bad_value_is_named_with_its_source(headers: dict[str, str], message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        read(headers)


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Filename": "header.mp3"}, "header.mp3"),
        ({ATTRIBUTES: "X-Filename=attribute.mp3"}, "attribute.mp3"),
        ({ATTRIBUTES: '{"filename": "attribute.mp3"}'}, "attribute.mp3"),
        ({"Content-Disposition": 'attachment; filename="disposed.mp3"'}, "disposed.mp3"),
        ({"X-Filename": "h", ATTRIBUTES: "X-Filename=a", "Content-Disposition": "x; filename=d"}, "h"),
        ({ATTRIBUTES: "X-Filename=a", "Content-Disposition": "x; filename=d"}, "a"),
        ({"X-Filename": "", ATTRIBUTES: "X-Filename=", "Content-Disposition": "x; filename=d"}, "d"),
        ({"X-Filename": ""}, "sagemaker_input"),
    ],
)
def test_the_first_name_given_is_taken(headers: dict[str, str], name: str) -> None:
    assert read(headers).name == name


@pytest.mark.parametrize("value", ["5", "[1]", '{"a": 1}', "true"])
def test_a_name_that_is_no_text_is_refused(value: str) -> None:
    with pytest.raises(BadRequestError, match="filename in the custom attributes: .* is not text"):
        read({ATTRIBUTES: f'{{"filename": {value}}}'})


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=plain.mp3", "plain.mp3"),
        ("inline;filename=plain.mp3", "plain.mp3"),
        ('form-data; name="file"; filename="two words.mp3"', "two words.mp3"),
        (r'attachment; filename="with \"quotes\".mp3"', 'with "quotes".mp3'),
        ("attachment; FileName=plain.mp3", "plain.mp3"),
        ("attachment; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.mp3", "naïve €.mp3"),
        ("attachment; filename*=iso-8859-1'en'%A3.mp3", "£.mp3"),
        ("attachment; filename=\"plain\"; filename*=UTF-8''%C3%A9", "é"),
        ("attachment", "sagemaker_input"),
        ("attachment; filename=", "sagemaker_input"),
        ("", "sagemaker_input"),
    ],
)
def test_content_disposition_gives_the_name(header: str, name: str) -> None:
    assert name_disposed(header) == name


@pytest.mark.parametrize("value", ["idna''%C3%A9", "undefined''%C3%A9", "a\0b''%C3%A9"])
def test_a_name_that_cannot_be_decoded_is_no_name(value: str) -> None:
    assert name_disposed(f"attachment; filename*={value}") == "sagemaker_input"


def test_an_absurd_continuation_is_no_name() -> None:
    assert name_disposed(f"attachment; filename*{'9' * 5_000}=x") == "sagemaker_input"


@pytest.mark.parametrize("body", [b"sound", bytearray(b"sound"), memoryview(b"sound"), "sound"])
def test_any_kind_of_body_is_taken(body: object) -> None:
    assert bytes(read(body=body).body) == b"sound"


def test_the_body_is_not_copied() -> None:
    body = bytearray(b"sound")
    request = read(body=body)
    body[0] = ord("r")
    assert bytes(request.body) == b"round"


@pytest.mark.parametrize("row", [{"body": b""}, {"body": bytearray()}, {"body": memoryview(b"")}, {"body": ""}, {}])
def test_an_empty_body_is_left_to_the_decoder(row: dict[str, object]) -> None:
    assert len(tag_request(row, {"Content-Type": "audio/mp3"}, Settings()).body) == 0


# --- entries of a form that TorchServe has taken apart, and of a gRPC request's input map ---

FORM = "multipart/form-data; boundary=x"


def read_entries(entries: Mapping[str, object], headers: Mapping[str, object] | None = None) -> TagRequest:
    return tag_request(entries, headers or {}, Settings())


@pytest.mark.parametrize("name", ["data", "file", "body", "sound"])
def test_a_form_holds_one_file_under_any_name(name: str) -> None:
    headers = {"Content-Type": FORM, name: {"content-type": "audio/mpeg"}, "x-filename": {"content-type": ""}}
    request = read_entries({name: bytearray(b"sound"), "x-filename": bytearray("é.mp3".encode())}, headers)
    assert (bytes(request.body), request.content_type, request.name) == (b"sound", "audio/mpeg", "é.mp3")


@pytest.mark.parametrize("own_type", [{}, {"data": {"content-type": ""}}, {"data": None}])
def test_the_bytes_decide_for_a_file_without_type(own_type: dict[str, object]) -> None:
    request = read_entries({"data": b"sound"}, {"Content-Type": FORM, **own_type})
    assert (request.content_type, request.media) == ("application/octet-stream", EncodedAudio())


@pytest.mark.parametrize(
    ("entries", "found"),
    [({}, "none"), ({"x-filename": b"a"}, "none"), ({"a": b"x", "b": b"y"}, r"2 \('a, b'\)")],
)
def test_a_form_without_exactly_one_file_is_refused(entries: dict[str, object], found: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=f"must hold one sound file, and it holds {found}; send one"):
        read_entries(entries, {"Content-Type": FORM})


def test_fields_that_are_no_files_do_not_matter() -> None:
    headers = {"Content-Type": FORM, "data": {"content-type": "audio/wav"}, "comment": {"content-type": ""}}
    assert bytes(read_entries({"data": b"sound", "comment": b"loud"}, headers).body) == b"sound"


def test_a_file_of_another_type_is_unsupported() -> None:
    with pytest.raises(UnsupportedTypeError, match="image/png"):
        read_entries({"data": b"x"}, {"Content-Type": FORM, "data": {"content-type": "image/png"}})


def test_a_parsed_json_part_is_unsupported() -> None:
    with pytest.raises(UnsupportedTypeError, match="application/json"):
        read_entries({"data": {"a": 1}}, {"Content-Type": FORM, "data": {"content-type": "application/json"}})


@pytest.mark.parametrize("row", [{"a": b"1"}, {"a": b"1", "b": b"2"}])
def test_a_form_without_files_is_unsupported(row: dict[str, object]) -> None:
    with pytest.raises(UnsupportedTypeError, match="form"):
        read_entries(row, {"Content-Type": "application/x-www-form-urlencoded"})


@pytest.mark.parametrize("name", ["data", "body"])
@pytest.mark.parametrize("text", [bytearray, lambda value: value.decode()], ids=["bytes", "text"])
def test_grpcs_input_map_says_what_headers_say(name: str, text: Callable[[bytes], object]) -> None:
    entries = {
        name: bytearray(b"sound"),
        "Content-Type": text(b"audio/L16; rate=8000"),
        "X-Filename": text("é.raw".encode()),
        "x-default-sensitivity": text(b"2"),
        "X-Tags-Sensitivity": text(b'{"Siren": 1}'),
        "x-tail-window": text(b"1"),
        "x-all-probabilities": text(b"1"),
    }
    request = read_entries(entries, {key: {"content-type": ""} for key in entries})
    assert request == TagRequest(
        content_type="audio/L16; rate=8000",
        media=RawPcm(8_000, SAMPLE_FORMATS["s16be"]),
        body=memoryview(b"sound"),
        name="é.raw",
        sensitivity=Sensitivity(2, {"Siren": 1}),
        tail_window=True,
        all_probabilities=True,
    )


def test_grpcs_data_alone_is_enough() -> None:
    assert read_entries({"data": b"sound"}, {"data": {"content-type": ""}}).content_type == "application/octet-stream"


def test_a_header_goes_before_an_entry_of_the_same_name() -> None:
    headers = {"Content-Type": "audio/mp3", "X-Filename": "header"}
    assert read_entries({"body": b"sound", "x-filename": b"query"}, headers).name == "header"


def test_a_parameter_is_not_a_file() -> None:
    with pytest.raises(BadRequestError, match="X-Filename has 100000 bytes; send 8192 at most"):
        read_entries({"data": b"x", "X-Filename": bytes(100_000)}, {"Content-Type": FORM})


# --- encodings of names ---


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Filename": "naïve €.mp3"}, "naïve €.mp3"),
        ({"Content-Disposition": 'attachment; filename="naïve €.mp3"'}, "naïve €.mp3"),
        ({ATTRIBUTES: "X-Filename=naïve €.mp3"}, "naïve €.mp3"),
        ({ATTRIBUTES: '{"filename": "naïve €.mp3"}'}, "naïve €.mp3"),
    ],
)
def test_utf8_is_read_though_torchserve_takes_it_for_latin1(headers: dict[str, str], name: str) -> None:
    assert read({key: value.encode().decode("latin-1") for key, value in headers.items()}).name == name


def test_warnings_are_in_utf8_too() -> None:
    mangled = "Größe=1".encode().decode("latin-1")
    assert read({ATTRIBUTES: mangled}).warnings == ("unknown attribute 'Größe' ignored",)


@pytest.mark.parametrize("name", ["caf\xe9.mp3", "\xc3.mp3", "already € decoded", "笑.mp3", "plain.mp3"])
def test_what_is_not_utf8_stays(name: str) -> None:
    assert read({"X-Filename": name}).name == name


@pytest.mark.parametrize(
    "headers", [{"X-Filename": "UTF-8''na%C3%AFve.mp3"}, {ATTRIBUTES: "X-Filename=utf-8'fr'na%C3%AFve.mp3"}]
)
def test_names_may_be_percent_encoded_as_rfc_8187_says(headers: dict[str, str]) -> None:
    assert read(headers).name == "naïve.mp3"


def test_percent_signs_alone_are_part_of_a_name() -> None:
    assert read({"X-Filename": "100%25.mp3"}).name == "100%25.mp3"


# --- the tail window, and raw audio that is none ---


@pytest.mark.parametrize(
    ("headers", "setting", "expected"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"X-Tail-Window": "1"}, False, True),
        ({"X-Tail-Window": " 0 "}, True, False),
        ({ATTRIBUTES: "X-Tail-Window=1"}, False, True),
        ({ATTRIBUTES: '{"tail_window": 1}'}, False, True),
        ({ATTRIBUTES: '{"tail_window": false}'}, True, False),
        ({ATTRIBUTES: 'Sensitivity={"tail_window": true}'}, False, True),
        ({"X-Tail-Window": "0", ATTRIBUTES: "tail_window=1"}, True, False),
    ],
)
def test_the_tail_window_is_asked_for(headers: dict[str, str], setting: bool, expected: bool) -> None:
    assert read(headers, Settings(tail_window=setting)).tail_window == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"X-All-Probabilities": "1"}, True),
        ({"X-All-Probabilities": "0", ATTRIBUTES: "all_probabilities=1"}, False),
        ({ATTRIBUTES: "X-All-Probabilities=1"}, True),
        ({ATTRIBUTES: '{"all_probabilities": true}'}, True),
        ({ATTRIBUTES: 'Sensitivity={"all_probabilities": 1}'}, True),
    ],
)
def test_all_probabilities_are_asked_for(headers: dict[str, str], expected: bool) -> None:
    assert read(headers).all_probabilities == expected


@pytest.mark.parametrize("attributes", ['{"describe": true}', "describe=1"])
@pytest.mark.parametrize("row", [{"body": b""}, {"body": b"sound"}, {}])
def test_the_model_is_asked_for_whatever_the_body(attributes: str, row: dict[str, bytes]) -> None:
    assert read_request(row, {ATTRIBUTES: attributes}, Settings()) is None


def test_a_request_that_does_not_ask_for_the_model_is_one_to_tag() -> None:
    assert read({ATTRIBUTES: '{"describe": false}'}).name == "sagemaker_input"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"X-Tail-Window": "yes"}, "^X-Tail-Window: 'yes' is neither 0 nor 1"),
        ({ATTRIBUTES: '{"tail_window": 2}'}, "^tail_window in the custom attributes: 2 is neither"),
        ({"X-All-Probabilities": "all"}, "^X-All-Probabilities: 'all' is neither 0 nor 1"),
        ({ATTRIBUTES: '{"describe": "model"}'}, "^describe in the custom attributes: 'model' is neither"),
    ],
)
def test_a_bad_switch_is_named(headers: dict[str, str], message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        read(headers)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"RIFF\0\0\0\0WAVE", "WAV"),
        (b"fLaC", "FLAC"),
        (b"OggS", "Ogg"),
        (b"ID3\4", "MP3"),
        (b"\0\0\0\x20ftypM4A ", "MP4"),
        (b"\x1aE\xdf\xa3", "WebM"),
    ],
)
@pytest.mark.parametrize("header", ["audio/x-raw; rate=8000; format=s16le", "audio/L16; rate=8000"])
def test_a_container_sent_as_raw_samples_is_warned_of(header: str, body: bytes, name: str) -> None:
    (warning,) = read({"Content-Type": header}, body=body).warnings
    assert warning.startswith(f"the body begins like {name} but was read as raw samples; for the file itself send")
    assert read({"Content-Type": "audio/wav"}, body=body).warnings == ()


def test_raw_samples_are_not_warned_of() -> None:
    assert read({"Content-Type": "audio/x-raw; rate=8000; format=s16le"}, body=bytes(64)).warnings == ()


def test_an_au_file_by_the_name_of_basic_audio_is_a_file() -> None:
    assert read({"Content-Type": "audio/basic"}, body=b".snd\0\0\0\x18").media == EncodedAudio()
    assert read({"Content-Type": "audio/basic"}, body=b"\xff" * 9).media == RawPcm(8_000, MU_LAW)


def test_a_body_at_the_limit_is_taken() -> None:
    assert len(read(settings=Settings(max_body_bytes=5)).body) == 5


def test_a_body_over_the_limit_is_413_with_both_sizes() -> None:
    with pytest.raises(BodyTooLargeError, match="5 bytes.*4 at most") as caught:
        read(settings=Settings(max_body_bytes=4))
    assert (caught.value.status, caught.value.phrase) == (413, "Payload Too Large")


def test_a_missing_content_type_is_a_bad_request() -> None:
    with pytest.raises(BadRequestError, match="Content-Type header is missing"):
        read_request({"body": b"x"}, {}, Settings())


def test_a_json_body_is_unsupported() -> None:
    with pytest.raises(UnsupportedTypeError, match="application/json"):
        read({"Content-Type": "application/json"}, body={"a": 1})


def test_entries_among_the_headers_that_are_no_text_are_passed_over() -> None:
    headers = {"Content-Type": "audio/mp3", "content-length": 5, "X-Default-Sensitivity": 1, "x": None, "y": [1]}
    assert tag_request({"body": b"x"}, headers, Settings()).sensitivity.default == 0


def test_unknown_attributes_are_warned_of() -> None:
    assert read({ATTRIBUTES: "Trace-Id=x,c=d"}).warnings == (
        "unknown attribute 'Trace-Id' ignored",
        "unknown attribute 'c' ignored",
    )


header_texts = st.text(st.characters(min_codepoint=9, max_codepoint=255))


disposition_parts = st.sampled_from(
    [
        "filename",
        "filename*",
        "filename*0",
        "filename*1*",
        "=",
        "''",
        "utf-8''",
        "idna''",
        "%ff",
        ";",
        '"',
        "\\",
        "a",
        "é",
    ]
)


@LAW
@given(st.lists(disposition_parts).map("".join))
def test_any_content_disposition_gives_some_name(header: str) -> None:
    assert name_disposed(f"attachment; {header}")


@LAW
@given(
    st.dictionaries(
        st.sampled_from(["content-type", ATTRIBUTES, "x-filename", "Content-Disposition", "X-Tags-Sensitivity"]),
        header_texts,
    )
)
def test_any_headers_are_read_or_refused(headers: dict[str, str]) -> None:
    outcome = attempt(lambda: read(headers))
    assert isinstance(outcome, TagRequest) or len(str(outcome)) > 20
