"""How the ways of decoding compare: packet by packet (what the handler does), and torchcodec's time ranges.

For each container: whether each way gives the samples of decoding everything at once, and how fast it is on one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from math import ceil

import torch
from torchcodec.decoders import AudioDecoder
from tqdm import tqdm

from benchmarks.report import keep, table
from handler.content_type import EncodedAudio
from handler.decoder import AudioStream
from tests.support.audio import ENCODINGS, encode, lively

SAMPLE_RATE = 16_000
Decode = Callable[[bytearray], torch.Tensor]


def at_once(body: bytearray) -> torch.Tensor:
    """Everything in one call of torchcodec; memory grows with length."""
    decoder = AudioDecoder(torch.frombuffer(body, dtype=torch.uint8), sample_rate=SAMPLE_RATE)
    samples: torch.Tensor = decoder.get_all_samples().data[0]
    return samples


def in_ranges(range_seconds: int) -> Decode:
    """Consecutive ranges of one torchcodec decoder."""

    def decode(body: bytearray) -> torch.Tensor:
        decoder = AudioDecoder(torch.frombuffer(body, dtype=torch.uint8), sample_rate=SAMPLE_RATE)
        return torch.cat([torch.empty(0), *_ranges(decoder, range_seconds)])

    return decode


def _ranges(decoder: AudioDecoder, range_seconds: int) -> Iterator[torch.Tensor]:
    start_seconds = decoder.metadata.begin_stream_seconds_from_header or 0.0
    while True:
        try:
            samples = decoder.get_samples_played_in_range(start_seconds, start_seconds + range_seconds).data[0]
        except RuntimeError:  # torchcodec's answer past the end
            return
        yield samples
        start_seconds += range_seconds


def in_packets(body: bytearray) -> torch.Tensor:
    """What the handler does."""
    stream = AudioStream(memoryview(body), EncodedAudio(), sample_rate=SAMPLE_RATE, max_seconds=10**9)
    return torch.cat(list(stream))


WAYS: dict[str, Decode] = {"packets": in_packets, "ranges of 30 s": in_ranges(30), "ranges of 3 s": in_ranges(3)}


def compared(decode: Decode, body: bytearray, expected: torch.Tensor, seconds: float) -> str:
    """One cell of the table: are the samples right, and how many seconds of audio in a second."""
    start = time.process_time()
    try:
        samples = decode(body)
    except RuntimeError:
        return "raises"
    speed = seconds / (time.process_time() - start)
    if len(samples) != len(expected):
        return f"{len(samples) - len(expected):+d} samples, {speed:.0f}x"
    difference = float((samples - expected).abs().max())
    return f"{'equal' if difference == 0 else f'off by {difference:.2f}'}, {speed:.0f}x"


def torchaudio_kernel_bytes(source_rate: int, lowpass_filter_width: int = 6, rolloff: float = 0.99) -> int:
    """Size of the float32 filter bank that torchaudio.functional.resample builds for rates without a common factor."""
    width = ceil(lowpass_filter_width * source_rate / (min(source_rate, SAMPLE_RATE) * rolloff))
    return 4 * SAMPLE_RATE * (2 * width + source_rate)


def main() -> None:
    """Measures, prints and keeps the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="length of the recording (default: 300)")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    recording = lively(seconds)
    rows = []
    for encoding in tqdm(ENCODINGS, unit="container"):
        body = encode(recording, 44_100, encoding)
        expected = at_once(body)
        rows.append([encoding, *(compared(decode, body, expected, seconds) for decode in WAYS.values())])
    note = (
        f"{seconds:.0f} s of mono audio to 16 kHz; each against decoding at once with the same library. "
        f"x: seconds of audio per second of one core.\n\n"
        f"torchaudio.functional.resample from 44,101 Hz would build a filter bank of "
        f"{torchaudio_kernel_bytes(44_101) / 1e9:.1f} GB."
    )
    keep("decoding", "Ways of decoding", f"{table(['container', *WAYS], rows)}\n\n{note}")


if __name__ == "__main__":
    main()
