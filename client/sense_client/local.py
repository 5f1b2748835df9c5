"""Tagging in this process, by the project's own handler: no server, and the same answers."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from sense_client.errors import RefusedError, SetupError
from sense_client.http import DESCRIBE, WARNINGS_HEADER, read_warnings
from sense_client.recording import Recording, TagOptions
from sense_client.results import Result

MODEL = Path("model") / "model.pt2"
_FIRST = 0


def project_folder() -> Path | None:
    """Returns the project's folder: that of the .venv that runs this, or the working folder; None: neither is it."""
    folders = (Path(sys.prefix).parent, Path.cwd())
    return next((folder for folder in folders if (folder / "handler" / "sense_handler.py").is_file()), None)


def is_installed() -> bool:
    """Says whether this process can tag: it has the project, PyTorch and TorchServe."""
    return project_folder() is not None and all(map(find_spec, ("torch", "torchcodec", "ts")))


class LocalTransport:
    """Runs the handler.

    Args:
        model: The model file; None: ``model/model.pt2`` beside the handler's package.

    Raises:
        SetupError: The project is not installed, or the model file is not usable.
    """

    def __init__(self, model: Path | None = None) -> None:
        if folder := project_folder():
            sys.path.append(str(folder))
        logging.getLogger("ts").setLevel(logging.ERROR)  # warns of accelerators that it does not find
        try:
            import torch
            from ts.context import Context, RequestProcessor

            import handler
            from handler.sense_handler import SenseHandler
        except ImportError as error:
            raise SetupError(
                f"tagging without a server needs the whole project ({error}): in its folder, after `make demo` and "
                "`.venv/bin/pip install ./client`, call .venv/bin/sense"
            ) from None
        model = model or Path(str(handler.__file__)).parent.parent / MODEL
        if not model.is_file():
            raise SetupError(f"there is no model file {model}; name one with --model")
        self._lock, self._request = Lock(), RequestProcessor
        self._context = Context(
            "cochl-sense",
            str(model.parent),
            {"model": {"serializedFile": model.name}},
            batch_size=1,
            gpu=0 if torch.cuda.is_available() else None,
            mms_version="",
        )
        self._handler = SenseHandler()
        try:
            self._handler.initialize(self._context)
        except SystemExit:
            raise SetupError(f"the handler does not start with {model}; its log says why") from None

    def tag(self, recording: Recording, options: TagOptions) -> Result:
        """Tags a recording. One at a time: each takes all cores.

        Raises:
            RefusedError: No result came.
            OSError: The recording's file cannot be read.
        """
        with recording.open() as file:
            body = bytearray(file.read())  # as TorchServe hands it over
        headers = {"Content-Type": recording.content_type, **options.headers(recording.name)}
        answer, answer_headers = self._answer(body, headers)
        warnings = read_warnings(answer_headers.get(WARNINGS_HEADER))
        return Result.from_dict(answer, model=answer_headers.get("X-Model"), warnings=warnings)

    def describe(self) -> dict[str, Any]:
        """Returns the handler's description of its model."""
        return self._answer(b"", DESCRIBE)[0]

    def close(self) -> None:
        """Holds nothing that must be freed."""

    def _answer(self, body: bytes | bytearray, headers: Mapping[str, str]) -> tuple[dict[str, Any], Mapping[str, str]]:
        with self._lock:
            self._context.request_ids = {_FIRST: "local"}
            self._context.request_processor = [self._request(dict(headers))]
            (content,) = self._handler.handle([{"body": body} if body else {}], self._context)
            status, _ = self._context.get_response_status(_FIRST)
            answer_headers: Mapping[str, str] = self._context.get_response_headers(_FIRST)
        answer: dict[str, Any] = json.loads(content)
        if status not in (None, 200):
            raise RefusedError(answer["error"], status=status)
        return answer, answer_headers
