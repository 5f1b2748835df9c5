"""The templates, deployed against moto, and what they make, called."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml
from cfnlint.decode import cfn_yaml

from deploy.archive import TREE
from local_sagemaker import storage
from local_sagemaker.gateway import LocalSageMaker
from tests.e2e.conftest import clean_environment
from tests.support.waiting import eventually

# moto's CloudFormation passes these over with a warning; that they are well formed is cfn-lint's to say.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Tried to parse AWS..(CloudWatch..Alarm|ApplicationAutoScaling|Lambda..EventInvokeConfig)"
)
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cochl-sense:1.0.0"
KEY = "arn:aws:kms:us-east-1:123456789012:key/4711"


def deploy(sagemaker: LocalSageMaker, stem: str, suffix: str = "", **parameters: str) -> dict[str, str]:
    """Deploys a template and returns the stack's outputs when its endpoint is in service."""
    cloudformation = sagemaker.client("cloudformation")
    cloudformation.create_stack(
        StackName=f"tagger-{stem}{suffix}",
        TemplateBody=(TREE / "deploy" / "cloudformation" / f"{stem}.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName=f"tagger-{stem}{suffix}")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    outputs: dict[str, str] = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if "EndpointName" in outputs:  # whose server CloudFormation here does not wait for
        sagemaker.client("sagemaker").get_waiter("endpoint_in_service").wait(
            EndpointName=outputs["EndpointName"], WaiterConfig={"Delay": 0.5, "MaxAttempts": 1200}
        )
    return outputs


@pytest.fixture(scope="module")
def role_arn(sagemaker: LocalSageMaker) -> str:
    allowed = {"KmsKeyArn": KEY, "AllowVpc": "true", "AllowCapture": "true"}
    return deploy(sagemaker, "role", BucketName="sounds", **allowed)["RoleArn"]


def variant_of(sagemaker: LocalSageMaker, endpoint: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns an endpoint's configuration and its only variant."""
    control = sagemaker.client("sagemaker")
    name = control.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    configuration: dict[str, Any] = control.describe_endpoint_config(EndpointConfigName=name)
    (variant,) = configuration["ProductionVariants"]
    return configuration, variant


def test_the_real_time_endpoint_answers(sagemaker: LocalSageMaker, role_arn: str, mixture: bytes) -> None:
    endpoint = deploy(sagemaker, "realtime", RoleArn=role_arn, ImageUri=IMAGE)["EndpointName"]
    _, variant = variant_of(sagemaker, endpoint)
    assert variant["InstanceType"] == "ml.c7i.xlarge"
    assert not variant.get("InferenceAmiVersion")
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 600
    model = sagemaker.client("sagemaker").describe_model(ModelName=variant["ModelName"])
    assert model["ExecutionRoleArn"] == role_arn
    assert model["PrimaryContainer"]["Image"] == IMAGE
    assert model["PrimaryContainer"]["Environment"] == {"SENSE_PROFILE": "realtime", "SENSE_MAX_REQUESTS": "32"}
    assert "ModelDataUrl" not in model["PrimaryContainer"]
    response = sagemaker.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="audio/mp3", Body=mixture
    )
    assert len(json.load(response["Body"])["data"]) == 2


def test_the_asynchronous_endpoint_answers(sagemaker: LocalSageMaker, role_arn: str, mixture: bytes) -> None:
    outputs = deploy(sagemaker, "async", RoleArn=role_arn, ImageUri=IMAGE, BucketName="sounds")
    configuration, _ = variant_of(sagemaker, outputs["EndpointName"])
    assert configuration["AsyncInferenceConfig"]["OutputConfig"]["NotificationConfig"] == {
        "SuccessTopic": outputs["SuccessTopicArn"],
        "ErrorTopic": outputs["ErrorTopicArn"],
    }
    response = sagemaker.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=outputs["EndpointName"], ContentType="audio/mp3", Body=mixture, InvocationTimeoutSeconds=3600
    )
    assert response["OutputLocation"].startswith("s3://sounds/output/")
    assert response["FailureLocation"].startswith("s3://sounds/failures/")
    key = storage.parse(response["OutputLocation"])[1]
    assert eventually(lambda: key in storage.keys(sagemaker.client("s3"), "s3://sounds/output/"), 30)


def test_the_model_for_batch_transform(sagemaker: LocalSageMaker, role_arn: str) -> None:
    outputs = deploy(sagemaker, "batch", RoleArn=role_arn, ImageUri=IMAGE, ModelDataUrl="s3://sounds/models/m.tar.gz")
    container = sagemaker.client("sagemaker").describe_model(ModelName=outputs["ModelName"])["PrimaryContainer"]
    assert container["ModelDataUrl"] == "s3://sounds/models/m.tar.gz"
    assert container["Environment"] == {"SENSE_PROFILE": "batch", "SENSE_DEFAULT_SENSITIVITY": "0"}


def test_a_gpu_a_vpc_a_key_and_captured_data(sagemaker: LocalSageMaker, role_arn: str) -> None:
    ami = "al2023-ami-sagemaker-inference-gpu-4-1"
    asked = {"KmsKeyArn": KEY, "CaptureUri": "s3://sounds/captured", "InstanceType": "ml.g6.xlarge"}
    asked |= {"SubnetIds": "subnet-1,subnet-2", "SecurityGroupIds": "sg-1", "InferenceAmiVersion": ami}
    endpoint = deploy(
        sagemaker, "realtime", "-own", RoleArn=role_arn, ImageUri=IMAGE, EndpointName="tagger-own", **asked
    )["EndpointName"]
    configuration, variant = variant_of(sagemaker, endpoint)
    assert (variant["InferenceAmiVersion"], configuration["KmsKeyId"]) == (ami, KEY)
    captured = configuration["DataCaptureConfig"]
    assert (captured["DestinationS3Uri"], captured["InitialSamplingPercentage"]) == ("s3://sounds/captured", 10)
    model = sagemaker.client("sagemaker").describe_model(ModelName=variant["ModelName"])
    assert model["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}


def test_nothing_is_captured_unless_asked_for(sagemaker: LocalSageMaker, role_arn: str) -> None:
    endpoint = deploy(sagemaker, "realtime", "-plain", RoleArn=role_arn, ImageUri=IMAGE, EndpointName="tagger-plain")[
        "EndpointName"
    ]
    assert not variant_of(sagemaker, endpoint)[0].get("DataCaptureConfig")


@pytest.mark.parametrize("endpoint", ["tagger", "nobody"])
def test_the_canary_sings_where_the_endpoint_answers(sagemaker: LocalSageMaker, endpoint: str) -> None:
    template = cfn_yaml.load(TREE / "deploy" / "cloudformation" / "canary.yaml")
    code = template["Resources"]["Function"]["Properties"]["Code"]["ZipFile"]
    environment = clean_environment(**sagemaker.environment(), ENDPOINT_NAME=endpoint)
    command = [sys.executable, "-c", f"{code}\nhandler({{}}, None)"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (run.returncode == 0) == (endpoint == "tagger"), run.stderr


def test_the_role_reads_input_and_writes_what_it_must(sagemaker: LocalSageMaker, role_arn: str) -> None:
    iam, name = sagemaker.client("iam"), role_arn.rpartition("/")[2]
    statements = []
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        # moto gives text for a role's own policies, and a mapping for those that stand beside it.
        statements += (document if isinstance(document, dict) else yaml.safe_load(document))["Statement"]
    (reading,) = [statement for statement in statements if statement["Action"] == "s3:GetObject"]
    assert reading["Resource"] == ["arn:aws:s3:::sounds/input/*", "arn:aws:s3:::sounds/models/*"]
    writing = [statement["Resource"] for statement in statements if "s3:PutObject" in statement["Action"]]
    assert writing == [
        ["arn:aws:s3:::sounds/output/*", "arn:aws:s3:::sounds/failures/*"],
        "arn:aws:s3:::sounds/captured/*",
    ]
    (key,) = [statement for statement in statements if "kms:Decrypt" in statement["Action"]]
    assert key["Resource"] == KEY
