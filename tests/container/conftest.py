"""The heavy proofs use the servers of the end-to-end tests."""

from tests.e2e.conftest import async_container, container_command, mixture, open_command, sagemaker  # noqa: F401
