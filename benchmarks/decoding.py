"""Decoding alone: the handler's ways against the sequential one, packet by packet, for each container.

Whether both give the same samples; how much of a core each takes; and how long two recordings take at once. All in turn
within one run, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from math import ceil
from statistics import median

import torch
from tqdm import tqdm

from benchmarks.report import keep, table
from handler.arrays import Floats
from handler.audio import sequential, stream
from handler.audio.headers import container
from handler.audio.mono import Mono
from handler.media import SAMPLE_FORMATS, EncodedAudio, RawPcm
from handler.memory import keep_freed_memory
from tests.support.audio import ENCODINGS, encode, encode_raw, lively

SAMPLE_RATE = 16_000
SOURCE_RATE = 44_100
CLIP_SECONDS = 10
Decode = Callable[[bytearray], Iterator[Mono]]


def in_packets(body: bytearray) -> Iterator[Mono]:
    """The sequential way, which is the judge."""
    start_bytes = container.identify(memoryview(body)).start_bytes
    source = torch.frombuffer(body, dtype=torch.uint8, offset=start_bytes)
    return sequential.in_blocks(sequential.decoded(source))


def as_served(body: bytearray) -> Iterator[Mono]:
    """What the handler does."""
    return stream.decoded(memoryview(body))


WAYS: dict[str, Decode] = {"packets": in_packets, "served": as_served}


def exhaust(decode: Decode, body: bytearray) -> None:
    """Decodes everything and keeps nothing."""
    for _ in decode(body):
        pass


def at_once(decode: Decode, body: bytearray, num_recordings: int) -> None:
    """Decodes so many recordings, each for a thread of its own."""
    threads = [threading.Thread(target=exhaust, args=(decode, body)) for _ in range(num_recordings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measured(body: bytearray, seconds: float, repeats: int) -> dict[tuple[str, str], float]:
    """Medians in ms per second of audio, by (way, what): core time of one, time of one, and of two at once."""
    figures: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(repeats):
        for name, decode in WAYS.items():
            for what, num_recordings in (("one", 1), ("two", 2)):
                start_seconds, start_core_seconds = time.perf_counter(), time.process_time()
                at_once(decode, body, num_recordings)
                scale = 1_000 / seconds / num_recordings
                figures[name, what].append((time.perf_counter() - start_seconds) * scale)
                figures[name, f"{what}, core"].append((time.process_time() - start_core_seconds) * scale)
    return {key: median(values) for key, values in figures.items()}


def row(name: str, body: bytearray, seconds: float, repeats: int) -> list[str]:
    """One container's line of the table."""
    packets_samples, served_samples = (torch.cat([mono.data for mono in decode(body)]) for decode in WAYS.values())
    figures = measured(body, seconds, repeats)
    cells = [f"{figures[way, what]:.2f}" for what in ("one, core", "one", "two") for way in WAYS]
    return [name, "yes" if torch.equal(packets_samples, served_samples) else "NO", *cells]


def raw_milliseconds(recording: Floats, name: str) -> float:
    """Core time of a second of raw PCM, resampling included, in ms."""
    body = memoryview(encode_raw(recording, SOURCE_RATE, name))
    media = RawPcm(SOURCE_RATE, SAMPLE_FORMATS[name], recording.shape[1])
    return _stream_milliseconds(body, media, len(recording) / SOURCE_RATE)


def _stream_milliseconds(body: memoryview, media: RawPcm | EncodedAudio, seconds: float) -> float:
    start_seconds = time.process_time()
    for _ in stream.AudioStream(body, media, sample_rate=SAMPLE_RATE, max_seconds=10**9):
        pass
    return (time.process_time() - start_seconds) * 1_000 / seconds


def torchaudio_kernel_bytes(source_rate: int, lowpass_filter_width: int = 6, rolloff: float = 0.99) -> int:
    """Size of the float32 filter bank that torchaudio.functional.resample builds for rates without a common factor."""
    width = ceil(lowpass_filter_width * source_rate / (min(source_rate, SAMPLE_RATE) * rolloff))
    return 4 * SAMPLE_RATE * (2 * width + source_rate)


def main() -> None:
    """Measures, prints and keeps the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="length of the recording (default: 120)")
    parser.add_argument("--repeats", type=int, default=5, help="of each measurement, for its median (default: 5)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    recording = lively(arguments.seconds, num_channels=2)
    clip = recording[: CLIP_SECONDS * SOURCE_RATE]
    rows = []
    for encoding in tqdm(ENCODINGS, unit="container"):
        body = encode(recording, SOURCE_RATE, encoding)
        rows.append(row(encoding, body, arguments.seconds, arguments.repeats))
    for encoding in ("mp3", "wav", "vorbis", "opus"):
        body = encode(clip, SOURCE_RATE, encoding)
        rows.append(row(f"{encoding}, {CLIP_SECONDS} s", body, CLIP_SECONDS, 3 * arguments.repeats))
    header = ["container", "equal"]
    header += [f"{what}: {way}" for what in ("core time", "one", "two at once") for way in WAYS]
    keep("decoding", "Ways of decoding", f"{table(header, rows)}\n\n{note(arguments.seconds, recording)}")


def note(seconds: float, recording: Floats) -> str:
    """What the columns mean, and what is not in the table."""
    raw = " and ".join(f"{raw_milliseconds(recording, name):.2f} ({name})" for name in ("s16le", "s24le", "f32le"))
    return (
        f"Milliseconds per second of audio; {seconds:.0f} s of stereo at {SOURCE_RATE:,} Hz to the mean of its "
        "channels at that rate. Packets: one after the other in one thread. Served: what the handler does. Core time: "
        "of all threads together, for one recording. One and two at once: by the clock, per second of audio decoded, "
        "each recording in a thread of its own.\n\n"
        f"Raw PCM, resampled to {SAMPLE_RATE:,} Hz, in core time: {raw}.\n\n"
        "torchaudio.functional.resample from 44,101 Hz would build a filter bank of "
        f"{torchaudio_kernel_bytes(44_101) / 1e9:.1f} GB."
    )


if __name__ == "__main__":
    main()
