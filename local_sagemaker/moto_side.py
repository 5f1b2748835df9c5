"""AWS's other services, which moto keeps, and what CloudFormation makes of SageMaker's, which is moto's, too."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sagemaker.models import FakeEndpointConfig
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from local_sagemaker.aws import REGION, identified, refusal, unsupported

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SCOPE = f"Credential=nobody/20260101/{REGION}/sagemaker/aws4_request"


class Moto:
    """Moto behind one WSGI application."""

    def __init__(self) -> None:
        # Moto's list of instance types ends in 2021, and no public setting changes it. Any name will do here.
        setattr(FakeEndpointConfig, "validate_instance_type", lambda *_: None)  # noqa: B010  # mypy holds on to methods
        self._app: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        # The same S3, without the search for the service: half the time of a request.
        self.s3: WSGIApplication = create_backend_app("s3")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers one request."""
        return self._app(environ, start_response)

    def answer(self, request: Request, target: str) -> Response:
        """Answers one request of a JSON protocol, in JSON even where moto has only a page."""
        environ = {**request.environ, "wsgi.input": io.BytesIO(request.get_data())}
        response = Response.from_app(self._app, environ)
        if "json" not in (response.mimetype or ""):
            return refusal(unsupported(target))
        return identified(response)

    def describe(self, operation: str, **named: str) -> dict[str, Any] | None:
        """Returns what one of SageMaker's operations answers; None where moto refuses."""
        builder = EnvironBuilder(
            method="POST",
            headers=[("X-Amz-Target", f"SageMaker.{operation}"), ("Authorization", f"AWS4-HMAC-SHA256 {SCOPE}")],
            content_type="application/x-amz-json-1.1",
            data=json.dumps(named),
        )
        response = Response.from_app(self._app, builder.get_environ())
        found: dict[str, Any] = json.loads(response.get_data())
        return found if response.status_code == 200 else None


def given(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns fields without those that moto leaves empty."""
    return None if fields is None else {name: value for name, value in fields.items() if value not in (None, {}, [])}
