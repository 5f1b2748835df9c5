"""The templates, deployed against moto, and what they make, called."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from deploy.archive import TREE
from local_sagemaker import storage
from local_sagemaker.gateway import LocalSageMaker
from tests.support.waiting import eventually

# moto's CloudFormation passes these over with a warning; that they are well formed is cfn-lint's to say.
pytestmark = pytest.mark.filterwarnings(r"ignore:Tried to parse AWS..(CloudWatch..Alarm|ApplicationAutoScaling)")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/cochl-sense:1.0.0"


def deploy(sagemaker: LocalSageMaker, stem: str, **parameters: str) -> dict[str, str]:
    """Deploys a template and returns the stack's outputs."""
    cloudformation = sagemaker.client("cloudformation")
    cloudformation.create_stack(
        StackName=f"tagger-{stem}",
        TemplateBody=(TREE / "deploy" / "cloudformation" / f"{stem}.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloudformation.describe_stacks(StackName=f"tagger-{stem}")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


@pytest.fixture(scope="module")
def role_arn(sagemaker: LocalSageMaker) -> str:
    return deploy(sagemaker, "role", BucketName="sounds")["RoleArn"]


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
    assert variant["InferenceAmiVersion"] == "al2023-ami-sagemaker-inference-gpu-4-1"
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


def test_the_role_reads_input_and_writes_output_alone(sagemaker: LocalSageMaker, role_arn: str) -> None:
    iam = sagemaker.client("iam")
    name = role_arn.rpartition("/")[2]
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    statements = [
        statement
        for policy in policies
        for statement in yaml.safe_load(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])[
            "Statement"
        ]
    ]
    (reading,) = [statement for statement in statements if statement["Action"] == "s3:GetObject"]
    assert reading["Resource"] == ["arn:aws:s3:::sounds/input/*", "arn:aws:s3:::sounds/models/*"]
    (writing,) = [statement for statement in statements if "s3:PutObject" in statement["Action"]]
    assert writing["Resource"] == ["arn:aws:s3:::sounds/output/*", "arn:aws:s3:::sounds/failures/*"]
