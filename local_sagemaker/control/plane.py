"""The control plane's operations: CreateModel, DescribeEndpoint, ... as JSON requests."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from botocore.client import BaseClient

from local_sagemaker import model_data, transform
from local_sagemaker.aws import invalid, unsupported
from local_sagemaker.control import constraints
from local_sagemaker.control.endpoints import Endpoint, Endpoints
from local_sagemaker.control.jobs import Jobs
from local_sagemaker.control.records import CONFIG, ENDPOINT, JOB, MODEL, Kind, Record, Records, page
from local_sagemaker.fleet import Fleet
from local_sagemaker.moto_side import Moto, given

# What only reads may be asked of moto: it knows none, and says so as AWS does.
READS = re.compile(r"(List|Describe|Search|Get|Query|BatchDescribe|BatchGet)")


class ControlPlane:
    """Answers the control plane's operations.

    Args:
        fleet: Has the servers.
        s3: Has models' data and jobs' objects.
        moto: Has what CloudFormation made.
        announce: Is called with each endpoint configuration that begins to serve.
    """

    def __init__(self, fleet: Fleet, s3: BaseClient, moto: Moto, announce: Callable[[Mapping[str, Any]], None]) -> None:
        self._s3, self._moto = s3, moto
        self._models, self._configs, self._jobs = Records(MODEL), Records(CONFIG), Records(JOB)
        self._tagged = Records(ENDPOINT)
        self.endpoints = Endpoints(fleet, self._model, announce)
        self._running = Jobs(fleet, s3)
        self._following = threading.Lock()
        self._operations: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "CreateModel": self._create_model,
            "DescribeModel": lambda asked: self._model(asked["ModelName"]),
            "ListModels": lambda asked: page(MODEL, self._all(self._models), asked),
            "DeleteModel": self._delete_model,
            "CreateEndpointConfig": self._create_config,
            "DescribeEndpointConfig": lambda asked: self._config(asked["EndpointConfigName"]),
            "ListEndpointConfigs": lambda asked: page(CONFIG, self._all(self._configs), asked),
            "DeleteEndpointConfig": self._delete_config,
            "CreateEndpoint": self._create_endpoint,
            "DescribeEndpoint": lambda asked: self._endpoint(asked).describe(),
            "ListEndpoints": self._list_endpoints,
            "UpdateEndpoint": self._update_endpoint,
            "UpdateEndpointWeightsAndCapacities": self._set_weights,
            "DeleteEndpoint": self._delete_endpoint,
            "CreateTransformJob": self._create_job,
            "DescribeTransformJob": self._describe_job,
            "ListTransformJobs": lambda asked: page(JOB, self._jobs.all(), asked),
            "StopTransformJob": self._stop_job,
            "AddTags": self._add_tags,
            "ListTags": self._list_tags,
            "DeleteTags": self._delete_tags,
        }

    def answer(self, operation: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Returns what an operation answers; None: it only reads what is not kept here.

        Raises:
            AwsError: It is refused.
        """
        if operation not in self._operations:
            if READS.match(operation):
                return None
            raise unsupported(operation)
        broken = constraints.violations("sagemaker", operation, asked)
        if broken:
            raise invalid(broken)
        return self._operations[operation](asked)

    def close(self) -> None:
        """Stops jobs and servers."""
        self._running.close()
        self.endpoints.close()

    def _create_model(self, asked: Mapping[str, Any]) -> Record:
        containers = [asked["PrimaryContainer"]] if asked.get("PrimaryContainer") else asked.get("Containers") or []
        if len(containers) != 1:
            raise unsupported("A pipeline of containers") if containers else invalid("PrimaryContainer is missing")
        (container,) = containers
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise unsupported("A multi-model container")
        if container.get("ModelPackageName"):
            raise unsupported("ModelPackageName")
        if not container.get("Image"):
            raise invalid("Image is missing: a container has an Image or a ModelPackageName")
        data = model_data.named(container)
        try:
            if data:
                data.version(self._s3)
        except model_data.ModelDataError as error:
            raise invalid(str(error)) from None
        record = self._models.add({"EnableNetworkIsolation": False, **asked})
        return {"ModelArn": record["ModelArn"]}

    def _delete_model(self, asked: Mapping[str, Any]) -> Record:
        return self._delete(self._models, asked["ModelName"])

    def _create_config(self, asked: Mapping[str, Any]) -> Record:
        for field in ("ExplainerConfig", "ShadowProductionVariants"):
            if asked.get(field):
                raise unsupported(field)
        for variant in asked["ProductionVariants"]:
            if variant.get("ServerlessConfig"):
                raise unsupported("A serverless endpoint")
            if not variant.get("ModelName"):
                raise unsupported("An endpoint for inference components (a variant without ModelName)")
            if not variant.get("InstanceType") or not variant.get("InitialInstanceCount"):
                raise invalid("A variant needs InstanceType and InitialInstanceCount")
            self._model(variant["ModelName"])
        asynchronous = asked.get("AsyncInferenceConfig")
        if asynchronous and not asynchronous["OutputConfig"].get("S3OutputPath"):
            raise unsupported("AsyncInferenceConfig without S3OutputPath")
        record = self._configs.add(asked)
        return {"EndpointConfigArn": record["EndpointConfigArn"]}

    def _delete_config(self, asked: Mapping[str, Any]) -> Record:
        return self._delete(self._configs, asked["EndpointConfigName"])

    def _create_endpoint(self, asked: Mapping[str, Any]) -> Record:
        name = asked["EndpointName"]
        self.find_endpoint(name)  # one that CloudFormation made has the name, too
        self.endpoints.create(name, self._config(asked["EndpointConfigName"]))
        self._tagged.remove(name)
        self._tagged.add({"EndpointName": name, "Tags": asked.get("Tags")})
        return {"EndpointArn": ENDPOINT.arn(name)}

    def _update_endpoint(self, asked: Mapping[str, Any]) -> Record:
        endpoint = self._endpoint(asked)
        self.endpoints.update(endpoint, self._config(asked["EndpointConfigName"]))
        return {"EndpointArn": ENDPOINT.arn(endpoint.name)}

    def _set_weights(self, asked: Mapping[str, Any]) -> Record:
        endpoint = self._endpoint(asked)
        self.endpoints.set_weights(endpoint, asked["DesiredWeightsAndCapacities"])
        return {"EndpointArn": ENDPOINT.arn(endpoint.name)}

    def _delete_endpoint(self, asked: Mapping[str, Any]) -> Record:
        endpoint = self._endpoint(asked)
        if endpoint.stack_config:
            self._moto.describe("DeleteEndpoint", EndpointName=endpoint.name)
        self.endpoints.delete(endpoint)
        self._tagged.remove(endpoint.name)
        return {}

    def _list_endpoints(self, asked: Mapping[str, Any]) -> Record:
        self.follow_stacks()
        return page(ENDPOINT, [endpoint.describe() for endpoint in self.endpoints.all()], asked)

    def _create_job(self, asked: Mapping[str, Any]) -> Record:
        transform.check(asked)
        model = self._model(asked["ModelName"])
        name = asked["TransformJobName"]
        if self._jobs.get(name):
            raise invalid(
                "Job name must be unique within an AWS account and region, and a job with this name already exists "
                f"({JOB.arn(name)})"
            )
        record = self._jobs.add(asked)
        self._running.start(record, model)
        return {"TransformJobArn": record["TransformJobArn"]}

    def _describe_job(self, asked: Mapping[str, Any]) -> Record:
        return dict(self._job(asked["TransformJobName"]))  # the job's thread changes its own

    def _stop_job(self, asked: Mapping[str, Any]) -> Record:
        self._job(asked["TransformJobName"])
        self._running.stop(asked["TransformJobName"])
        return {}

    def _add_tags(self, asked: Mapping[str, Any]) -> Record:
        tags = self._tags(asked["ResourceArn"])
        tags.update({tag["Key"]: tag["Value"] for tag in asked["Tags"]})
        return {"Tags": _pairs(tags)}

    def _list_tags(self, asked: Mapping[str, Any]) -> Record:
        return {"Tags": _pairs(self._tags(asked["ResourceArn"]))}

    def _delete_tags(self, asked: Mapping[str, Any]) -> Record:
        tags = self._tags(asked["ResourceArn"])
        for key in asked["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _tags(self, resource_arn: str) -> dict[str, str]:
        for records in (self._models, self._configs, self._tagged, self._jobs):
            tags = records.tags(resource_arn)
            if tags is not None:
                return tags
        raise invalid(f'Could not find the resource "{resource_arn}".')

    def _model(self, name: str) -> Record:
        return self._record(self._models, name)

    def _config(self, name: str) -> Record:
        return self._record(self._configs, name)

    def _job(self, name: str) -> Record:
        record = self._jobs.get(name)
        if record is None:
            raise invalid(f"Could not find requested job with name: {name}")
        return record

    def _record(self, records: Records, name: str) -> Record:
        record = records.get(name) or self._stacked(records.kind, name)
        if record is None:
            raise records.missing(name)
        return record

    def _stacked(self, kind: Kind, name: str) -> Record | None:
        return given(self._moto.describe(f"Describe{kind.word}", **{kind.name: name}))

    def _all(self, records: Records) -> list[Record]:
        listed = self._moto.describe(f"List{records.kind.listed}") or {}
        return [*records.all(), *listed.get(records.kind.listed, [])]

    def _delete(self, records: Records, name: str) -> Record:
        self._record(records, name)
        if records.get(name):
            records.remove(name)
        else:
            self._moto.describe(f"Delete{records.kind.word}", **{records.kind.name: name})
        return {}

    def _endpoint(self, asked: Mapping[str, Any]) -> Endpoint:
        name = asked["EndpointName"]
        endpoint = self.find_endpoint(name)
        if endpoint is None:
            raise self._tagged.missing(name)
        return endpoint

    def find_endpoint(self, name: str) -> Endpoint | None:
        """Returns an endpoint, or None."""
        endpoint = self.endpoints.get(name)
        if endpoint is None or endpoint.stack_config:
            self._follow_stack(name)
        return self.endpoints.get(name)

    def follow_stacks(self) -> None:
        """Deploys, updates and deletes endpoints as CloudFormation has made, changed and removed them."""
        listed = (self._moto.describe("ListEndpoints") or {}).get("Endpoints", [])
        names = {entry["EndpointName"] for entry in listed}
        for name in names | {endpoint.name for endpoint in self.endpoints.all() if endpoint.stack_config}:
            self._follow_stack(name)

    def _follow_stack(self, name: str) -> None:
        with self._following:
            stacked, endpoint = self._stacked(ENDPOINT, name), self.endpoints.get(name)
            wanted = stacked["EndpointConfigName"] if stacked else None
            if endpoint is None and wanted:
                self.endpoints.create(name, self._config(wanted), wanted)
            elif endpoint and endpoint.settled.is_set() and endpoint.stack_config != wanted:
                endpoint.stack_config = wanted
                if wanted:
                    self.endpoints.update(endpoint, self._config(wanted))
                else:
                    self.endpoints.delete(endpoint)


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
