"""One URL for everything: the runtime API is answered here, all else by moto."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from moto.core.utils import utcnow
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.sagemaker.exceptions import ValidationError as UnknownName
from moto.sagemaker.models import FakeEndpointConfig, Model, SageMakerModelBackend, sagemaker_backends
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local_sagemaker import transform
from local_sagemaker.asynchronous import Backlog
from local_sagemaker.runtime import PATH, Runtime, refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The account that moto gives to credentials it does not know.
ACCOUNT = "123456789012"
REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing", "region_name": REGION}
TARGET_HEADER = "HTTP_X_AMZ_TARGET"
TARGET = "SageMaker.CreateTransformJob"


@dataclass(frozen=True)
class LocalSageMaker:
    """A running local SageMaker; `url` is the value for AWS_ENDPOINT_URL."""

    url: str

    def client(self, service: str) -> BaseClient:
        """Returns a boto3 client for it."""
        return client(self.url, service)

    def environment(self) -> dict[str, str]:
        """Returns the environment variables with which boto3 and the AWS CLI use it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def client(url: str, service: str) -> BaseClient:
    """Returns a boto3 client for a URL. It waits longer than SageMaker does, as AWS advises."""
    config = Config(read_timeout=70, retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=url, config=config, **CREDENTIALS)


class Application:
    """The WSGI application.

    Args:
        runtime: Answers invocations.
        start_container: Starts the container of a transform job.
        s3: For transform jobs.
    """

    def __init__(self, runtime: Runtime, start_container: transform.StartContainer, s3: BaseClient) -> None:
        self._runtime, self._start_container, self._s3 = runtime, start_container, s3
        self._moto: WSGIApplication = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        path = PATH.fullmatch(environ["PATH_INFO"])
        if path and environ["REQUEST_METHOD"] == "POST":
            asynchronous = path[2] == "async-invocations"
            answer = self._runtime.answer(Request(environ), path[1], asynchronous=asynchronous)
            return answer(environ, start_response)
        if environ.get(TARGET_HEADER) == TARGET:
            return self._create_transform_job(Request(environ))(environ, start_response)
        return self._moto(environ, start_response)

    def _create_transform_job(self, request: Request) -> Response:
        """Has moto keep the job's record, and runs it. Moto does not look whether the job's model exists."""
        body = request.get_data()
        asked = json.loads(body)
        try:
            model = backend().describe_model(asked.get("ModelName"))
        except UnknownName as error:
            return refusal(error.code, 400, {"__type": error.code, "message": error.message})
        response = Response.from_app(self._moto, {**request.environ, "wsgi.input": io.BytesIO(body)})
        if response.status_code == 200:
            backend().transform_jobs[asked["TransformJobName"]].transform_job_status = "InProgress"
            threading.Thread(target=self._run_transform_job, args=(asked, model), daemon=True).start()
        return response

    def _run_transform_job(self, asked: Mapping[str, Any], model: Model) -> None:
        variables = (model.primary_container or {}).get("Environment") or {}
        reason = transform.run(asked, variables, self._s3, self._start_container)
        job = backend().transform_jobs[asked["TransformJobName"]]
        job.transform_end_time = utcnow()
        job.failure_reason = reason or ""
        job.transform_job_status = "Failed" if reason else "Completed"


def backend() -> SageMakerModelBackend:
    """Returns moto's memory of the control plane."""
    return sagemaker_backends[ACCOUNT][REGION]


def endpoint_configuration(name: str) -> Mapping[str, Any]:
    """Returns the configuration of an endpoint.

    Raises:
        LookupError: There is no such endpoint.
    """
    try:
        configuration: Mapping[str, Any] = backend().describe_endpoint_config(
            backend().describe_endpoint(name)["EndpointConfigName"]
        )
    except UnknownName:
        raise LookupError(name) from None
    return configuration


@contextlib.contextmanager
def running(
    container: str, start_container: transform.StartContainer, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[LocalSageMaker]:
    """Runs the local SageMaker for the length of the `with` block.

    Args:
        container: Base URL of the container behind all endpoints.
        start_container: Starts the container of a transform job.
        host: The address to listen on.
        port: 0: any.

    Raises:
        OSError: The port is taken.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # moto's list of instance types ends in 2021. Any name will do here.
    setattr(FakeEndpointConfig, "validate_instance_type", lambda *_: None)  # noqa: B010  # mypy holds on to methods
    server = make_server(host, port, _nothing, threaded=True, request_handler=MotoRequestHandler)
    url = f"http://{host}:{server.port}"
    s3 = client(url, "s3")
    backlog = Backlog(container, s3, client(url, "sns"))
    server.app = Application(Runtime(container, endpoint_configuration, s3, backlog), start_container, s3)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield LocalSageMaker(url)
    finally:
        backlog.close()
        server.shutdown()
        server.server_close()
        thread.join()


def _nothing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Holds the port until the application is made, which has to know it."""
    raise NotImplementedError


def create_model(sagemaker: BaseClient, name: str, image: str = "cochl-sense") -> None:
    """Creates a model.

    Args:
        sagemaker: A boto3 client.
        name: Its name.
        image: Its image; nothing reads it here.
    """
    role = f"arn:aws:iam::{ACCOUNT}:role/sagemaker"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": image})


def create_endpoint(
    sagemaker: BaseClient, name: str, image: str = "cochl-sense", asynchronous: Mapping[str, Any] | None = None
) -> None:
    """Creates a model, an endpoint configuration and an endpoint, all of one name.

    Args:
        sagemaker: A boto3 client.
        name: The name of all three.
        image: The model's image; nothing reads it here.
        asynchronous: The configuration's AsyncInferenceConfig; None: a real-time endpoint.
    """
    create_model(sagemaker, name, image)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.g5.xlarge",
        "InitialInstanceCount": 1,
    }
    extra = {"AsyncInferenceConfig": asynchronous} if asynchronous else {}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **extra)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
