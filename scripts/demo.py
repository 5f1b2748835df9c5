"""Tags one sound file with a TorchServe started for it, and shows what was heard when. `make demo` runs this."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.archive import TREE, add_model_store, describe
from deploy.container_settings import FRONT_VARIABLES
from deploy.errors import ServingError
from deploy.http_call import ANSWER_SECONDS, call
from deploy.processes import interrupted_by_signals
from deploy.torchserve import alone
from deploy.torchserve.launch import Options
from handler.cores import WORKERS_VARIABLE

SAMPLE = TREE / "samples" / "demo.mp3"
LOGS = TREE / "build" / "logs" / "demo"
CONTENT_TYPES = {".mp3": "audio/mp3", ".wav": "audio/wav", ".ogg": "audio/ogg"}
# An hour's recording may take longer than the clip that a health check sends.
FILE_SECONDS = 30 * ANSWER_SECONDS
SHOWN_WINDOWS = 2
BAR_CELLS = 20


@dataclass
class Event:
    """One tag in consecutive windows.

    Attributes:
        name: The tag.
        start_seconds: Where the first of the windows starts.
        end_seconds: Where the last of them ends.
        peak: The highest probability in them.
    """

    name: str
    start_seconds: float
    end_seconds: float
    peak: float


def main() -> int:
    """Runs the demo; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=SAMPLE, help="a sound file (default: samples/demo.mp3)")
    add_model_store(parser)
    arguments = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal without the bars' character
    try:
        with interrupted_by_signals():
            demonstrate(arguments.file, arguments.model_store)
    except ServingError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted, the server is stopped", file=sys.stderr)
        return 130
    return 0


def demonstrate(file: Path, model_store: Path) -> None:
    """Starts the server, tags `file`, prints what came back, stops the server.

    Raises:
        ServingError: The file cannot be read, the server did not start, or it did not answer with 200.
    """
    body = read(file)
    model = describe(model_store)
    print("starting TorchServe ...", flush=True)
    began = time.monotonic()
    environment = {name: value for name, value in os.environ.items() if name not in FRONT_VARIABLES}
    options = Options(model_store, environment={**environment, WORKERS_VARIABLE: "1"})  # one worker is ready first
    with alone.running(options, LOGS) as server:
        log = LOGS / alone.LOG_NAME
        print(f"{model} is ready after {time.monotonic() - began:.1f} s at {server.url}; log: {log}\n", flush=True)
        result = tag(f"{server.url}/invocations", file.name, body)
    print("\n".join([*excerpt(result), "", *table(merged(result["data"]))]))


def read(file: Path) -> bytes:
    """Returns a file's bytes.

    Raises:
        ServingError: It cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise ServingError(f"cannot read {file}: {error.strerror}") from None


def tag(url: str, name: str, body: bytes) -> dict[str, Any]:
    """Posts a file and returns the answer's JSON.

    Raises:
        ServingError: The answer is an error; the message has its text.
    """
    content_type = CONTENT_TYPES.get(Path(name).suffix.lower(), "application/octet-stream")
    sent = time.monotonic()
    headers = {"Content-Type": content_type, "X-Filename": name}
    answer = call("POST", url, headers, body, timeout_seconds=FILE_SECONDS)
    elapsed_ms = 1000 * (time.monotonic() - sent)
    print(f"POST /invocations, {content_type}, {len(body)} bytes: status {answer.status} in {elapsed_ms:.0f} ms")
    if not answer.ok:
        raise ServingError(answer.text)
    result: dict[str, Any] = json.loads(answer.body)
    return result


def excerpt(result: dict[str, Any]) -> Iterator[str]:
    """Yields the answer as JSON, one line for each of its first windows; the rest is left out."""
    windows = [json.dumps(window, ensure_ascii=False) for window in result["data"]]
    if len(windows) > SHOWN_WINDOWS + 1:
        windows[SHOWN_WINDOWS:] = [f"... {len(windows) - SHOWN_WINDOWS} more windows ..."]
    yield f'{{"metadata": {json.dumps(result["metadata"], ensure_ascii=False)},'
    yield ' "data": ['
    yield ",\n".join(f"    {window}" for window in windows)
    yield "]}"


def merged(windows: Sequence[dict[str, Any]]) -> list[Event]:
    """Returns the events of an answer, by their start, and at one start by falling probability."""
    events: list[Event] = []
    going_on: dict[str, Event] = {}
    for window in windows:
        still: dict[str, Event] = {}
        for tag in window["tags"]:
            event = going_on.get(tag["name"])
            if event is None:
                event = Event(tag["name"], window["start_time"], window["end_time"], tag["probability"])
                events.append(event)
            event.end_seconds = window["end_time"]
            event.peak = max(event.peak, tag["probability"])
            still[event.name] = event
        going_on = still
    return sorted(events, key=lambda event: (event.start_seconds, -event.peak))


def table(events: Sequence[Event]) -> Iterator[str]:
    """Yields the lines of a table with one line for each event."""
    width = max((len(event.name) for event in events), default=0)
    yield f"     time (s)  {'tag':<{width}}  highest probability"
    for event in events:
        time_span = f"{event.start_seconds:g} - {event.end_seconds:g}"
        yield f"{time_span:>13}  {event.name:<{width}}  {event.peak:.2f}  {'█' * round(event.peak * BAR_CELLS)}"
    if not events:
        yield "               nothing was heard"


if __name__ == "__main__":
    sys.exit(main())
