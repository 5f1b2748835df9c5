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

    `make settings` writes these lines into docs/tuning.md.

    Attributes:
        default_sensitivity: -2 to 2, for requests that set none.
        tags_sensitivity: JSON object of tags to numbers from -2 to 2, for requests that set none.
        thresholds: JSON object of tags to thresholds between 0 and 1, instead of the model's own.
        tail_window: `1`: a last window that ends where the recording ends (docs/formats.md#from-samples-to-windows),
            for requests that do not set `X-Tail-Window`.
        batch_errors: `answer`: a transform job answers a recording that cannot be tagged with the error, and completes
            (docs/sagemaker.md#one-broken-file-among-ten-thousand). `fail`: such a recording fails the job. Only
            transform jobs heed it, so a model that also serves an endpoint may have it.
        max_body_bytes: Larger bodies get 413. Behind nginx the default is the profile's.
        max_work_seconds: A request that takes longer gets 413. In the real-time profile the default is 60: SageMaker
            waits that long, and for at most an hour for an asynchronous answer.
        max_audio_seconds: Longer audio gets 400 as soon as that much is decoded: a small file can unfold into years.
            1 GiB at 24 kb/s fits into the default.
        batch_hops: Hops that the model scores in one call; 0: 32, or 512 on a GPU.
        model_threads: Batches scored at once; 0: one for each core, or two on a GPU.
        model_form: `auto`: the first form that gives the model's probabilities. Or one by name
            (docs/record/speed.md#which-form-is-served): `exported`, the program as the file has it; on a CPU
            `torchscript`, `bfloat16`; on a GPU `float16`, `bfloat16`, `tf32`, `float32`. A form that cannot be served
            ends the start with one line. `tf32`, `bfloat16` and `float16` are served even where probabilities move, and
            the log says how far.
        spool_folder: Absolute path of the folder in which the container, and `make serve` with nginx, make the one for
            bodies; default: the temporary folder. At worst it needs `SENSE_MAX_LARGE_REQUESTS` times the size
            limit and 1 GB. Leave it unset where no nginx stands before TorchServe. The handler gets the folder that
            was made, and takes bodies from there (handler/wire/spool.py).
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
