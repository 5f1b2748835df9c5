"""Endpoints as they are created, updated and deleted: a server for each variant, and the states in between."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from local_sagemaker.aws import AwsError, invalid
from local_sagemaker.control.records import ENDPOINT, Record, now
from local_sagemaker.fleet import DeploymentError, Fleet

logger = logging.getLogger(__name__)

MAX_REASON_CHARACTERS = 1024
IN_PROGRESS = ("Creating", "Updating", "Deleting")
# A server that runs already is taken at once, and a request that asks for one waits for that: waiters ask every 30 s.
AT_ONCE_SECONDS = 1.0
DRAIN_POLL_SECONDS = 0.05

# Name of a model -> its record; AwsError if unknown.
FindModel = Callable[[str], Mapping[str, Any]]


@dataclass
class Variant:
    """A production variant and its server.

    Attributes:
        name: The variant's.
        url: The server's base URL.
        image: The model's, as it was named.
        weight: Its share of the traffic, beside the other variants' weights.
        instance_count: As it was asked for; one server runs.
        num_calls: Those that its server works on.
    """

    name: str
    url: str
    image: str
    weight: float
    instance_count: int
    num_calls: int = 0

    def summary(self, since: float) -> Record:
        """Returns what describe_endpoint says of it."""
        return {
            "VariantName": self.name,
            "DeployedImages": [{"SpecifiedImage": self.image, "ResolvedImage": self.image, "ResolutionTime": since}],
            "CurrentWeight": self.weight,
            "DesiredWeight": self.weight,
            "CurrentInstanceCount": self.instance_count,
            "DesiredInstanceCount": self.instance_count,
        }


@dataclass
class Endpoint:
    """One endpoint.

    Attributes:
        name: Its name.
        status: EndpointStatus.
        config: The configuration that serves; that which is to serve, while it is Creating.
        stack_config: The name of the configuration that its CloudFormation stack gives it; None: it has no stack.
        variants: Those that serve.
        failure_reason: Why the last deployment failed.
        settled: Set while nothing is in progress.
        parts: The servers in use.
        lock: Held while variants and their numbers of calls change.
    """

    name: str
    status: str
    config: Mapping[str, Any]
    stack_config: str | None = None
    variants: list[Variant] = field(default_factory=list)
    failure_reason: str = ""
    created: float = field(default_factory=now)
    modified: float = field(default_factory=now)
    settled: threading.Event = field(default_factory=threading.Event)
    parts: ExitStack = field(default_factory=ExitStack)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self, status: str, failure_reason: str = "") -> None:
        """Ends what was in progress."""
        self.status, self.failure_reason, self.modified = status, failure_reason, now()
        self.settled.set()

    @contextlib.contextmanager
    def calling(self, name: str | None = None) -> Iterator[Variant]:
        """Yields the variant of that name, or one by the weights. Its server stays until the `with` block ends.

        Raises:
            LookupError: There is none.
        """
        with self.lock:
            variant = self._pick(name)
            variant.num_calls += 1
        try:
            yield variant
        finally:
            with self.lock:
                variant.num_calls -= 1

    def _pick(self, name: str | None) -> Variant:
        variants = [variant for variant in self.variants if name in (None, variant.name)]
        if not variants:
            raise LookupError(name)
        weights = [variant.weight for variant in variants]
        return random.choices(variants, weights if any(weights) else None)[0]

    def swap(self, config: Mapping[str, Any], variants: list[Variant], parts: ExitStack) -> None:
        """Serves by other servers, and ends those before when their calls are over."""
        with self.lock:
            before, self.variants = self.variants, variants
            old, self.parts = self.parts, parts
            self.config = config
        self.settle("InService")
        while any(variant.num_calls for variant in before):
            time.sleep(DRAIN_POLL_SECONDS)
        old.close()

    def describe(self) -> Record:
        """Returns what describe_endpoint answers."""
        record = {
            "EndpointName": self.name,
            "EndpointArn": ENDPOINT.arn(self.name),
            "EndpointConfigName": self.config["EndpointConfigName"],
            "EndpointStatus": self.status,
            "ProductionVariants": [variant.summary(self.modified) for variant in self.variants],
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
        }
        if self.failure_reason:
            record["FailureReason"] = self.failure_reason
        if self.config.get("AsyncInferenceConfig"):
            record["AsyncInferenceConfig"] = self.config["AsyncInferenceConfig"]
        capture = self.config.get("DataCaptureConfig")
        if capture:
            record["DataCaptureConfig"] = {
                "EnableCapture": capture.get("EnableCapture", False),
                "CaptureStatus": "Stopped",  # nothing is captured here
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": capture.get("KmsKeyId", ""),
            }
        return record


class Endpoints:
    """All endpoints.

    Args:
        fleet: Has the servers.
        find_model: Has the models.
        announce: Is called with each configuration that begins to serve.
    """

    def __init__(self, fleet: Fleet, find_model: FindModel, announce: Callable[[Mapping[str, Any]], None]) -> None:
        self._fleet, self._find_model, self._announce = fleet, find_model, announce
        self._endpoints: dict[str, Endpoint] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def get(self, name: str) -> Endpoint | None:
        """Returns an endpoint, or None."""
        return self._endpoints.get(name)

    def all(self) -> list[Endpoint]:
        """Returns all endpoints."""
        return list(self._endpoints.values())

    def create(self, name: str, config: Mapping[str, Any], stack_config: str | None = None) -> Endpoint:
        """Begins to deploy an endpoint.

        Raises:
            AwsError: The name is taken.
        """
        with self._lock:
            if name in self._endpoints:
                raise invalid(f'Cannot create already existing endpoint "{ENDPOINT.arn(name)}".')
            endpoint = self._endpoints[name] = Endpoint(name, "Creating", config, stack_config)
        self._in_background(endpoint, self._deploy, config)
        return endpoint

    def update(self, endpoint: Endpoint, config: Mapping[str, Any]) -> None:
        """Begins to move an endpoint to another configuration; the old one serves until the new one is ready.

        Raises:
            AwsError: Something is in progress.
        """
        self._begin(endpoint, "Updating")
        self._in_background(endpoint, self._deploy, config)

    def set_weights(self, endpoint: Endpoint, desired: Sequence[Mapping[str, Any]]) -> None:
        """Gives variants other weights and counts of instances.

        Raises:
            AwsError: Something is in progress, or there is no such variant.
        """
        variants = {variant.name: variant for variant in endpoint.variants}
        for each in desired:
            if each["VariantName"] not in variants:
                raise invalid(
                    f'The variant name(s) "{each["VariantName"]}" is/are not present within endpoint configuration '
                    f'"{endpoint.config["EndpointConfigName"]}".'
                )
        self._begin(endpoint, "Updating")
        for each in desired:
            variant = variants[each["VariantName"]]
            variant.weight = each.get("DesiredWeight", variant.weight)
            variant.instance_count = each.get("DesiredInstanceCount", variant.instance_count)
        endpoint.settle("InService")
        self._announce(endpoint.config)

    def delete(self, endpoint: Endpoint) -> None:
        """Begins to delete an endpoint.

        Raises:
            AwsError: Something is in progress.
        """
        self._begin(endpoint, "Deleting")
        self._in_background(endpoint, self._remove)

    def close(self) -> None:
        """Ends all servers."""
        for thread in self._threads:
            thread.join()
        for endpoint in self.all():
            endpoint.parts.close()

    def _begin(self, endpoint: Endpoint, status: str) -> None:
        with self._lock:
            if endpoint.status in IN_PROGRESS:
                raise invalid(f'Cannot update in-progress endpoint "{ENDPOINT.arn(endpoint.name)}".')
            endpoint.status = status
            endpoint.settled.clear()

    def _in_background(self, endpoint: Endpoint, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=(endpoint, *arguments), daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()]
        self._threads.append(thread)
        thread.start()
        endpoint.settled.wait(AT_ONCE_SECONDS)

    def _deploy(self, endpoint: Endpoint, config: Mapping[str, Any]) -> None:
        parts = ExitStack()
        try:
            variants = [self._served(parts, variant) for variant in config["ProductionVariants"]]
        except Exception as error:  # whatever it is, the endpoint must not stay in progress
            parts.close()
            if not isinstance(error, DeploymentError | AwsError):
                logger.exception("endpoint %s", endpoint.name)
            logger.warning("endpoint %s: %s", endpoint.name, error)
            endpoint.settle("InService" if endpoint.variants else "Failed", str(error)[:MAX_REASON_CHARACTERS])
            return
        self._announce(config)
        endpoint.swap(config, variants, parts)

    def _served(self, parts: ExitStack, variant: Mapping[str, Any]) -> Variant:
        model = self._find_model(variant["ModelName"])
        container = only_container(model)
        url = parts.enter_context(self._fleet.serving(container))
        weight, count = variant.get("InitialVariantWeight", 1.0), variant.get("InitialInstanceCount", 1)
        return Variant(variant["VariantName"], url, container.get("Image", ""), weight, count)

    def _remove(self, endpoint: Endpoint) -> None:
        endpoint.parts.close()
        self._endpoints.pop(endpoint.name, None)
        endpoint.settled.set()


def only_container(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the definition of a model's container."""
    container: Mapping[str, Any] = model.get("PrimaryContainer") or model["Containers"][0]
    return container
