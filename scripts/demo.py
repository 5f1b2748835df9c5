"""Tags one file with a TorchServe started for it, and shows the answer. `make demo` runs this."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy import torchserve
from handler.cores import WORKERS_VARIABLE

CONTENT_TYPES = {".mp3": "audio/mp3", ".wav": "audio/wav", ".ogg": "audio/ogg"}
SHOWN_WINDOWS = 12
BAR_CELLS = 20
# A probability of 1 fills the bar; its end is drawn in eighths of a cell.
EIGHTHS = " ▏▎▍▌▋▊▉█"


def main() -> int:
    """Runs the demo; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "file", nargs="?", type=Path, default=torchserve.TREE / "samples" / "demo.mp3", help="a sound file"
    )
    torchserve.add_model_store(parser)
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without the bars' characters
    try:
        with torchserve.interrupted_by_signals():
            demonstrate(arguments.file, arguments.model_store)
    except (torchserve.TorchServeError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted, the server is stopped", file=sys.stderr)
        return 130
    return 0


def demonstrate(file: Path, model_store: Path) -> None:
    """Starts the server, tags `file`, prints what came back, stops the server.

    Raises:
        torchserve.TorchServeError: the server did not start, or did not answer with 200.
    """
    body = file.read_bytes()
    content_type = CONTENT_TYPES.get(file.suffix.lower(), "application/octet-stream")
    print("starting TorchServe ...", flush=True)
    started = time.monotonic()
    one_worker = {**os.environ, WORKERS_VARIABLE: "1"}  # is ready first
    log_folder = torchserve.TREE / "build" / "logs" / "demo"
    settings = torchserve.Settings(log_folder, model_store=model_store, environment=one_worker)
    with torchserve.running(settings) as server:
        print(f"ready after {time.monotonic() - started:.1f} s at {server.url}; log: {server.log}\n", flush=True)
        sent = time.monotonic()
        headers = {"Content-Type": content_type, "X-Filename": file.name}
        status, answer = torchserve.post(server.url, "/invocations", headers, body)
        elapsed_ms = 1000 * (time.monotonic() - sent)
        print(f"POST /invocations, {content_type}, {len(body)} bytes: status {status} in {elapsed_ms:.0f} ms")
        if status != 200:
            raise torchserve.TorchServeError(f"{answer.decode(errors='replace')}\n{server.last_words()}")
    result = json.loads(answer)
    print("\n".join([*shortened_json(result), "", *table(result["data"])]))


def shortened_json(result: dict[str, Any]) -> Iterator[str]:
    """Yields the answer as JSON with one line for each window, the middle of a long answer left out."""
    windows = [json.dumps(window, ensure_ascii=False) for window in result["data"]]
    if len(windows) > SHOWN_WINDOWS:
        left_out = len(windows) - SHOWN_WINDOWS
        windows[SHOWN_WINDOWS - 1 : -1] = [f"... {left_out} more windows ..."]
    yield f'{{"metadata": {json.dumps(result["metadata"], ensure_ascii=False)},'
    yield ' "data": ['
    yield ",\n".join(f"    {window}" for window in windows)
    yield "]}"


def table(windows: list[dict[str, Any]]) -> Iterator[str]:
    """Yields the lines of a table: one for each tag, under the time of its window."""
    width = max((len(tag["name"]) for window in windows for tag in window["tags"]), default=0)
    yield "   time (s)  tags"
    for window in windows[:SHOWN_WINDOWS]:
        time_span = f"{window['start_time']:g} - {window['end_time']:g}"
        for tag in window["tags"] or [None]:
            yield f"{time_span:>11}  {'-' if tag is None else tag_line(tag, width)}".rstrip()
            time_span = ""
    if len(windows) > SHOWN_WINDOWS:
        yield f"{'...':>11}  {len(windows) - SHOWN_WINDOWS} more windows"


def tag_line(tag: dict[str, Any], width: int) -> str:
    """Returns a tag's name, padded to `width`, with its probability as number and bar."""
    return f"{tag['name']:<{width}}  {tag['probability']:.2f}  {bar(tag['probability'])}"


def bar(probability: float) -> str:
    """Returns a bar of at most BAR_CELLS characters."""
    full, eighths = divmod(round(probability * BAR_CELLS * 8), 8)
    return EIGHTHS[-1] * full + EIGHTHS[eighths].strip()


if __name__ == "__main__":
    sys.exit(main())
