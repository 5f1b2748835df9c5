"""A short run of `make fuzz`, and requests of any content through the readers of our own."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.audio.headers import container, mp4, wav
from handler.audio.headers.mpeg_frames import parse_header, read_tag
from handler.settings import Settings
from handler.wire.custom_attributes import parse_custom_attributes
from handler.wire.request import read_request
from tests.fuzz.__main__ import corpus
from tests.fuzz.mutations import mutated
from tests.support.attempt import attempt
from tests.support.properties import LAW, SLOW_LAW
from tests.support.watched_decoder import WatchedDecoder

pytestmark = pytest.mark.slow

NUM_BODIES = 150
MPEG_HEADER = bytes.fromhex("fffb9064")
HEADER_NAMES = (
    "Content-Type",
    "Content-Disposition",
    "Content-Encoding",
    "X-Filename",
    "X-Default-Sensitivity",
    "X-Tags-Sensitivity",
    "X-Tail-Window",
    "X-All-Probabilities",
    "X-Amzn-SageMaker-Custom-Attributes",
)
TYPES = ("audio/mp3", "audio/x-raw; rate=16000; format=", "audio/L16; rate=", "multipart/form-data; boundary=x", "")
LATIN = st.text(st.characters(max_codepoint=255), max_size=60)


def test_mutated_files_neither_kill_nor_hang_nor_fill_the_decoder() -> None:
    bodies = corpus()
    with WatchedDecoder() as decoder:
        for seed in range(NUM_BODIES):
            body = bodies[seed % len(bodies)][1]
            outcome = decoder.decode(mutated(body, [other for _, other in bodies], Random(-seed)))
            assert not outcome.fault, (seed, outcome.fault)


@LAW
@given(st.dictionaries(st.sampled_from(HEADER_NAMES), LATIN), st.sampled_from(TYPES), LATIN, st.binary(max_size=300))
def test_any_headers_and_any_body_are_a_request_or_a_callers_error(
    headers: dict[str, str], begins: str, rest: str, body: bytes
) -> None:
    sent = {**headers, "Content-Type": begins + rest}
    attempt(lambda: read_request({"body": bytearray(body)}, sent, Settings()))


@LAW
@given(LATIN, LATIN)
def test_any_custom_attributes_are_read_or_a_callers_error(before: str, behind: str) -> None:
    attempt(lambda: parse_custom_attributes(f'{before}X-Tags-Sensitivity={{"Siren": 1{behind}'))


@SLOW_LAW
@given(st.integers(0))
def test_the_readers_of_headers_take_any_bytes(seed: int) -> None:
    body = corpus()[seed % len(corpus())][1]
    view = memoryview(bytearray(mutated(body[:2_000], [body], Random(seed)) or b"\0"))
    attempt(lambda: container.identify(view))
    attempt(lambda: mp4.check(view))
    wav.is_sound(view)
    wav.read_misread_samples(view)
    parse_header(bytes(view[:4]))
    first = parse_header(MPEG_HEADER)
    assert first is not None
    read_tag(view, first)
