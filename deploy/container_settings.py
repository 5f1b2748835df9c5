"""The container's settings: SAGEMAKER_ variables, which SageMaker sets, and SENSE_ variables, which an operator sets.

The handler reads its own SENSE_ variables (handler/settings.py). The container's other ones do not reach it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from handler import settings as handler_settings
from handler.settings import PREFIX, SettingsError, read_values, whole_number_parser
from handler.text import quoted

MEBIBYTE = 1 << 20
# TorchServe's queue (jobQueueSize in model-config.yaml) holds that many, so it never overflows.
HIGHEST_MAX_REQUESTS = 64
# What SageMaker allows for MaxPayloadInMB, and for its product with MaxConcurrentTransforms.
HIGHEST_PAYLOAD_MB = 100


@dataclass(frozen=True)
class Profile:
    """What one of SageMaker's kinds of hosting asks for.

    Attributes:
        max_body_bytes: Larger bodies are refused with 413.
        max_requests: Requests at once that wait for a worker or are worked on; one more is refused with 429.
        max_work_seconds: Work on one request ends after that: SageMaker no longer waits for its answer.
    """

    max_body_bytes: int
    max_requests: int
    max_work_seconds: int = 3_600


PROFILES: Mapping[str, Profile] = {
    # 25 MB is the most that SageMaker passes on. It waits 60 s at most: answers of a longer queue would come too late.
    "realtime": Profile(max_body_bytes=25 * MEBIBYTE, max_requests=32, max_work_seconds=60),
    # SageMaker keeps the queue and sends MaxConcurrentInvocationsPerInstance at once; each may spool 1 GiB.
    "async": Profile(max_body_bytes=1 << 30, max_requests=16),
    # SageMaker sends MaxConcurrentTransforms at once, each of MaxPayloadInMB, and gives a record up after three tries.
    "batch": Profile(max_body_bytes=HIGHEST_PAYLOAD_MB * MEBIBYTE, max_requests=HIGHEST_MAX_REQUESTS),
}


@dataclass(frozen=True)
class ContainerSettings:
    """How the server runs.

    Attributes:
        profile: SENSE_PROFILE, `realtime`, `async` or `batch`. A transform job has `batch`, `make serve` has `async`.
        port: Where the front listens, SAGEMAKER_BIND_TO_PORT.
        internal_ports: Lowest and highest port for TorchServe's listeners, SAGEMAKER_SAFE_PORT_RANGE; None: any.
        max_body_bytes: SENSE_MAX_BODY_BYTES, else SAGEMAKER_MAX_PAYLOAD_IN_MB in a transform job, else the profile's.
        max_requests: SENSE_MAX_REQUESTS, 1 to 64 that wait for a worker or are worked on; one more gets 429. Default:
            the profile's.
        max_large_requests: SENSE_MAX_LARGE_REQUESTS, 1 to 64 with a body of 2 MB or more, or a chunked one, counted
            from their headers on; one more gets 429. Default: `SENSE_MAX_REQUESTS`.
        max_transforms: What /execution-parameters proposes, SAGEMAKER_MAX_CONCURRENT_TRANSFORMS.
        spool_parent: The folder in which the one for bodies is made, SENSE_SPOOL_FOLDER; None: the temporary folder.
        handler_variables: The SENSE_ variables that the handler reads.
    """

    profile: str
    port: int
    internal_ports: tuple[int, int] | None
    max_body_bytes: int
    max_requests: int
    max_large_requests: int
    max_transforms: int
    spool_parent: Path | None
    handler_variables: Mapping[str, str]

    def with_port(self, port: int) -> ContainerSettings:
        """Returns the same settings with the front at another port."""
        return replace(self, port=port)

    def execution_parameters(self) -> dict[str, object]:
        """What SageMaker uses for a transform job that does not set these."""
        payload_mb = max(1, min(self.max_body_bytes // MEBIBYTE, HIGHEST_PAYLOAD_MB // self.max_transforms))
        return {
            "MaxConcurrentTransforms": self.max_transforms,
            "BatchStrategy": "SINGLE_RECORD",
            "MaxPayloadInMB": payload_mb,
        }

    def describe(self) -> str:
        """The settings in force, on one line for the log."""
        given = ", ".join(f"{name}={value}" for name, value in self.handler_variables.items()) or "defaults"
        return (
            f"profile {self.profile}: port {self.port}, bodies up to {self.max_body_bytes} bytes, "
            f"{self.max_requests} requests at once, {self.max_large_requests} large ones, "
            f"{self.max_transforms} transforms, "
            f"spool folder {self.spool_parent or 'temporary'}, handler: {given}"
        )


def read_container_settings(environment: Mapping[str, str]) -> ContainerSettings:
    """Reads the settings from environment variables.

    Raises:
        SettingsError: A variable is unknown (SENSE_ alone) or has no valid value; the message names it.
    """
    given = read_values(environment, _PARSERS)
    sagemaker = {
        name: parse(environment[name], source=name) for name, parse in _SAGEMAKER.items() if name in environment
    }
    batch = sagemaker.get("SAGEMAKER_BATCH", False)
    profile = "batch" if batch else given.get("SENSE_PROFILE", "realtime")
    defaults = PROFILES[profile]
    max_requests = given.get("SENSE_MAX_REQUESTS", defaults.max_requests)
    payload_mb = sagemaker.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", 0) if batch else 0  # 0 means no limit
    max_body_bytes = payload_mb * MEBIBYTE or defaults.max_body_bytes
    handler_variables = {
        f"{PREFIX}MAX_WORK_SECONDS": str(defaults.max_work_seconds),
        **{name: environment[name] for name in given if name in handler_settings.PARSERS},
    }
    return ContainerSettings(
        profile=profile,
        port=sagemaker.get("SAGEMAKER_BIND_TO_PORT", 8080),
        internal_ports=sagemaker.get("SAGEMAKER_SAFE_PORT_RANGE"),
        max_body_bytes=given.get("SENSE_MAX_BODY_BYTES", max_body_bytes),
        max_requests=max_requests,
        max_large_requests=given.get("SENSE_MAX_LARGE_REQUESTS", max_requests),
        max_transforms=sagemaker.get("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", 0) or 1,
        spool_parent=given.get("SENSE_SPOOL_FOLDER"),
        handler_variables=handler_variables,
    )


def _profile(text: str, *, source: str) -> str:
    if text not in PROFILES:
        raise SettingsError(f"{source}={quoted(text)} is none of {', '.join(PROFILES)}")
    return text


def _flag(text: str, *, source: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0", ""):
        raise SettingsError(f"{source}={quoted(text)} is neither true nor false")
    return text.lower() in ("true", "1")


def _port_range(text: str, *, source: str) -> tuple[int, int]:
    parse = whole_number_parser(1, 65_535)
    lowest, _, highest = text.partition("-")
    ports = parse(lowest, source=source), parse(highest, source=source)
    if ports[0] > ports[1]:
        raise SettingsError(f"{source}={quoted(text)} is not a range of ports such as 25000-25999")
    return ports


FRONT_PARSERS: Mapping[str, Callable[..., Any]] = {
    f"{PREFIX}PROFILE": _profile,
    f"{PREFIX}MAX_REQUESTS": whole_number_parser(1, HIGHEST_MAX_REQUESTS),
    f"{PREFIX}MAX_LARGE_REQUESTS": whole_number_parser(1, HIGHEST_MAX_REQUESTS),
}
_PARSERS = {**handler_settings.PARSERS, **FRONT_PARSERS}
# What has no meaning where no front stands before TorchServe.
FRONT_VARIABLES = (*FRONT_PARSERS, f"{PREFIX}SPOOL_FOLDER")
_SAGEMAKER: Mapping[str, Callable[..., Any]] = {
    "SAGEMAKER_BIND_TO_PORT": whole_number_parser(1, 65_535),
    "SAGEMAKER_SAFE_PORT_RANGE": _port_range,
    "SAGEMAKER_BATCH": _flag,
    "SAGEMAKER_MAX_PAYLOAD_IN_MB": whole_number_parser(0, HIGHEST_PAYLOAD_MB),
    "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": whole_number_parser(0, HIGHEST_PAYLOAD_MB),
}
