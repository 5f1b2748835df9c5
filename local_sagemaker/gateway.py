"""One URL for everything: SageMaker's two APIs are answered here, all else by moto."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from local_sagemaker import in_process
from local_sagemaker.asynchronous import Backlog
from local_sagemaker.aws import ACCOUNT, REGION, AwsError, json_response, refusal
from local_sagemaker.control.plane import ControlPlane
from local_sagemaker.fleet import Fleet, StartContainer
from local_sagemaker.moto_side import Moto
from local_sagemaker.runtime import PATH, Runtime

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CREDENTIALS = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing", "region_name": REGION}
SDK_DEFAULTS = Path(__file__).with_name("sdk.yaml")
TARGET_HEADER = "HTTP_X_AMZ_TARGET"
TARGET = "SageMaker."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LocalSageMaker:
    """A running local SageMaker; `url` is the value for AWS_ENDPOINT_URL."""

    url: str

    def client(self, service: str) -> BaseClient:
        """Returns a boto3 client for it."""
        return client(self.url, service)

    def environment(self) -> dict[str, str]:
        """Returns the environment variables with which boto3, the AWS CLI and the SageMaker Python SDK use it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SAGEMAKER_USER_CONFIG_OVERRIDE": str(SDK_DEFAULTS),
            "SAGEMAKER_VALIDATE_ROLE": "false",
        }


def client(url: str, service: str) -> BaseClient:
    """Returns a boto3 client for a URL. It waits longer than SageMaker does, as AWS advises."""
    config = Config(read_timeout=70, retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.client(service, endpoint_url=url, config=config, **CREDENTIALS)


@dataclass(frozen=True)
class Application:
    """The WSGI application.

    Attributes:
        runtime: Answers invocations.
        control: Answers the control plane's operations.
        moto: Answers all else.
    """

    runtime: Runtime
    control: ControlPlane
    moto: Moto

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        path, target = PATH.fullmatch(environ["PATH_INFO"]), environ.get(TARGET_HEADER, "")
        if path and environ["REQUEST_METHOD"] == "POST":
            return self.runtime.answer(Request(environ), path[1], path[2])(environ, start_response)
        if target.startswith(TARGET):
            return self._control(Request(environ), target)(environ, start_response)
        if target:
            return self.moto.answer(Request(environ), target)(environ, start_response)
        answer = self.moto(environ, start_response)
        if "/cloudformation/" in environ.get("HTTP_AUTHORIZATION", ""):
            self.control.follow_stacks()
        return answer

    def _control(self, request: Request, target: str) -> Response:
        try:
            asked = json.loads(request.get_data() or b"{}")
            answer = self.control.answer(target.removeprefix(TARGET), asked)
            return self.moto.answer(request, target) if answer is None else json_response(answer)
        except AwsError as error:
            return refusal(error)
        except ValueError as error:
            return refusal(AwsError("SerializationException", f"The request is not JSON: {error}"))
        except Exception:  # whatever it is, the answer is AWS's
            logger.exception("%s", target)
            return refusal(AwsError("InternalFailure", "An internal failure occurred.", 500))


@contextlib.contextmanager
def running(
    container: str, start_container: StartContainer, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[LocalSageMaker]:
    """Runs the local SageMaker for the length of the `with` block.

    Args:
        container: Base URL of the container for endpoints whose models name neither data nor variables.
        start_container: Starts the containers of other models, and of transform jobs.
        host: The address to listen on.
        port: 0: any.

    Raises:
        OSError: The port is taken.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server(host, port, _nothing, threaded=True, request_handler=MotoRequestHandler)
    url = f"http://{host}:{server.port}"
    application = assembled(url, container, start_container)
    server.app = application
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield LocalSageMaker(url)
    finally:
        application.runtime.backlog.close()
        application.control.close()
        server.shutdown()
        server.server_close()
        thread.join()


def assembled(url: str, container: str, start_container: StartContainer) -> Application:
    """Returns the application for a URL, which it calls itself for SNS."""
    moto = Moto()
    s3 = in_process.s3_client(moto.s3)

    @contextlib.contextmanager
    def find_server(name: str) -> Iterator[str]:
        endpoint = control.find_endpoint(name)
        if endpoint is None:
            raise LookupError(name)
        with endpoint.calling() as variant:
            yield variant.url

    backlog = Backlog(find_server, s3, client(url, "sns"))
    control = ControlPlane(Fleet(container, start_container, s3), s3, moto, backlog.announce)
    return Application(Runtime(control.find_endpoint, s3, backlog), control, moto)


def _nothing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Holds the port until the application is made, which has to know it."""
    raise NotImplementedError


def create_model(sagemaker: BaseClient, name: str, image: str = "cochl-sense", **container: object) -> None:
    """Creates a model.

    Args:
        sagemaker: A boto3 client.
        name: Its name.
        image: Its image; nothing reads it here.
        container: Further fields of its container, such as ModelDataUrl.
    """
    role = f"arn:aws:iam::{ACCOUNT}:role/sagemaker"
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": image, **container})


def create_endpoint(
    sagemaker: BaseClient,
    name: str,
    image: str = "cochl-sense",
    asynchronous: Mapping[str, Any] | None = None,
    **container: object,
) -> None:
    """Creates a model, an endpoint configuration and an endpoint, all of one name, and waits until it serves.

    Args:
        sagemaker: A boto3 client.
        name: The name of all three.
        image: The model's image; nothing reads it here.
        asynchronous: The configuration's AsyncInferenceConfig; None: a real-time endpoint.
        container: Further fields of the model's container, such as ModelDataUrl.
    """
    create_model(sagemaker, name, image, **container)
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.g5.xlarge",
        "InitialInstanceCount": 1,
    }
    extra = {"AsyncInferenceConfig": asynchronous} if asynchronous else {}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **extra)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 6000}
    )
