from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.container_settings import HIGHEST_MAX_REQUESTS, PROFILES, read_container_settings
from handler import settings as handler_settings
from handler.settings import SettingsError

MIB = 1 << 20


def test_without_any_variable_it_is_a_real_time_server() -> None:
    settings = read_container_settings({})
    assert (settings.profile, settings.port, settings.max_body_bytes) == ("realtime", 8080, 25 * MIB)
    assert settings.handler_variables == {"SENSE_MAX_WORK_SECONDS": "60"}


def test_an_asynchronous_server_takes_a_gibibyte() -> None:
    assert read_container_settings({"SENSE_PROFILE": "async"}).max_body_bytes == 1 << 30


def test_sagemakers_batch_variables_are_honoured() -> None:
    settings = read_container_settings(
        {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": "50",
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
            "SENSE_PROFILE": "async",  # the model's own, for its endpoints
        }
    )
    assert (settings.profile, settings.max_body_bytes, settings.max_transforms) == ("batch", 50 * MIB, 2)
    assert settings.execution_parameters() == {
        "MaxConcurrentTransforms": 2,
        "BatchStrategy": "SINGLE_RECORD",
        "MaxPayloadInMB": 50,
    }


@pytest.mark.parametrize("payload_mb", [None, "0"])
def test_a_transform_job_without_a_limit_takes_sagemakers_largest_payload(payload_mb: str | None) -> None:
    given_mb = {} if payload_mb is None else {"SAGEMAKER_MAX_PAYLOAD_IN_MB": payload_mb}
    assert read_container_settings({"SAGEMAKER_BATCH": "true", **given_mb}).max_body_bytes == 100 * MIB


def test_a_payload_limit_outside_a_transform_job_says_nothing() -> None:
    assert read_container_settings({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "1"}).max_body_bytes == 25 * MIB


def test_an_operators_word_counts_most(tmp_path: Path) -> None:
    settings = read_container_settings(
        {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": "50",
            "SENSE_MAX_BODY_BYTES": "1000",
            "SENSE_MAX_REQUESTS": "3",
            "SENSE_MAX_LARGE_REQUESTS": "1",
            "SENSE_SPOOL_FOLDER": str(tmp_path),
            "SENSE_DEFAULT_SENSITIVITY": "1",
        }
    )
    assert (settings.max_body_bytes, settings.spool_parent) == (1000, tmp_path)
    assert (settings.max_requests, settings.max_large_requests) == (3, 1)
    assert settings.handler_variables["SENSE_DEFAULT_SENSITIVITY"] == "1"
    assert "SENSE_MAX_REQUESTS" not in settings.handler_variables
    for word in ("batch", "1000 bytes", "3 requests", "1 large", str(tmp_path), "SENSE_DEFAULT_SENSITIVITY=1"):
        assert word in settings.describe()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SENSE_PROFILE", "Realtime"),
        ("SENSE_MAX_REQUESTS", str(HIGHEST_MAX_REQUESTS + 1)),
        ("SENSE_MAX_REQUESTS", "many"),
        ("SENSE_DEFAULT_SENSITIVITY", "3"),
        ("SENSE_SPOOL_FOLDER", "relative"),
        ("SENSE_NO_SUCH_THING", "1"),
        ("SAGEMAKER_BIND_TO_PORT", "0"),
        ("SAGEMAKER_BIND_TO_PORT", "65536"),
        ("SAGEMAKER_SAFE_PORT_RANGE", "25000"),
        ("SAGEMAKER_SAFE_PORT_RANGE", "26000-25000"),
        ("SAGEMAKER_BATCH", "perhaps"),
        ("SAGEMAKER_MAX_PAYLOAD_IN_MB", "101"),
        ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "-1"),
    ],
)
def test_a_wrong_value_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_container_settings({name: text})


def test_the_safe_port_range() -> None:
    settings = read_container_settings({"SAGEMAKER_SAFE_PORT_RANGE": "25000-25999"})
    assert settings.internal_ports == (25_000, 25_999)


def test_an_unknown_setting_is_told_of_all_known_ones() -> None:
    with pytest.raises(SettingsError) as raised:
        read_container_settings({"SENSE_PROFIL": "async"})
    for name in (*handler_settings.PARSERS, "SENSE_PROFILE", "SENSE_MAX_REQUESTS"):
        assert name in str(raised.value)


def test_no_profile_overflows_torchserves_queue() -> None:
    assert max(profile.max_requests for profile in PROFILES.values()) <= HIGHEST_MAX_REQUESTS


@given(st.integers(0, 100), st.integers(1, 64))
def test_execution_parameters_keep_sagemakers_rule(payload_mb: int, transforms: int) -> None:
    settings = read_container_settings(
        {
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(payload_mb),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(transforms),
        }
    )
    proposed = settings.execution_parameters()
    product = int(str(proposed["MaxConcurrentTransforms"])) * int(str(proposed["MaxPayloadInMB"]))
    assert 1 <= product <= 100
