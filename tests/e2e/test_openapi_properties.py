"""Requests that schemathesis makes from docs/openapi.json, right and wrong ones, against the local server."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.e2e.test_openapi import DESCRIPTION, SIREN

for sound_type in ("audio/mp3", "audio/wav", "audio/ogg", "audio/x-raw"):
    schemathesis.openapi.media_type(sound_type, st.binary() | st.just(SIREN))
DESCRIBED = schemathesis.openapi.from_dict(DESCRIPTION)


@DESCRIBED.parametrize()
@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(local_url: str, case: schemathesis.Case[Any]) -> None:
    # The description cannot say which bytes are a sound file.
    case.call_and_validate(base_url=local_url, excluded_checks=[positive_data_acceptance])
