"""The Cochl.Sense JSON: answers, errors and warnings, compact and in ASCII.

Why not orjson: it writes 0.00001 where numpy's shortest text of that float32 is 1e-05, and UTF-8 instead of ASCII.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from operator import add

import numpy as np

from handler.arrays import Floats
from handler.windows import WindowGrid

# SageMaker cuts a model's error text at 2,048 characters and a custom-attributes header at 1,024.
MAX_ERROR_BYTES = 2_000
MAX_WARNINGS_CHARACTERS = 1_024
_TRUNCATED = "... (truncated)"
MODEL_HEADER = "X-Model"
# An error once more: the front tells the handler's errors by it from TorchServe's own.
ERROR_HEADER = "X-Sense-Error"
_MAX_MODEL_CHARACTERS = 256


def encode_metadata(*, content_type: str, duration_seconds: float, size_bytes: int, name: str) -> str:
    """Returns the object "metadata": what was sent, and its length after decoding, to 3 decimals."""
    return _compact(
        {
            "content_type": content_type,
            "length_sec": round(duration_seconds, 3),
            "size_byte": size_bytes,
            "name": name,
        }
    )


def encode_windows(
    probabilities: Floats,
    *,
    thresholds: Floats,
    tags: Sequence[str],
    grid: WindowGrid,
    tail_start_seconds: float | None = None,
    all_probabilities: bool = False,
) -> str:
    """Returns the array "data": every window, with the tags heard in it by falling probability.

    Args:
        probabilities: float32 of shape (windows, tags).
        thresholds: float32 of shape (tags,). A tag is heard if its probability reaches its threshold.
        tags: Names of the tags.
        grid: Where the windows stand.
        tail_start_seconds: Where the last one begins instead, if it is a tail window; shown to 3 decimals.
        all_probabilities: Whether a window also has "probabilities", an object with every tag in the model's order.
    """
    windows, heard = np.nonzero(probabilities >= thresholds)
    values = probabilities[windows, heard]
    order = np.lexsort((-values, windows))
    entries: list[list[str]] = [[] for _ in probabilities]
    # numpy writes the shortest text that reads back as the same float32.
    for window, tag, text in zip(windows[order], heard[order], values[order].astype(str), strict=True):
        entries[window].append(f"{_opening(tags[tag])}{text}}}")
    times = _times(len(entries) + grid.window_hops, grid)
    spans = list(zip(times, times[grid.window_hops :], strict=False))
    if tail_start_seconds is not None:
        spans[-1] = _time(tail_start_seconds), _time(tail_start_seconds + float(grid.window_seconds))
    every = _every_probability(probabilities, tags) if all_probabilities else [""] * len(entries)
    shown = (
        f'{{"tags":[{",".join(tags_heard)}],{all_tags}"start_time":{start},"end_time":{end}}}'
        for tags_heard, all_tags, (start, end) in zip(entries, every, spans, strict=True)
    )
    return f"[{','.join(shown)}]"


def _every_probability(probabilities: Floats, tags: Sequence[str]) -> Iterator[str]:
    """The member "probabilities" of each window. A value that is no finite number is null."""
    names = [f"{_compact(tag)}:" for tag in tags]
    for row in probabilities:
        texts = np.where(np.isfinite(row), row.astype(str), "null")
        yield f'"probabilities":{{{",".join(map(add, names, texts.tolist()))}}},'


def encode_answer(metadata: str, windows: str) -> bytes:
    """Joins the two parts of an answer. Like every answer it ends in a newline, for terminals."""
    return f'{{"metadata":{metadata},"data":{windows}}}\n'.encode()


def encode_answered_error(metadata: str, message: str) -> bytes:
    """Returns the answer of a transform job's recording that could not be tagged: no windows, and why."""
    return f'{{"metadata":{metadata},"error":{_compact(message)},"data":[]}}\n'.encode()


def encode_description(
    *,
    name: str,
    version: str,
    tags: Sequence[str],
    categories: Sequence[str],
    thresholds: Floats,
    grid: WindowGrid,
    limits: Mapping[str, int],
) -> bytes:
    """Returns what a model is: its name and version, its windows in seconds, its tags; and the server's limits.

    Args:
        name: The model's name.
        version: Its version.
        tags: Names of its tags.
        categories: What kind of sound each tag is.
        thresholds: float32 of shape (tags,), at sensitivity 0.
        grid: Where its windows stand.
        limits: Name of a limit to its value.
    """
    entries = [
        {"name": tag, "category": category, "threshold": float(str(threshold))}
        for tag, category, threshold in zip(tags, categories, thresholds, strict=True)
    ]
    windows = {"seconds": float(grid.window_seconds), "hop_seconds": float(grid.hop_seconds)}
    description = {"name": name, "version": version, "windows": windows, "limits": limits, "tags": entries}
    return f"{_compact(description)}\n".encode()


def encode_error(status: int, message: str) -> bytes:
    """Returns an error's body of at most 2,000 bytes; the message is cut to fit."""

    def encoded(text: str) -> str:
        return _compact({"status_code": status, "error": text}) + "\n"

    if len(encoded(message)) > MAX_ERROR_BYTES:
        lengths = range(len(message))
        fitting = bisect_right(lengths, MAX_ERROR_BYTES, key=lambda length: len(encoded(message[:length] + _TRUNCATED)))
        message = message[: fitting - 1] + _TRUNCATED
    return encoded(message).encode()


def encode_warnings(warnings: Sequence[str]) -> str:
    """Returns ``{"warnings": [...]}`` as a header value: visible ASCII, at most 1,024 characters.

    If they do not all fit, the last entry says how many are left out.
    """
    most = min(len(warnings), MAX_WARNINGS_CHARACTERS // len('"",'))
    texts = (_warnings_text(warnings, num_kept) for num_kept in range(most, -1, -1))
    return next(text for text in texts if len(text) <= MAX_WARNINGS_CHARACTERS)


def _warnings_text(warnings: Sequence[str], num_kept: int) -> str:
    left_out = len(warnings) - num_kept
    return _compact({"warnings": [*warnings[:num_kept], *([f"and {left_out} more"] if left_out else [])]})


def model_label(name: str, version: str) -> str:
    """Returns ``name/version`` as a header value: visible ASCII, everything else replaced by "?"."""
    text = f"{name}/{version}"[:_MAX_MODEL_CHARACTERS]
    return "".join(character if "!" <= character <= "~" else "?" for character in text)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


@cache
def _opening(tag: str) -> str:
    """The text before a tag's probability. The cache holds one entry for each of the model's tags."""
    return f'{{"name":{_compact(tag)},"probability":'


def _times(count: int, grid: WindowGrid) -> list[str]:
    """When the first `count` hops begin: whole seconds as JSON integers, as the vendor's own clients expect.

    Integers, since fractions would take 0.2 s more for the 67,000 windows of 1 GiB of MP3.
    """
    numerator, denominator = grid.hop_seconds.as_integer_ratio()
    starts = range(0, count * numerator, numerator)
    return [repr(start / denominator) if start % denominator else str(start // denominator) for start in starts]


def _time(seconds: float) -> str:
    rounded = round(seconds, 3)
    return str(int(rounded)) if rounded.is_integer() else repr(rounded)
