"""What callers send: good recordings of every format, bad requests of every kind, long and huge ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from benchmarks import bodies
from tests.support.audio import ENCODINGS, RARE_ENCODINGS, decode, encode_many, encode_raw

SAMPLE_RATE = 44_100
SECONDS = (3, 12)
# A tenth of the real-time profile's longest work, on two cores.
LONG_SECONDS = 300
# Larger than the real-time profile takes.
HUGE_BYTES = 26 << 20
# Probabilities may differ in the seventh digit between a quiet and a loaded server (docs/tuning.md).
TOLERANCE = 2e-6
GUESSED = {"Content-Type": "application/octet-stream", "X-All-Probabilities": "1"}


@dataclass(frozen=True)
class Request:
    """A request, and the status that it should get."""

    name: str
    headers: Mapping[str, str] = field(default_factory=lambda: GUESSED)
    body: bytes = b""
    status: int = 200
    method: str = "POST"
    path: str = "/invocations"


@cache
def good_requests() -> tuple[Request, ...]:
    """The committed sample in every container, of two lengths; raw; and shorter than a window."""
    samples = decode(bodies.SAMPLE.read_bytes()).reshape(-1, 2)
    clips = [
        Request(f"{encoding}, {seconds} s", body=body)
        for seconds in SECONDS
        for encoding, body in encode_many(
            samples[: seconds * SAMPLE_RATE], SAMPLE_RATE, ENCODINGS | RARE_ENCODINGS
        ).items()
    ]
    raw = {**GUESSED, "Content-Type": "audio/x-raw; rate=44100; format=s16le; channels=2"}
    body = bytes(encode_raw(samples, SAMPLE_RATE, "s16le"))
    return (*clips, Request("raw", raw, body), Request("raw, tiny", raw, body[:400]))


@cache
def long_request() -> Request:
    """Minutes of MP3."""
    return Request("long", body=bodies.mp3(LONG_SECONDS).read_bytes())


@cache
def bad_requests() -> tuple[Request, ...]:
    """Requests that get a 4xx, each for another reason."""
    clip, wav = good_requests()[0].body, {"Content-Type": "audio/wav"}
    raw = "audio/x-raw; rate={}; format=s16le; channels=2"
    return (
        Request("no sound", wav, b"no sound at all", 400),
        Request("nothing", wav, b"", 400),
        Request("no type", {}, clip, 400),
        Request("a picture", {"Content-Type": "image/png"}, clip, 415),
        Request("less than a frame", {"Content-Type": raw.format(8000)}, b"abc", 400),
        Request("no sample rate", {"Content-Type": raw.format(0)}, clip, 400),
        Request("a sensitivity of 7", {**wav, "X-Default-Sensitivity": "7"}, clip, 400),
        Request("broken attributes", {**wav, "X-Amzn-SageMaker-Custom-Attributes": '{"a": '}, clip, 400),
        Request("a playlist", wav, b"#EXTM3U\n/etc/passwd\n", 400),
        Request("broken gzip", {**wav, "Content-Encoding": "gzip"}, b"\x1f\x8b" + clip[:100], 400),
        Request("a form without a file", {"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n", 415),
        Request("a cut header", wav, clip[:20], 400),
        Request("another path", wav, clip, 404, path="/invocation"),
        Request("another method", wav, b"", 405, method="DELETE"),
    )


@cache
def huge_request() -> Request:
    """One that is refused for its size."""
    return Request("huge", {"Content-Type": "audio/wav"}, bytes(HUGE_BYTES), 413)


def difference(quiet: bytes, answer: bytes) -> str | None:
    """Says how an answer differs from the quiet server's by more than the last digit, or None."""
    expected, got = json.loads(quiet), json.loads(answer)
    for name in expected.keys() - {"data"}:
        if got.get(name) != expected[name]:
            return f"{name}: {got.get(name)} instead of {expected[name]}"
    if len(got.get("data", ())) != len(expected.get("data", ())):
        return f"{len(got.get('data', ()))} windows instead of {len(expected.get('data', ()))}"
    pairs = zip(expected.get("data", ()), got.get("data", ()), strict=True)
    return next((f"window {at}" for at, (one, other) in enumerate(pairs) if not _alike(one, other)), None)


def _alike(expected: Mapping[str, Any], got: Mapping[str, Any]) -> bool:
    """Says whether two windows agree."""
    numbers, others = _probabilities(expected), _probabilities(got)
    times = [(window["start_time"], window["end_time"]) for window in (expected, got)]
    close = numbers.keys() == others.keys() and all(abs(numbers[tag] - others[tag]) <= TOLERANCE for tag in numbers)
    return times[0] == times[1] and close


def _probabilities(window: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    """All numbers of a window: those of tags that were heard, and those of all tags."""
    heard = {("heard", tag["name"]): float(tag["probability"]) for tag in window["tags"]}
    return heard | {("all", tag): float(value) for tag, value in window.get("probabilities", {}).items()}
