"""Configuration: environment variables that begin with SENSE_, read and validated once, at start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from handler.errors import BadRequestError
from handler.sensitivity import parse_by_tag, parse_default, parse_thresholds
from handler.text import parse_switch, quoted, whole_number

PREFIX = "SENSE_"
BATCH_ERRORS = ("fail", "answer")
MODEL_FORMS = ("auto", "exported", "torchscript", "float32", "tf32", "bfloat16", "float16")


class SettingsError(ValueError):
    """The environment holds an unknown setting, or one without a valid value."""


@dataclass(frozen=True)
class Settings:
    """What an operator can set; each attribute is the environment variable SENSE_<ATTRIBUTE>.

    Attributes:
        default_sensitivity: In [-2, 2]; the default for requests that set none, as in a batch transform job.
        tags_sensitivity: JSON object of tag names to numbers in [-2, 2]; the default likewise.
        thresholds: JSON object of tag names to thresholds in (0, 1), instead of the model's own.
        tail_window: 1 for a last window that ends where the recording ends (handler/windows.py); the default for
            requests that do not say.
        max_body_bytes: Larger bodies are refused with 413. SageMaker's asynchronous limit is 1 GiB.
        max_audio_seconds: Longer audio is refused with 400 as soon as that much is decoded, since a small compressed
            file can unfold into years of it. The default of 100 hours lets 1 GiB at 24 kb/s through.
        max_work_seconds: A request that takes longer is refused with 413. SageMaker waits 60 s for a real-time answer
            and at most an hour for an asynchronous one.
        batch_hops: Hops that the model scores in one call; 0 for what suits the device (handler/model).
        model_threads: Batches that are scored at once; 0 for one per core, or two on a GPU.
        model_form: "auto" for the first form of the model that gives its probabilities (handler/model/forms.py),
            "exported" for the program as the file has it, or the name of a form. It is refused at start if it does not
            run on the device or does not give the model's probabilities; "tf32", "bfloat16" and "float16" are served
            all the same, and the log says how far probabilities move.
        batch_errors: What a recording that cannot be tagged does to a batch transform job: "fail" fails it, "answer"
            answers 200 with the error. It acts in transform jobs alone (`answers_errors`), so that a model that also
            serves an endpoint may have it in its environment.
        spool_folder: Absolute path of the folder where a trusted front leaves bodies (handler/wire/spool.py). Without
            it bodies come through TorchServe.
    """

    default_sensitivity: int = 0
    tags_sensitivity: Mapping[str, int] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    tail_window: bool = False
    max_body_bytes: int = 1 << 30
    max_audio_seconds: int = 360_000
    max_work_seconds: int = 3_600
    batch_hops: int = 0
    model_threads: int = 0
    model_form: str = "auto"
    batch_errors: str = "fail"
    spool_folder: Path | None = None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the settings from environment variables.

    Raises:
        SettingsError: A SENSE_ variable is unknown or has no valid value; the message names it.
    """
    return Settings(**{name[len(PREFIX) :].lower(): value for name, value in read_values(environment, PARSERS).items()})


def answers_errors(settings: Settings, environment: Mapping[str, str]) -> bool:
    """Whether recordings that cannot be tagged are answered with 200: in a transform job whose settings say so.

    SageMaker sets SAGEMAKER_BATCH in the containers of transform jobs, in its own images, too.
    """
    is_transform_job = environment.get("SAGEMAKER_BATCH", "").lower() in ("true", "1")
    return is_transform_job and settings.batch_errors == "answer"


def read_values(environment: Mapping[str, str], parsers: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """Reads every variable that begins with SENSE_.

    Args:
        environment: The environment variables.
        parsers: Variable -> what makes a value of its text. Each is called as parser(text, source=variable).

    Returns:
        Variable -> value, for those that are set.

    Raises:
        SettingsError: One has no parser, or no valid value; the message names it.
    """
    given = {name: text for name, text in environment.items() if name.startswith(PREFIX)}
    unknown = sorted(name for name in given if name not in parsers)
    if unknown:
        raise SettingsError(f"unknown setting {unknown[0]}; known ones are {', '.join(parsers)}")
    try:
        return {name: parsers[name](text, source=name) for name, text in given.items()}
    except BadRequestError as error:
        raise SettingsError(str(error)) from None


def whole_number_parser(lowest: int, highest: int) -> Callable[..., int]:
    """Returns a parser of whole numbers from `lowest` to `highest`."""

    def parse(text: str, *, source: str) -> int:
        value = whole_number(text.strip())
        if value is None or not lowest <= value <= highest:
            raise SettingsError(f"{source}={quoted(text)} is not a whole number from {lowest} to {highest}")
        return value

    return parse


def _choice_parser(choices: Sequence[str]) -> Callable[..., str]:
    def parse(text: str, *, source: str) -> str:
        choice = text.strip()
        if choice not in choices:
            raise SettingsError(f"{source}={quoted(text)} is none of {', '.join(choices)}")
        return choice

    return parse


def _folder(text: str, *, source: str) -> Path:
    path = Path(text)
    if not (path.is_absolute() and path.is_dir()):
        raise SettingsError(f"{source}={quoted(text)} is not the absolute path of a folder that exists")
    return path


# Variable -> what makes a value of its text.
PARSERS: Mapping[str, Callable[..., Any]] = {
    "SENSE_DEFAULT_SENSITIVITY": parse_default,
    "SENSE_TAGS_SENSITIVITY": parse_by_tag,
    "SENSE_THRESHOLDS": parse_thresholds,
    "SENSE_TAIL_WINDOW": parse_switch,
    # TorchServe holds sizes in signed 32-bit integers.
    "SENSE_MAX_BODY_BYTES": whole_number_parser(1, (1 << 31) - 1),
    "SENSE_MAX_AUDIO_SECONDS": whole_number_parser(1, 10**9),
    "SENSE_MAX_WORK_SECONDS": whole_number_parser(1, 86_400),
    "SENSE_BATCH_HOPS": whole_number_parser(0, 4096),
    "SENSE_MODEL_THREADS": whole_number_parser(0, 256),
    "SENSE_MODEL_FORM": _choice_parser(MODEL_FORMS),
    "SENSE_BATCH_ERRORS": _choice_parser(BATCH_ERRORS),
    "SENSE_SPOOL_FOLDER": _folder,
}
