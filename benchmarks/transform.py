"""A transform job over many clips by the local SageMaker, beside callers that ask as many at a time; then one table.

`sense collect` is killed midway once and run again, and its table is
compared with the answers, whose windows are merged here anew.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.client import BaseClient
from botocore.config import Config
from tqdm import tqdm

from benchmarks import bodies
from benchmarks.collecting import Row, collect, collecting_rows, merged
from benchmarks.folder import NUM_CALLERS, callers_rate
from benchmarks.load import CLIP_SECONDS
from benchmarks.measured_server import pack, serving
from benchmarks.results import TREE, machine, table
from deploy.ports import free_port

NUM_OBJECTS = 10_000
BUCKET, MODEL, JOB = "cochl-sense", "cochl-sense-batch", "clips"
INPUT, OUTPUT = f"s3://{BUCKET}/clips", f"s3://{BUCKET}/answers"
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class SageMaker:
    """A local SageMaker in a process of its own.

    Attributes:
        process: It, without the servers that it starts.
        environment: The variables with which AWS's tools use it.
    """

    process: psutil.Process
    environment: Mapping[str, str]

    def client(self, service: str) -> BaseClient:
        """Returns a boto3 client for it."""
        return boto3.client(
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self.environment["AWS_DEFAULT_REGION"],
            config=Config(max_pool_connections=NUM_CALLERS, read_timeout=600),
        )


def measure(model_file: Path, num_objects: int) -> dict[str, Any]:
    """Measures a job of that many objects."""
    with serving(model_file) as server, local_sagemaker(pack(model_file)) as sagemaker:
        upload(sagemaker, num_objects)
        loops = [callers_rate(server)]
        job = transform(sagemaker, num_objects)
        loops.append(callers_rate(server))
        expected = [row for rows in answers(sagemaker, num_objects) for row in rows]
        collecting = collect(OUTPUT, sagemaker.environment, num_objects, expected)
    return {
        "num_objects": num_objects,
        "num_callers": NUM_CALLERS,
        "loops": loops,
        **job,
        **collecting,
    }


@contextlib.contextmanager
def local_sagemaker(store: Path) -> Iterator[SageMaker]:
    """Runs what `make sagemaker` runs, with the models of that folder."""
    command: list[str | Path] = [sys.executable, "-m", "local_sagemaker", "--port", str(free_port())]
    process = subprocess.Popen([*command, "--model-store", store], cwd=TREE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        environment = {}
        for line in process.stdout:
            name, _, value = line.strip().removeprefix("export ").partition("=")
            if line.strip().startswith("export "):
                environment[name] = value
            if line.startswith("endpoints"):
                break
        yield SageMaker(psutil.Process(process.pid), environment)
    finally:
        process.terminate()
        process.wait()


def upload(sagemaker: SageMaker, num_objects: int) -> None:
    """Puts the clips into the bucket."""
    s3 = sagemaker.client("s3")
    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        puts = [
            pool.submit(s3.put_object, Bucket=BUCKET, Key=f"clips/{index:05}.mp3", Body=body)
            for index, body in enumerate(bodies.clips(CLIP_SECONDS, num_objects))
        ]
        for put in tqdm(puts, desc="uploading", unit="object"):
            put.result()


def transform(sagemaker: SageMaker, num_objects: int) -> dict[str, float]:
    """Runs the job.

    Returns:
        Objects per second from the first answer to the last; for an object the processor time of the local SageMaker
        itself: reading from S3, writing to S3, and S3 as well.
    """
    control, s3, before = sagemaker.client("sagemaker"), sagemaker.client("s3"), own_seconds(sagemaker.process)
    control.create_transform_job(
        TransformJobName=JOB,
        ModelName=MODEL,
        MaxConcurrentTransforms=NUM_CALLERS,
        MaxPayloadInMB=6,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{INPUT}/"}},
            "ContentType": "audio/mp3",
        },
        TransformOutput={"S3OutputPath": OUTPUT, "Accept": "application/json"},
        TransformResources={"InstanceType": "ml.c7i.xlarge", "InstanceCount": 1},
        Environment={"SENSE_BATCH_ERRORS": "answer"},
    )
    start = when_there(s3, control, 0)
    seconds = when_there(s3, control, num_objects - 1) - start
    while status(control) == "InProgress":
        time.sleep(POLL_SECONDS)
    assert status(control) == "Completed", control.describe_transform_job(TransformJobName=JOB)["FailureReason"]
    return {
        "rate": (num_objects - 1) / seconds,
        "sagemaker_seconds": (own_seconds(sagemaker.process) - before) / num_objects,
    }


def when_there(s3: BaseClient, control: BaseClient, index: int) -> float:
    """When an answer appears, in seconds of the monotonic clock. A job sends objects in the order of their keys."""
    while True:
        with contextlib.suppress(s3.exceptions.ClientError):
            s3.head_object(Bucket=BUCKET, Key=f"answers/{index:05}.mp3.out")
            return time.monotonic()
        assert status(control) == "InProgress", control.describe_transform_job(TransformJobName=JOB)["FailureReason"]
        time.sleep(POLL_SECONDS)


def status(control: BaseClient) -> str:
    """The job's."""
    return str(control.describe_transform_job(TransformJobName=JOB)["TransformJobStatus"])


def own_seconds(process: psutil.Process) -> float:
    """Processor time of a process without its children."""
    times = process.cpu_times()
    return float(times.user + times.system)


def answers(sagemaker: SageMaker, num_objects: int) -> Iterator[list[Row]]:
    """The events of each answer."""
    s3 = sagemaker.client("s3")

    def read(index: int) -> list[Row]:
        key = f"{index:05}.mp3"
        return merged(key, json.load(s3.get_object(Bucket=BUCKET, Key=f"answers/{key}.out")["Body"]))

    with ThreadPoolExecutor(NUM_CALLERS) as pool:
        yield from tqdm(pool.map(read, range(num_objects)), desc="reading", unit="object", total=num_objects)


def text(result: Mapping[str, Any]) -> str:
    """The figures as a table."""
    loop = statistics.mean(result["loops"])
    rows = [
        [
            f"{result['num_callers']} callers, clips a second, before and after the job",
            " and ".join(map(_one, result["loops"])),
        ],
        [f"transform job of {result['num_objects']} objects, objects a second", _one(result["rate"])],
        ["share of the callers' rate", f"{100 * result['rate'] / loop:.0f} %"],
        ["processor time of the local SageMaker for an object", f"{1000 * result['sagemaker_seconds']:.1f} ms"],
        *collecting_rows(result),
    ]
    return table(["clips of 10 s in S3", ""], rows)


def _one(rate: float) -> str:
    return f"{rate:.1f}"


def main() -> int:
    """Runs it with as many objects as asked; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transform", description=__doc__)
    parser.add_argument("--objects", type=int, default=NUM_OBJECTS, help=f"how many (default: {NUM_OBJECTS})")
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file (the bundled one)")
    options = parser.parse_args()
    described = machine()
    result = measure(options.model, options.objects)
    print(f"Measured: {described}.\n\n{text(result)}")
    return 0 if result["is_same"] else 1


if __name__ == "__main__":
    sys.exit(main())
