"""A SageMaker with the toy model, as the end-to-end tests have it."""

from tests.e2e.conftest import async_container, container_command, mixture, open_command, sagemaker

__all__ = ["async_container", "container_command", "mixture", "open_command", "sagemaker"]
