"""What each request cost, as TorchServe metrics: in its log, and at its metrics address for Prometheus.

A worker passes metrics on as lines of its output. TorchServe's own functions write each line separately, eight for each
request, and each write costs a system call here and wakes a thread there. Here all lines of a batch go in one write.

TorchServe registers the metrics automatically (model_metrics_auto_detect in config.properties).
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator, Sequence

from ts.context import Context

from handler.tagger import Tagged

logger = logging.getLogger(__name__)
_HOST_NAME = socket.gethostname()


def leave_out_noise() -> None:
    """Stops TorchServe's worker from logging a line for each batch, which Java would have to write."""
    logging.getLogger().addFilter(_is_no_noise)


def _is_no_noise(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Backend received inference at")


def record(context: Context, results: Sequence[Tagged], total_seconds: float) -> None:
    """Adds the figures of a batch of requests to TorchServe's metrics.

    Args:
        context: TorchServe's context of the running batch.
        results: The result of each request, in the batch's order.
        total_seconds: From the batch's arrival at the worker to its answers.
    """
    labels, source = f"#ModelName:{context.model_name},Level:Model", f"#hostname:{_HOST_NAME},{int(time.time())}"
    lines = [
        f"[METRICS]{name}:{value}|{labels}|#type:{kind}|{source},{context.get_request_id(index)}"
        for index, tagged in enumerate(results)
        for name, value, kind in _figures(tagged, total_seconds)
    ]
    logger.info("\n".join(lines))


def _figures(tagged: Tagged, total_seconds: float) -> Iterator[tuple[str, float, str]]:
    """Name with its unit, value, and TorchServe's type of each metric."""
    times = {
        "SenseTotalTime": total_seconds,
        "SenseDecodeTime": tagged.decode_seconds,
        "SenseModelTime": tagged.model_seconds,
        # Decoding and model overlap, so their sum can exceed the total.
        "SenseWaitTime": max(0.0, total_seconds - tagged.decode_seconds - tagged.model_seconds),
    }
    for name, seconds in times.items():
        yield f"{name}.Milliseconds", round(1000 * seconds, 3), "HISTOGRAM"
    yield "SenseBatchFill.share", round(tagged.batch_fill, 3), "HISTOGRAM"
    yield "SenseAudioSeconds.Count", round(tagged.duration_seconds, 3), "COUNTER"
    yield "SenseWindows.Count", len(tagged.probabilities), "COUNTER"
    yield "SenseFailures.Count", int(tagged.error is not None), "COUNTER"
