from __future__ import annotations

from pathlib import Path

import pytest

from handler.settings import Settings, SettingsError, answers_errors, read_settings

GIB = 1 << 30


def test_the_defaults_serve_sagemakers_largest_request() -> None:
    settings = read_settings({})
    assert (settings.default_sensitivity, dict(settings.tags_sensitivity), settings.spool_folder) == (0, {}, None)
    assert settings.max_body_bytes >= GIB


def test_the_default_length_lets_a_gib_of_speech_through() -> None:
    assert read_settings({}).max_audio_seconds >= GIB * 8 // 24_000


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("default_sensitivity", "-2", -2),
        ("default_sensitivity", " +1 ", 1),
        ("tags_sensitivity", '{"Siren": 2, "Laughter": -2}', {"Siren": 2, "Laughter": -2}),
        ("tags_sensitivity", "{}", {}),
        ("thresholds", '{"Siren": 0.4}', {"Siren": 0.4}),
        ("tail_window", "1", True),
        ("tail_window", " 0 ", False),
        ("max_body_bytes", "1", 1),
        ("max_body_bytes", " 2147483647 ", 2**31 - 1),
        ("max_audio_seconds", "1", 1),
        ("max_audio_seconds", "1000000000", 10**9),
        ("batch_hops", "0", 0),
        ("batch_hops", "1", 1),
        ("batch_hops", "4096", 4096),
        ("model_threads", "0", 0),
        ("model_threads", "256", 256),
        ("model_form", "auto", "auto"),
        ("model_form", " exported ", "exported"),
        ("model_form", "tf32", "tf32"),
        ("batch_errors", "answer", "answer"),
        ("batch_errors", " fail ", "fail"),
    ],
)
def test_a_variable_sets_its_field_and_no_other(name: str, text: str, value: object) -> None:
    settings = read_settings({f"SENSE_{name.upper()}": text})
    assert vars(settings) == {**vars(Settings()), name: value}


def test_all_variables_together() -> None:
    environment = {"SENSE_DEFAULT_SENSITIVITY": "1", "SENSE_TAGS_SENSITIVITY": '{"a": 2}', "SENSE_BATCH_HOPS": "8"}
    assert read_settings(environment) == Settings(default_sensitivity=1, tags_sensitivity={"a": 2}, batch_hops=8)


@pytest.mark.parametrize("name", ["PATH", "sense_batch_hops", "MY_SENSE_BATCH_HOPS", "SENSEI", "TS_BATCH_SIZE"])
def test_other_variables_are_none_of_our_business(name: str) -> None:
    assert read_settings({name: "x"}) == Settings()


@pytest.mark.parametrize("name", ["SENSE_", "SENSE_BATCH_HOP", "SENSE_batch_hops", "SENSE_MAX_BODY"])
def test_an_unknown_setting_is_named_with_the_known_ones(name: str) -> None:
    with pytest.raises(SettingsError, match=f"unknown setting {name}; known ones are .*SENSE_BATCH_HOPS"):
        read_settings({name: "1", "SENSE_BATCH_HOPS": "8"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SENSE_DEFAULT_SENSITIVITY", "3"),
        ("SENSE_DEFAULT_SENSITIVITY", "high"),
        ("SENSE_DEFAULT_SENSITIVITY", ""),
        ("SENSE_TAGS_SENSITIVITY", "Siren=2"),
        ("SENSE_TAGS_SENSITIVITY", "[]"),
        ("SENSE_TAGS_SENSITIVITY", '{"Siren": 2.5}'),
        ("SENSE_TAGS_SENSITIVITY", ""),
        ("SENSE_THRESHOLDS", "[]"),
        ("SENSE_THRESHOLDS", "Siren=0.4"),
        ("SENSE_THRESHOLDS", '{"Siren": 0}'),
        ("SENSE_THRESHOLDS", '{"Siren": 1}'),
        ("SENSE_THRESHOLDS", '{"Siren": -0.4}'),
        ("SENSE_THRESHOLDS", '{"Siren": 1e-60}'),
        ("SENSE_THRESHOLDS", '{"Siren": 0.9999999999}'),
        ("SENSE_THRESHOLDS", ""),
        ("SENSE_TAIL_WINDOW", "yes"),
        ("SENSE_TAIL_WINDOW", ""),
        ("SENSE_MAX_BODY_BYTES", "0"),
        ("SENSE_MAX_BODY_BYTES", "2147483648"),
        ("SENSE_MAX_BODY_BYTES", "1e9"),
        ("SENSE_MAX_AUDIO_SECONDS", "0"),
        ("SENSE_MAX_AUDIO_SECONDS", "-5"),
        ("SENSE_MAX_AUDIO_SECONDS", "1000000001"),
        ("SENSE_BATCH_HOPS", "-1"),
        ("SENSE_BATCH_HOPS", "4097"),
        ("SENSE_BATCH_HOPS", ""),
        ("SENSE_MODEL_FORM", "Exported"),
        ("SENSE_MODEL_FORM", "float8"),
        ("SENSE_MODEL_FORM", ""),
        ("SENSE_BATCH_ERRORS", "1"),
        ("SENSE_BATCH_ERRORS", "Answer"),
        ("SENSE_BATCH_ERRORS", ""),
        ("SENSE_SPOOL_FOLDER", ""),
        ("SENSE_SPOOL_FOLDER", "relative"),
        ("SENSE_SPOOL_FOLDER", "/nowhere/to/be/found"),
        ("SENSE_SPOOL_FOLDER", "/etc/passwd"),
    ],
)
def test_a_bad_value_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        read_settings({name: text})
    assert text.strip("{}").split(":")[-1].strip() in str(caught.value)


def test_a_spool_folder_is_an_existing_folder(tmp_path: Path) -> None:
    assert read_settings({"SENSE_SPOOL_FOLDER": str(tmp_path)}).spool_folder == tmp_path


@pytest.mark.parametrize("flag", ["true", "True", "1"])
def test_errors_are_answered_in_transform_jobs_that_ask_for_it(flag: str) -> None:
    assert answers_errors(read_settings({"SENSE_BATCH_ERRORS": "answer"}), {"SAGEMAKER_BATCH": flag})


@pytest.mark.parametrize(
    ("choice", "environment"),
    [("answer", {}), ("answer", {"SAGEMAKER_BATCH": "false"}), ("fail", {"SAGEMAKER_BATCH": "true"})],
)
def test_errors_fail_everywhere_else(choice: str, environment: dict[str, str]) -> None:
    assert not answers_errors(read_settings({"SENSE_BATCH_ERRORS": choice}), environment)
