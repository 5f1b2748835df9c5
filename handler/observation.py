"""What each request cost, as TorchServe metrics: in its log, and at its metrics address for Prometheus.

TorchServe registers them by itself (model_metrics_auto_detect in config.properties).
"""

from __future__ import annotations

from ts.metrics.metric_cache_abstract import MetricCacheAbstract
from ts.metrics.metric_type_enum import MetricTypes

from handler.tagger import Tagged


def record(metrics: MetricCacheAbstract, index: int, tagged: Tagged, total_seconds: float) -> None:
    """Adds a request's figures to TorchServe's metrics.

    Args:
        metrics: TorchServe's metrics of the running batch.
        index: The request's place in the batch.
        tagged: What became of it.
        total_seconds: From the worker's getting the batch to its answer.
    """
    times = {
        "SenseTotalTime": total_seconds,
        "SenseDecodeTime": tagged.decode_seconds,
        "SenseModelTime": tagged.model_seconds,
        # Decoding and model overlap, so what is left of the total can be nothing at all.
        "SenseWaitTime": max(0.0, total_seconds - tagged.decode_seconds - tagged.model_seconds),
    }
    for name, seconds in times.items():
        metrics.add_time(name, round(1000 * seconds, 3), index, "ms", metric_type=MetricTypes.HISTOGRAM)
    fill = round(tagged.batch_fill, 3)
    metrics.add_metric("SenseBatchFill", fill, "share", index, metric_type=MetricTypes.HISTOGRAM)
    metrics.add_counter("SenseAudioSeconds", round(tagged.duration_seconds, 3), index)
    metrics.add_counter("SenseWindows", len(tagged.probabilities), index)
    metrics.add_counter("SenseFailures", int(tagged.error is not None), index)
