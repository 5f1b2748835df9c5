from __future__ import annotations

import logging

import numpy as np
import pytest
from ts.context import Context, RequestProcessor
from ts.metrics.caching_metric import CachingMetric
from ts.metrics.dimension import Dimension
from ts.metrics.metric_type_enum import MetricTypes

from handler.errors import BadRequestError
from handler.metrics import leave_out_noise, record
from handler.tagger import Tagged

FIGURES = {
    "SenseTotalTime": ("ms", 500.0, MetricTypes.HISTOGRAM),
    "SenseDecodeTime": ("ms", 300.0, MetricTypes.HISTOGRAM),
    "SenseModelTime": ("ms", 123.457, MetricTypes.HISTOGRAM),
    "SenseWaitTime": ("ms", 76.543, MetricTypes.HISTOGRAM),
    "SenseBatchFill": ("share", 0.625, MetricTypes.HISTOGRAM),
    "SenseAudioSeconds": ("count", 3.012, MetricTypes.COUNTER),
    "SenseWindows": ("count", 2, MetricTypes.COUNTER),
    "SenseFailures": ("count", 0, MetricTypes.COUNTER),
}
TAGGED = Tagged(3.0121, np.zeros((2, 5), np.float32), decode_seconds=0.3, model_seconds=0.1234567, batch_fill=0.625)
LABELS = [Dimension("ModelName", "cochl-sense"), Dimension("Level", "Model")]


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    """A batch of two requests; the clock stands still."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.5)
    context = Context("cochl-sense", "", {}, 2, None, "0")
    context.request_ids = {0: "first", 1: "second"}
    context.request_processor = [RequestProcessor({})] * 2
    return context


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log has got since the last time."""
    found = [line for message in caplog.messages for line in message.splitlines()]
    caplog.clear()
    return found


def test_lines_are_those_of_torchserves_own_functions(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    record(context, [TAGGED], 0.5)
    ours = lines(caplog)
    for name, (unit, value, kind) in FIGURES.items():
        metric = CachingMetric(name, unit, [label.name for label in LABELS], kind)
        metric.add_or_update(value, [label.value for label in LABELS], "first")
    assert ours == lines(caplog)


def test_a_batch_is_one_write(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    record(context, [TAGGED, Tagged(error=BadRequestError("no audio"))], 0.5)
    (message,) = caplog.messages
    ids = [line.rpartition(",")[2] for line in message.splitlines()]
    assert ids == ["first"] * len(FIGURES) + ["second"] * len(FIGURES)
    assert "SenseFailures.Count:1|" in message.splitlines()[-1]


def test_torchserves_line_for_each_batch_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    leave_out_noise()
    logging.info("Backend received inference at: %d", 1_700_000_000)
    logging.info("Frontend disconnected.")
    assert caplog.messages == ["Frontend disconnected."]
