"""What AWS's services have in common: an account, names of resources, and errors as the SDKs read them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone

from werkzeug.wrappers import Response

# The account that moto gives to credentials it does not know.
ACCOUNT = "123456789012"
REGION = "us-east-1"


class AwsError(Exception):
    """A request that is refused as AWS refuses it.

    Args:
        code: AWS's name of the error.
        message: For people.
        status: The HTTP status.
        fields: Further members of the error.
    """

    def __init__(self, code: str, message: str, status: int = 400, fields: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.code, self.status, self.fields = code, status, fields or {}


def invalid(message: str) -> AwsError:
    """Returns the error of a call to the control plane that is wrong."""
    return AwsError("ValidationException", message)


def unsupported(what: str) -> AwsError:
    """Returns the error for what AWS has, and the local SageMaker does not."""
    return invalid(f"{what} is not supported by the local SageMaker; docs/sagemaker.md lists what is")


def arn(kind: str, name: str) -> str:
    """Returns the ARN of one of SageMaker's resources; the kind as in endpoint-config."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"


def json_response(
    fields: Mapping[str, object], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Returns an answer with a new request id."""
    named = {"Content-Type": "application/x-amz-json-1.1", **(headers or {})}
    return identified(Response(json.dumps(fields), status, named))


def identified(response: Response) -> Response:
    """Adds a request id where an answer has none."""
    response.headers.setdefault("x-amzn-RequestId", str(uuid.uuid4()))
    return response


def refusal(error: AwsError) -> Response:
    """Returns an error as the SDKs of both of SageMaker's protocols read it."""
    message = str(error)
    fields = {"__type": error.code, "message": message, "Message": message, **error.fields}
    response = json_response(fields, error.status)
    response.headers["x-amzn-ErrorType"] = error.code
    return response


def timestamp() -> str:
    """Returns now as AWS's messages write it."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
