"""Scripts as people write them for SageMaker, run as they stand but for what the environment says.

Each prints what it found. The bucket `sounds` has three seconds of sound at input/street.mp3, the model `tagger` serves
the toy, and test.mp3 lies in the working folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_sagemaker.gateway import LocalSageMaker
from tests.e2e.conftest import clean_environment

SECONDS = 540

DEPLOY_AND_DELETE = """
import boto3

sm = boto3.client("sagemaker")
sm.create_model(
    ModelName="life", ExecutionRoleArn="arn:aws:iam::123456789012:role/r", PrimaryContainer={"Image": "cochl-sense"}
)
for round in (1, 2):
    sm.create_endpoint_config(
        EndpointConfigName="life",
        ProductionVariants=[
            {"VariantName": "v", "ModelName": "life", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
    )
    sm.create_endpoint(EndpointName="life", EndpointConfigName="life", Tags=[{"Key": "team", "Value": "ears"}])
    sm.get_waiter("endpoint_in_service").wait(EndpointName="life", WaiterConfig={"Delay": 1})
    with open("test.mp3", "rb") as file:
        answer = boto3.client("sagemaker-runtime").invoke_endpoint(
            EndpointName="life", ContentType="audio/mp3", Body=file
        )
    print(answer["InvokedProductionVariant"], len(answer["Body"].read()) > 100)
    sm.delete_endpoint(EndpointName="life")
    sm.get_waiter("endpoint_deleted").wait(EndpointName="life", WaiterConfig={"Delay": 1})
    sm.delete_endpoint_config(EndpointConfigName="life")
sm.delete_model(ModelName="life")
"""

UPDATE = """
import boto3

sm, runtime = boto3.client("sagemaker"), boto3.client("sagemaker-runtime")
names = []
for letter in "ab":
    names.append(f"update-{letter}")
    sm.create_model(
        ModelName=names[-1],
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
        PrimaryContainer={"Image": "cochl-sense"},
    )
    sm.create_endpoint_config(
        EndpointConfigName=names[-1],
        ProductionVariants=[
            {"VariantName": letter, "ModelName": names[-1], "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
    )
sm.create_endpoint(EndpointName="updated", EndpointConfigName="update-a")
sm.get_waiter("endpoint_in_service").wait(EndpointName="updated", WaiterConfig={"Delay": 1})
sm.update_endpoint(EndpointName="updated", EndpointConfigName="update-b")
sm.get_waiter("endpoint_in_service").wait(EndpointName="updated", WaiterConfig={"Delay": 1})
described = sm.describe_endpoint(EndpointName="updated")
answer = runtime.invoke_endpoint(
    EndpointName="updated", ContentType="audio/mpeg", Body=open("test.mp3", "rb").read()
)
print(described["EndpointConfigName"], described["ProductionVariants"][0]["VariantName"])
print(answer["InvokedProductionVariant"])
sm.update_endpoint_weights_and_capacities(
    EndpointName="updated", DesiredWeightsAndCapacities=[{"VariantName": "b", "DesiredInstanceCount": 2}]
)
sm.delete_endpoint(EndpointName="updated")
for name in names:
    sm.delete_endpoint_config(EndpointConfigName=name)
    sm.delete_model(ModelName=name)
"""

PREFIXES_AND_THREADS = """
import json
from concurrent.futures import ThreadPoolExecutor

import boto3

runtime = boto3.client("sagemaker-runtime")
body = open("test.mp3", "rb").read()


def ask(number):
    response = runtime.invoke_endpoint(
        EndpointName="tagger", ContentType="audio/mp3", Accept="application/json", Body=body, InferenceId=str(number)
    )
    return json.loads(response["Body"].read())["data"][0]["tags"][0]["name"]


with ThreadPoolExecutor(8) as pool:
    print(set(pool.map(ask, range(16))))
"""

ERRORS = """
import boto3
import botocore

runtime = boto3.client("sagemaker-runtime")
try:
    runtime.invoke_endpoint(EndpointName="tagger", ContentType="audio/mp3", Body=b"not a sound")
except runtime.exceptions.ModelError as error:
    print(error.response["Error"]["Code"], error.response["OriginalStatusCode"])
try:
    runtime.invoke_endpoint(EndpointName="no-such-endpoint", ContentType="audio/mp3", Body=b"")
except botocore.exceptions.ClientError as error:
    print(error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
try:
    boto3.client("sagemaker").describe_endpoint(EndpointName="no-such-endpoint")
except botocore.exceptions.ClientError as error:
    print(error.response["Error"]["Code"], "Could not find" in str(error))
"""

ASYNC_WITH_WAITER = """
import json
from urllib.parse import urlparse

import boto3

s3, runtime = boto3.client("s3"), boto3.client("sagemaker-runtime")
s3.upload_file("test.mp3", "sounds", "input/a b & c.mp3", ExtraArgs={"ContentType": "audio/mpeg"})
response = runtime.invoke_endpoint_async(
    EndpointName="tagger-async",
    InputLocation="s3://sounds/input/a b & c.mp3",
    InferenceId="waited",
    InvocationTimeoutSeconds=3600,
    RequestTTLSeconds=3600,
)
output = urlparse(response["OutputLocation"])
s3.get_waiter("object_exists").wait(
    Bucket=output.netloc, Key=output.path.lstrip("/"), WaiterConfig={"Delay": 1, "MaxAttempts": 120}
)
answer = json.load(s3.get_object(Bucket=output.netloc, Key=output.path.lstrip("/"))["Body"])
print(response["InferenceId"], answer["data"][0]["tags"][0]["name"])
"""

ASYNC_WITH_SNS = """
import json
import time

import boto3

sm, sns, sqs = boto3.client("sagemaker"), boto3.client("sns"), boto3.client("sqs")
topics = {name: sns.create_topic(Name=f"script-{name}")["TopicArn"] for name in ("success", "error")}
queue = sqs.create_queue(QueueName="script")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
for topic in topics.values():
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
sm.create_endpoint_config(
    EndpointConfigName="script-sns",
    ProductionVariants=[
        {"VariantName": "AllTraffic", "ModelName": "tagger", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    ],
    AsyncInferenceConfig={
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
        "OutputConfig": {
            "S3OutputPath": "s3://sounds/script-sns",
            "S3FailurePath": "s3://sounds/script-sns-failed",
            "NotificationConfig": {"SuccessTopic": topics["success"], "ErrorTopic": topics["error"]},
        },
    },
)
sm.create_endpoint(EndpointName="script-sns", EndpointConfigName="script-sns")
sm.get_waiter("endpoint_in_service").wait(EndpointName="script-sns", WaiterConfig={"Delay": 1})
boto3.client("s3").put_object(Bucket="sounds", Key="input/bad.mp3", Body=b"no sound")
for key in ("street.mp3", "bad.mp3"):
    boto3.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="script-sns", InputLocation=f"s3://sounds/input/{key}", ContentType="audio/mp3"
    )
heard = {}
while len(heard) < 2:
    for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", []):
        notice = json.loads(json.loads(message["Body"])["Message"])
        if notice.get("eventName") == "TestNotification":
            continue
        heard[notice["requestParameters"]["inputLocation"].rpartition("/")[2]] = notice["invocationStatus"]
print(sorted(heard.items()))
sm.delete_endpoint(EndpointName="script-sns")
sm.delete_endpoint_config(EndpointConfigName="script-sns")
"""

TRANSFORM_WITH_WAITER = """
import json

import boto3

sm, s3 = boto3.client("sagemaker"), boto3.client("s3")
for key in ("one.mp3", "deep/two.mp3"):
    s3.upload_file("test.mp3", "sounds", f"script/{key}")
sm.create_transform_job(
    TransformJobName="script-job",
    ModelName="tagger",
    BatchStrategy="SingleRecord",
    MaxConcurrentTransforms=2,
    MaxPayloadInMB=10,
    TransformInput={
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://sounds/script/"}},
        "ContentType": "application/octet-stream",
        "SplitType": "None",
        "CompressionType": "None",
    },
    TransformOutput={"S3OutputPath": "s3://sounds/script-out", "AssembleWith": "None"},
    TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    Tags=[{"Key": "team", "Value": "ears"}],
)
sm.get_waiter("transform_job_completed_or_stopped").wait(
    TransformJobName="script-job", WaiterConfig={"Delay": 1, "MaxAttempts": 200}
)
print(sm.describe_transform_job(TransformJobName="script-job")["TransformJobStatus"])
for item in s3.list_objects_v2(Bucket="sounds", Prefix="script-out/")["Contents"]:
    print(item["Key"], len(json.load(s3.get_object(Bucket="sounds", Key=item["Key"])["Body"])["data"]))
print([job["TransformJobName"] for job in sm.list_transform_jobs(NameContains="script-job")["TransformJobSummaries"]])
"""

TRANSFORM_STOPPED = """
import boto3

sm = boto3.client("sagemaker")
sm.create_transform_job(
    TransformJobName="script-stopped",
    ModelName="tagger",
    TransformInput={
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://sounds/input/street"}},
        "ContentType": "audio/mp3",
    },
    TransformOutput={"S3OutputPath": "s3://sounds/script-stopped"},
    TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
)
sm.stop_transform_job(TransformJobName="script-stopped")
sm.get_waiter("transform_job_completed_or_stopped").wait(
    TransformJobName="script-stopped", WaiterConfig={"Delay": 1, "MaxAttempts": 200}
)
print(sm.describe_transform_job(TransformJobName="script-stopped")["TransformJobStatus"])
"""

PAGINATORS = """
import boto3

sm = boto3.client("sagemaker")
pages = sm.get_paginator("list_endpoints").paginate()
print("tagger" in [endpoint["EndpointName"] for page in pages for endpoint in page["Endpoints"]])
print("tagger" in [m["ModelName"] for page in sm.get_paginator("list_models").paginate() for m in page["Models"]])
config = sm.describe_endpoint_config(EndpointConfigName="tagger-async")
print(config["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"])
print(boto3.client("sts").get_caller_identity()["Account"])
"""

S3_FILES = """
import boto3

bucket = boto3.resource("s3").Bucket("sounds")
bucket.upload_file("test.mp3", "files/x.mp3")
print([item.key for item in bucket.objects.filter(Prefix="files/")])
url = boto3.client("s3").generate_presigned_url("get_object", Params={"Bucket": "sounds", "Key": "files/x.mp3"})
import urllib.request

print(len(urllib.request.urlopen(url).read()) == len(open("test.mp3", "rb").read()))
"""

COMMAND_LINE = """
set -eu
aws s3 mb s3://script-bucket > /dev/null
mkdir -p sounds && cp test.mp3 sounds/a.mp3 && cp test.mp3 sounds/b.mp3
aws s3 sync --quiet sounds s3://script-bucket/input
aws sagemaker create-model --model-name cli --execution-role-arn arn:aws:iam::123456789012:role/r \
    --primary-container Image=cochl-sense > /dev/null
aws sagemaker create-endpoint-config --endpoint-config-name cli --production-variants \
    VariantName=v,ModelName=cli,InstanceType=ml.m5.large,InitialInstanceCount=1 > /dev/null
aws sagemaker create-endpoint --endpoint-name cli --endpoint-config-name cli > /dev/null
aws sagemaker wait endpoint-in-service --endpoint-name cli
aws sagemaker describe-endpoint --endpoint-name cli --query EndpointStatus --output text
aws sagemaker-runtime invoke-endpoint --endpoint-name cli --content-type audio/mpeg --body fileb://test.mp3 out.json \
    --query InvokedProductionVariant --output text
grep -c '"tags"' out.json
aws sagemaker delete-endpoint --endpoint-name cli
aws sagemaker delete-endpoint-config --endpoint-config-name cli
aws sagemaker delete-model --model-name cli
aws s3 ls s3://script-bucket/input/ | wc -l
"""

SCRIPTS = {
    "deploy-and-delete": (DEPLOY_AND_DELETE, "v True\nv True\n"),
    "update": (UPDATE, "update-b b\nb\n"),
    "threads": (PREFIXES_AND_THREADS, "{'Laughter'}\n"),
    "errors": (ERRORS, "ModelError 400\nValidationError 400\nValidationException True\n"),
    "async-with-waiter": (ASYNC_WITH_WAITER, "waited Laughter\n"),
    "async-with-sns": (ASYNC_WITH_SNS, "[('bad.mp3', 'Failed'), ('street.mp3', 'Completed')]\n"),
    "transform-with-waiter": (
        TRANSFORM_WITH_WAITER,
        "Completed\nscript-out/deep/two.mp3.out 2\nscript-out/one.mp3.out 2\n['script-job']\n",
    ),
    "transform-stopped": (TRANSFORM_STOPPED, "Stopped\n"),
    "paginators": (PAGINATORS, "True\nTrue\ns3://sounds/output\n123456789012\n"),
    "s3-files": (S3_FILES, "['files/x.mp3']\nTrue\n"),
    "command-line": (COMMAND_LINE, "InService\nv\n1\n2\n"),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script(sagemaker: LocalSageMaker, mixture: bytes, tmp_path: Path, name: str) -> None:
    script, expected = SCRIPTS[name]
    (tmp_path / "test.mp3").write_bytes(mixture)
    sagemaker.client("s3").put_object(Bucket="sounds", Key="input/street.mp3", Body=mixture)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    run = subprocess.run(
        ["bash" if name == "command-line" else sys.executable, "-c", script],
        cwd=tmp_path,
        env=clean_environment(**sagemaker.environment(), PATH=path),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert (run.returncode, run.stdout) == (0, expected), run.stderr
