"""A SageMaker on this machine: S3, endpoints, asynchronous invocations and transform jobs behind one URL.

Starts the local server (or the container that --command starts), creates the endpoints `cochl-sense` and
`cochl-sense-async`, the model `cochl-sense-batch` for transform jobs and the bucket `cochl-sense`, and prints the
environment variables with which boto3 and the AWS CLI use it.
"""

from __future__ import annotations

import argparse
import logging
import shlex
import sys
import threading
from contextlib import ExitStack

from deploy.archive import MODEL_NAME, TREE, add_model_store, describe
from deploy.errors import ServingError
from deploy.ports import require_free
from deploy.processes import interrupted_by_signals
from local_sagemaker.containers import MODEL_PLACE, starter
from local_sagemaker.gateway import LocalSageMaker, create_endpoint, create_model, running

NAME = MODEL_NAME
LOGS = TREE / "build" / "logs" / "sagemaker"
LOCAL_SERVER = [sys.executable, "-m", "deploy.entrypoint", "serve", "--host", "127.0.0.1"]


def main() -> int:
    """Runs until Ctrl-C; returns the exit status."""
    arguments = parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with interrupted_by_signals():
            serve(container_command(arguments), arguments.port)
    except (ServingError, OSError) as error:
        print(f"local_sagemaker: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlocal_sagemaker: stopped")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local_sagemaker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=4566, help="where to listen on 127.0.0.1 (default: 4566)")
    parser.add_argument(
        "--command",
        help="starts a container instead of the local server; {env} stands for --env NAME=VALUE ..., {model} for the "
        "folder with a model's data: 'docker run --rm --network host {env} --volume {model}:/opt/ml/model:ro IMAGE "
        "serve'",
    )
    add_model_store(parser)
    return parser.parse_args()


def container_command(arguments: argparse.Namespace) -> list[str]:
    """Returns what starts a container: the given command, or the local server's.

    Raises:
        ServingError: The local server has no archive, or one without a model. To see it here saves the start.
    """
    if arguments.command:
        return shlex.split(arguments.command)
    describe(arguments.model_store)
    return [*LOCAL_SERVER, "--model-store", str(arguments.model_store), "--model-folder", MODEL_PLACE]


def serve(command: list[str], port: int) -> None:
    """Runs until it is interrupted.

    Raises:
        ServingError: The port is taken, or the container did not start.
        OSError: The command does not exist.
        KeyboardInterrupt: The usual end.
    """
    require_free(port)
    print("starting the container ...", flush=True)
    with ExitStack() as stack:
        # One container for all models without data and variables, with room for an asynchronous request's body.
        start = starter(command, {}, LOGS)
        container_url = stack.enter_context(start({"SENSE_PROFILE": "async"}, None))
        sagemaker = stack.enter_context(running(container_url, start, port=port))
        prepare(sagemaker)
        explain(sagemaker)
        threading.Event().wait()


def prepare(sagemaker: LocalSageMaker) -> None:
    """Creates the bucket, the endpoints and the model for transform jobs."""
    sagemaker.client("s3").create_bucket(Bucket=NAME)
    control = sagemaker.client("sagemaker")
    create_endpoint(control, NAME)
    output = {"S3OutputPath": f"s3://{NAME}/output", "S3FailurePath": f"s3://{NAME}/failures"}
    create_endpoint(control, f"{NAME}-async", asynchronous={"OutputConfig": output})
    create_model(control, f"{NAME}-batch")


def explain(sagemaker: LocalSageMaker) -> None:
    """Prints how to use it."""
    print(f"SageMaker at {sagemaker.url} until Ctrl-C; logs: {LOGS}\n")
    for name, value in sagemaker.environment().items():
        print(f"  export {name}={value}")
    print(f"\n  aws sagemaker-runtime invoke-endpoint --endpoint-name {NAME} --content-type audio/mp3 \\")
    print("      --body fileb://samples/demo.mp3 answer.json\n")
    print(f"endpoints {NAME} and {NAME}-async, model {NAME}-batch for transform jobs, bucket {NAME}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
