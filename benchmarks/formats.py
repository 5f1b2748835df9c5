"""The same recording in every container and raw sample format, one caller.

The formats are asked in turns, so that a slow moment of the machine strikes all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks import bodies
from benchmarks.callers import Callers
from benchmarks.measured_server import serving
from benchmarks.processes import processor_seconds
from benchmarks.results import MEBIBYTE, duration_text, table
from handler.arrays import Floats
from handler.media import SAMPLE_FORMATS, SampleFormat
from tests.support.audio import ENCODINGS, decode, encode_many

SECONDS, QUICK_SECONDS = 120.0, 10.0
ROUNDS, QUICK_ROUNDS = 5, 1
SAMPLE_RATE, NUM_CHANNELS = 44_100, 2
MP3 = "mp3"
# By kind and bits.
NOT_FFMPEG = (("f", 16), ("f", 24))


@dataclass
class Format:
    """One format.

    Attributes:
        body: What is sent.
        content_type: Its type.
        times: Seconds until each answer.
        processor_times: Seconds of one core that the server's processes took meanwhile.
    """

    body: bytes
    content_type: str = "application/octet-stream"
    times: list[float] = field(default_factory=list)
    processor_times: list[float] = field(default_factory=list)


def measure(model_file: Path, *, quick: bool) -> dict[str, Any]:
    """Measures everything."""
    formats = all_formats(QUICK_SECONDS if quick else SECONDS)
    with serving(model_file) as server:
        callers = Callers(server.url)
        for each in formats.values():
            callers.ask(each.body, each.content_type)
        for _ in tqdm(range(QUICK_ROUNDS if quick else ROUNDS), desc="formats", unit="round"):
            for each in formats.values():
                before, start = sum(processor_seconds(server.processes).values()), time.perf_counter()
                callers.ask(each.body, each.content_type)
                each.times.append(time.perf_counter() - start)
                each.processor_times.append(sum(processor_seconds(server.processes).values()) - before)
    return {
        "audio_seconds": QUICK_SECONDS if quick else SECONDS,
        "formats": {name: _result(each) for name, each in formats.items()},
    }


def all_formats(seconds: float) -> dict[str, Format]:
    """The same stereo recording in every container and raw format."""
    samples = decode(bodies.mp3(seconds).read_bytes()).reshape(-1, NUM_CHANNELS)[: round(seconds * SAMPLE_RATE)]
    by_ffmpeg = {
        name: ("-f", name) for name, each in SAMPLE_FORMATS.items() if (each.kind, each.bits) not in NOT_FFMPEG
    }
    raw = encode_many(samples, SAMPLE_RATE, by_ffmpeg)
    raw |= {name: packed_floats(samples, each) for name, each in SAMPLE_FORMATS.items() if name not in raw}
    content_type = f"audio/x-raw; rate={SAMPLE_RATE}; channels={NUM_CHANNELS}; format="
    return {
        **{name: Format(body) for name, body in encode_many(samples, SAMPLE_RATE, ENCODINGS).items()},
        **{f"raw {name}": Format(raw[name], f"{content_type}{name}") for name in SAMPLE_FORMATS},
    }


def packed_floats(samples: Floats, sample_format: SampleFormat) -> bytes:
    """Packs samples as floats of 16 or 24 bits; the latter are the upper three bytes of 32."""
    order = "<" if sample_format.byte_order == "le" else ">"
    if sample_format.bits == 16:
        return samples.astype(f"{order}f2").tobytes()
    words = samples.astype(f"{order}f4").reshape(-1, 1).view(np.uint8)
    return (words[:, 1:] if order == "<" else words[:, :3]).tobytes()


def text(result: Mapping[str, Any]) -> str:
    """The section of the page."""
    audio_seconds, formats = result["audio_seconds"], result["formats"]
    rows = [
        [
            name,
            f"{each['size_bytes'] / MEBIBYTE:.1f} MiB",
            f"{1000 * each['seconds']:.0f} ms",
            f"{1000 * each['processor_seconds']:.0f} ms",
            f"{each['processor_seconds'] / formats[MP3]['processor_seconds']:.2f}",
        ]
        for name, each in formats.items()
    ]
    header = [f"{duration_text(audio_seconds)} of stereo", "body", "time", "processor time", "times MP3's"]
    return (
        f"{table(header, rows)}\n\nMedians of the time, means of the processor time of all of the server's processes."
    )


def _result(measured: Format) -> dict[str, Any]:
    return {
        "size_bytes": len(measured.body),
        "seconds": statistics.median(measured.times),
        # The kernel counts in hundredths of a second.
        "processor_seconds": statistics.mean(measured.processor_times),
    }
