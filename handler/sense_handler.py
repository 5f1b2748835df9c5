"""TorchServe's entry point. TorchServe allows one class in this module."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ts.context import Context
from ts.torch_handler.base_handler import BaseHandler

from handler import metrics
from handler.arrays import Floats
from handler.audio.stream import AudioStream
from handler.cores import num_own_cores
from handler.errors import BadRequestError, CallerError, CallerGoneError, NotFoundError, WorkTooLongError
from handler.memory import keep_freed_memory
from handler.model.file import ModelFileError
from handler.model.forms import FormError
from handler.model.loading import load_model
from handler.model.scoring import ScoringPool, default_batch_hops, default_num_threads
from handler.sensitivity import replaced, thresholds
from handler.settings import SettingsError, answers_errors, read_settings
from handler.tagger import Tagged, tag
from handler.text import quoted
from handler.wire import custom_attributes, response, spool
from handler.wire.request import TagRequest, read_request
from handler.wire.spool import SpoolError

logger = logging.getLogger(__name__)
_LAST_WORDS_SECONDS = 0.5
# At 35 bytes each an answer of 140 MB, for 24 hours with 45 tags or 2 hours with 527. TorchServe keeps it in memory.
MAX_PROBABILITIES = 4_000_000


class SenseHandler(BaseHandler):  # type: ignore[misc]  # TorchServe is not annotated
    """Tags sound files: bytes in, Cochl.Sense JSON out."""

    def initialize(self, context: Context) -> None:
        """Loads the model of the archive onto the worker's device.

        Raises:
            SystemExit: The model file or a SENSE_ variable is wrong. One line in the log says how, instead of a
                traceback at each of TorchServe's tries.
        """
        self.manifest = context.manifest
        metrics.leave_out_noise()
        try:
            self._load(context.system_properties, context.model_yaml_config or {})
        except (ModelFileError, FormError, SettingsError) as error:
            logger.error("cannot serve: %s", error)
            # TorchServe stops reading a worker's output as soon as the worker ends, and may miss the last line.
            time.sleep(_LAST_WORDS_SECONDS)
            raise SystemExit(1) from None
        self.initialized = True

    def _load(self, properties: Mapping[str, Any], model_config: Mapping[str, Any]) -> None:
        gpu_id = properties.get("gpu_id")
        self.settings = read_settings(os.environ)
        self.answers_errors = answers_errors(self.settings, os.environ)
        keep_freed_memory()
        torch.set_num_threads(1)  # from the first run of the model on; handler/model/scoring.py says why
        self.device = torch.device(f"cuda:{gpu_id}" if gpu_id is not None and torch.cuda.is_available() else "cpu")
        self.model = load_model(
            Path(properties["model_dir"]) / self.manifest["model"]["serializedFile"],
            self.device,
            form=self.settings.model_form,
        )
        self.pool = ScoringPool(self.model, self.settings.model_threads or default_num_threads(self.device))
        self.batch_hops = self.settings.batch_hops or default_batch_hops(self.device)
        self.decode_here = num_own_cores(model_config, os.environ, has_gpu=self.device.type == "cuda") == 1
        info = self.model.info
        self.model_label = response.model_label(info.name, info.version)
        self.thresholds = self._own_thresholds()
        logger.info("model %s %s on %s, %s", self.model_label, self.model.form, self.device, self.settings)

    def _own_thresholds(self) -> Floats:
        """The model's thresholds, or the operator's where there are some."""
        info, own = self.model.info, self.settings.thresholds
        unknown = [name for name in own if name not in info.tags]
        if unknown:
            raise SettingsError(
                f"SENSE_THRESHOLDS: the model {self.model_label} has no tag {quoted(unknown[0])}; it has "
                f"{', '.join(info.tags)}"
            )
        return replaced(info.thresholds, info.tags, own)

    def handle(self, data: Sequence[Mapping[str, Any]], context: Context) -> list[bytes]:
        """Answers a batch of requests.

        In the base class, one caller's header "explain" or "describe" decides for the whole batch.
        """
        start_seconds = time.perf_counter()
        self.context = context
        results = self.inference(self.preprocess(data))
        answers = self.postprocess(results)
        metrics.record(context, [tagged for _, tagged in results], time.perf_counter() - start_seconds)
        if any(isinstance(tagged.error, torch.AcceleratorError) for _, tagged in results):
            _end_worker_soon()
        for _, tagged in results:
            _let_go_of_frames(tagged.error)
        return answers

    def preprocess(self, data: Sequence[Mapping[str, Any]]) -> list[TagRequest | Exception | None]:
        """Reads what each caller asks for, or why that cannot be read. None asks for the model's description."""
        return [self._read(row, self.context.get_all_request_header(index)) for index, row in enumerate(data)]

    def inference(self, requests: Sequence[TagRequest | Exception | None]) -> list[tuple[TagRequest | None, Tagged]]:
        """Decodes and scores all requests together; each gets its own result or error."""
        readable = [request for request in requests if isinstance(request, TagRequest)]
        streams = [self._stream(request) for request in readable]
        with_tail = [request.tail_window for request in readable]
        tagged = iter(
            tag(streams, self.pool, batch_hops=self.batch_hops, decode_here=self.decode_here, with_tail=with_tail)
        )
        return [
            (request, next(tagged)) if isinstance(request, TagRequest) else (None, Tagged(error=request))
            for request in requests
        ]

    def postprocess(self, results: Sequence[tuple[TagRequest | None, Tagged]]) -> list[bytes]:
        """Writes every answer's status, headers and body."""
        return [self._answer(index, request, tagged) for index, (request, tagged) in enumerate(results)]

    def describe_handle(self) -> bytes:
        """Describes the model, for the custom attribute "describe" and TorchServe's /models/NAME?customized=true."""
        info = self.model.info
        return response.encode_description(
            name=info.name,
            version=info.version,
            tags=info.tags,
            categories=info.categories,
            thresholds=self.thresholds,
            grid=info.grid,
            limits={
                "max_body_bytes": self.settings.max_body_bytes,
                "max_audio_seconds": self.settings.max_audio_seconds,
                "max_probabilities": MAX_PROBABILITIES,
            },
        )

    def _read(self, row: Mapping[str, Any], headers: Mapping[str, Any]) -> TagRequest | Exception | None:
        # TorchServe marks the requests for a description and those to /explanations.
        if headers.get("describe") == "True":
            return None
        if headers.get("explain") == "True":
            return NotFoundError("this model explains nothing; POST the sound file to /predictions instead")
        try:
            return read_request(row, headers, self.settings)
        except Exception as error:  # must not affect the other requests of the batch
            return error

    def _stream(self, request: TagRequest) -> AudioStream:
        return AudioStream(
            request.body,
            request.media,
            sample_rate=self.model.info.sample_rate,
            max_seconds=self.settings.max_audio_seconds,
            check=partial(_check_work, request.body, self.settings.max_work_seconds, time.monotonic()),
        )

    def _answer(self, index: int, request: TagRequest | None, tagged: Tagged) -> bytes:
        self.context.set_response_content_type(index, "application/json")
        self.context.set_response_header(index, response.MODEL_HEADER, self.model_label)
        if self.answers_errors and request is not None and isinstance(tagged.error, CallerError):
            return self._answered_error(index, request, tagged.error)
        if tagged.error is not None:
            return self._fail_for_front(index, tagged.error)
        if request is None:
            return self.describe_handle()
        if request.all_probabilities and tagged.probabilities.size > MAX_PROBABILITIES:
            return self._fail_for_front(index, _too_many_probabilities(tagged.probabilities.shape))
        self._warn(index, request)
        return self._encoded(request, tagged)

    def _warn(self, index: int, request: TagRequest) -> None:
        unknown_tags = request.sensitivity.unknown_tags(self.model.info.tags)
        warnings = [*request.warnings, *map("unknown tag {!r} ignored".format, unknown_tags)]
        if warnings:
            self.context.set_response_header(index, custom_attributes.HEADER, response.encode_warnings(warnings))

    def _answered_error(self, index: int, request: TagRequest, error: CallerError) -> bytes:
        logger.warning("request %s is answered with an error: %s", self.context.get_request_id(index), error)
        return response.encode_answered_error(_metadata(request), str(error))

    def _encoded(self, request: TagRequest, tagged: Tagged) -> bytes:
        info = self.model.info
        return response.encode_answer(
            _metadata(request, tagged.duration_seconds),
            response.encode_windows(
                tagged.probabilities,
                thresholds=thresholds(self.thresholds, info.tags, request.sensitivity),
                tags=info.tags,
                grid=info.grid,
                tail_start_seconds=tagged.tail_start_seconds,
                all_probabilities=request.all_probabilities,
            ),
        )

    def _fail_for_front(self, index: int, error: Exception) -> bytes:
        body = self._fail(index, error)
        if self.settings.spool_folder is not None:
            self.context.set_response_header(index, response.ERROR_HEADER, body.decode().rstrip())
        return body

    def _fail(self, index: int, error: Exception) -> bytes:
        if isinstance(error, CallerError):
            self.context.set_response_status(error.status, error.phrase, index)
            return response.encode_error(error.status, str(error))
        request_id = self.context.get_request_id(index)
        if isinstance(error, SpoolError):
            # Usually a caller who hung up, so that the front removed the body: one line is enough.
            logger.warning("request %s: %s", request_id, error)
        else:
            logger.error("request %s failed, and the fault is ours", request_id, exc_info=error)
        self.context.set_response_status(500, "Internal Server Error", index)
        return response.encode_error(500, f"internal error; the server's log has it under request id {request_id}")


def _metadata(request: TagRequest, duration_seconds: float = 0.0) -> str:
    return response.encode_metadata(
        content_type=request.content_type,
        duration_seconds=duration_seconds,
        size_bytes=len(request.body),
        name=request.name,
    )


def _check_work(body: memoryview, max_seconds: int, start_seconds: float) -> None:
    """Ends work that takes too long, or that nobody waits for."""
    if spool.is_removed(body):
        raise CallerGoneError("the caller hung up")
    if time.monotonic() - start_seconds > max_seconds:
        raise WorkTooLongError(
            f"the recording takes longer than the {max_seconds} s that this server works on one request; "
            "send it in parts, or to an asynchronous endpoint"
        )


def _let_go_of_frames(error: BaseException | None) -> None:
    """Drops an error's tracebacks: their frames hold the body and the error, until a garbage collection."""
    while error is not None:
        error.__traceback__, error = None, error.__context__


def _too_many_probabilities(shape: tuple[int, ...]) -> CallerError:
    return BadRequestError(
        f"X-All-Probabilities: the recording has {shape[0]} windows of {shape[1]} tags, and an answer holds "
        f"{MAX_PROBABILITIES} probabilities at most; send a shorter recording, or leave the header away"
    )


def _end_worker_soon() -> None:
    """Ends the process once its answers are out: after this error every CUDA call of the process fails.

    TorchServe then starts another worker, with a new CUDA context. (Running out of memory is another error, which a
    worker survives.)
    """
    logger.error("the GPU no longer works in this process; the worker ends, and TorchServe starts another")
    threading.Timer(_LAST_WORDS_SECONDS, os._exit, (1,)).start()
