"""Every container and every raw sample format, one length, one caller: how long an answer takes.

The formats are asked in turns, round after round, so that a slow moment of the machine strikes all alike. They are
compared by the processor time that the server's processes take.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from benchmarks import bodies, plots
from benchmarks.calls import Callers
from benchmarks.memory import MEBIBYTE
from benchmarks.options import parser, results_folder
from benchmarks.processor_time import server_seconds
from benchmarks.report import keep, table
from benchmarks.server import Served, serving
from handler.media import SAMPLE_FORMATS, SampleFormat
from tests.support.audio import ENCODINGS, Floats, encode_many

SECONDS, QUICK_SECONDS = 120.0, 10.0
ROUNDS = 5
MEASURE = "mp3"


@dataclass(frozen=True)
class Body:
    """What is sent.

    Attributes:
        content: The bytes.
        content_type: As a caller names it.
    """

    content: bytes
    content_type: str


def raw(samples: Floats, sample_format: SampleFormat) -> bytes:
    """Packs samples, float32 of any shape in [-1, 1), as raw PCM."""
    order = "<" if sample_format.byte_order == "le" else ">"
    if sample_format.kind == "f":
        words = samples.astype(f"{order}f{2 if sample_format.bits == 16 else 4}")
    else:
        full_scale = 2.0 ** (min(sample_format.bits, 32) - 1)
        integers = np.clip(np.round(samples.astype(np.float64) * full_scale), -full_scale, full_scale - 1)
        shifted = integers.astype(np.int64) + (int(full_scale) if sample_format.kind == "u" else 0)
        # 24 bits are the upper three bytes of a 32-bit word, as for floats below.
        shifted <<= 8 if sample_format.bits == 24 else 0
        words = (shifted & 0xFFFFFFFF).astype(np.uint32).astype(f"{order}u{2 if sample_format.bits == 16 else 4}")
    if sample_format.bits != 24:
        return words.tobytes()
    whole = words.reshape(-1).view(np.uint8).reshape(-1, 4)
    return (whole[:, 1:] if order == "<" else whole[:, :3]).tobytes()


def all_bodies(samples: Floats) -> dict[str, Body]:
    """The same recording in every container and raw format."""
    encoded = encode_many(samples, bodies.SAMPLE_RATE, ENCODINGS)
    made = {name: Body(content, "application/octet-stream") for name, content in encoded.items()}
    for name, sample_format in SAMPLE_FORMATS.items():
        content_type = f"audio/x-raw; rate={bodies.SAMPLE_RATE}; format={name}; channels={samples.shape[1]}"
        made[f"raw {name}"] = Body(raw(samples, sample_format), content_type)
    return made


@dataclass
class Measured:
    """One format.

    Attributes:
        times: Seconds until each answer.
        processor_times: Seconds of one core that the server's processes took meanwhile.
    """

    times: list[float] = field(default_factory=list)
    processor_times: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median time."""
        return statistics.median(self.times)

    @property
    def processor_seconds(self) -> float:
        """The mean: the kernel counts in hundredths of a second."""
        return statistics.mean(self.processor_times)


def measure(served: Served, callers: Callers, sent: Mapping[str, Body], rounds: int) -> dict[str, Measured]:
    """Asks for every format in every round."""
    measured = {name: Measured() for name in sent}
    for _ in tqdm(range(rounds), unit="round"):
        for name, body in sent.items():
            before = server_seconds(served.processes())
            measured[name].times.append(callers.timed(body.content, body.content_type))
            measured[name].processor_times.append(server_seconds(served.processes()) - before)
    return measured


def check(callers: Callers, sent: Mapping[str, Body], seconds: float) -> None:
    """Sees that every format gives as many windows as there are.

    Raises:
        SystemExit: One does not.
    """
    for name, body in sent.items():
        answer = json.loads(callers.ask(body.content, body.content_type))
        missing = abs(len(answer["data"]) - (seconds - 1))
        # AAC's and MP3's frames may add a window of their padding.
        if missing > 1:
            raise SystemExit(f"{name}: {len(answer['data'])} windows for {seconds:g} s")


def rows(sent: Mapping[str, Body], measured: Mapping[str, Measured], seconds: float) -> list[list[str]]:
    """The table's lines."""
    costs = relative_costs(measured)
    return [
        [
            name,
            f"{len(sent[name].content) / MEBIBYTE:.1f} MiB",
            f"{1000 * each.seconds:.0f} ms",
            f"{seconds / each.seconds:.0f}",
            f"{1000 * each.processor_seconds:.0f} ms",
            f"{costs[name]:.2f}",
        ]
        for name, each in measured.items()
    ]


def relative_costs(measured: Mapping[str, Measured]) -> dict[str, float]:
    """Every format's processor time as a multiple of MP3's."""
    return {name: each.processor_seconds / measured[MEASURE].processor_seconds for name, each in measured.items()}


def draw(measured: Mapping[str, Measured], options: argparse.Namespace) -> None:
    """The picture of the containers; raw formats hardly differ, so one stands for all."""
    shown = {name: cost for name, cost in relative_costs(measured).items() if "raw" not in name or "s16le" in name}
    file = results_folder(options) / "formats.png"
    plots.bars(shown, "processor time as a multiple of MP3's", "What an answer costs, by format", file)


def run(options: argparse.Namespace) -> None:
    """Measures, prints and keeps the table and the picture."""
    seconds, rounds = (QUICK_SECONDS, 2) if options.quick else (SECONDS, ROUNDS)
    sent = all_bodies(bodies.recording(seconds))
    with serving(options.model, plain=options.plain) as served:
        callers = Callers(served.url)
        check(callers, sent, seconds)
        measured = measure(served, callers, sent, rounds)
    draw(measured, options)
    header = ["format", "body", "time", "s of audio per s", "processor time", "times mp3's"]
    note = (
        f"{served.description}. {seconds:g} s of stereo at 44.1 kHz, one caller, {rounds} rounds: medians of the time, "
        "means of the processor time of all of the server's processes."
    )
    text = "\n\n".join([table(header, rows(sent, measured, seconds)), note, "![cost by format](formats.png)"])
    keep("formats", "Every format", text, folder=results_folder(options))


def main() -> None:
    """Reads the command line."""
    run(parser(__doc__).parse_args())


if __name__ == "__main__":
    main()
