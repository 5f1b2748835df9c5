"""Hypothesis settings for laws: few examples, since the whole suite has to stay quick, and no deadline for one."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Pure Python: a fraction of a millisecond per example.
LAW = settings(max_examples=60, deadline=None)
# Examples that run torch, a resampler or a decoder.
SLOW_LAW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
