"""The local SageMaker's control plane and runtime as boto3 sees them; what a model names reaches what is started."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.client import BaseClient
from botocore.exceptions import ClientError, WaiterError

from local_sagemaker import runtime as runtime_module
from local_sagemaker.gateway import LocalSageMaker, running
from tests.support.local_sagemaker import (
    QUICK,
    ROLE,
    SECONDS,
    VARIANT,
    Starts,
    code_of,
    create_config,
    create_model,
    deploy,
    in_service,
    put_archive,
    status_of,
    tag_of,
)
from tests.support.scripted_server import Reply, Server, answer
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


def test_each_model_is_served_by_what_its_archive_holds(
    local: LocalSageMaker, control: BaseClient, s3: BaseClient, starts: Starts
) -> None:
    flat = put_archive(s3, "flat.tar.gz", {"model.pt2": "Flat"})
    packed = {"cochl-sense/MAR-INF/MANIFEST.json": "{}", "cochl-sense/model.pt2": "Packed", "cochl-sense/code.py": ""}
    deploy(control, "flat", ModelDataUrl=flat, Environment={"SENSE_DEFAULT_SENSITIVITY": "1"})
    deploy(control, "packed", ModelDataUrl=put_archive(s3, "packed.tar.gz", packed))
    deploy(control, "nothing-of-its-own")
    assert [tag_of(local, name) for name in ("flat", "packed", "nothing-of-its-own")] == ["Flat", "Packed", "Common"]
    assert starts.started == [({"SENSE_DEFAULT_SENSITIVITY": "1"}, "Flat"), ({}, "Packed")]


def test_data_under_a_prefix(local: LocalSageMaker, control: BaseClient, s3: BaseClient) -> None:
    s3.put_object(Bucket="models", Key="loose/model.pt2", Body=b"Loose")
    source = {"S3Uri": "s3://models/loose/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    deploy(control, "loose", ModelDataSource={"S3DataSource": source})
    assert tag_of(local, "loose") == "Loose"


def test_equal_models_share_a_server_as_long_as_one_needs_it(
    local: LocalSageMaker, control: BaseClient, s3: BaseClient, starts: Starts
) -> None:
    url = put_archive(s3, "shared.tar.gz", {"model.pt2": "Shared"})
    deploy(control, "one", ModelDataUrl=url)
    deploy(control, "two", ModelDataUrl=url)
    assert (len(starts.started), starts.num_running) == (1, 1)
    for name, left in (("one", 1), ("two", 0)):
        control.delete_endpoint(EndpointName=name)
        control.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=QUICK)
        assert starts.num_running == left
    with pytest.raises(ClientError, match="Endpoint one of account 123456789012 not found") as refused:
        tag_of(local, "one")
    assert code_of(refused) == ("ValidationError", 400)


def test_an_overwritten_archive_is_another_model(local: LocalSageMaker, control: BaseClient, s3: BaseClient) -> None:
    deploy(control, "before", ModelDataUrl=put_archive(s3, "model.tar.gz", {"model.pt2": "Before"}))
    deploy(control, "after", ModelDataUrl=put_archive(s3, "model.tar.gz", {"model.pt2": "After"}))
    assert [tag_of(local, name) for name in ("before", "after")] == ["Before", "After"]


def test_an_update_serves_the_old_model_until_the_new_one_is_ready(
    local: LocalSageMaker, control: BaseClient, s3: BaseClient, starts: Starts
) -> None:
    deploy(control, "moving", ModelDataUrl=put_archive(s3, "old.tar.gz", {"model.pt2": "Old"}))
    create_model(control, "new", ModelDataUrl=put_archive(s3, "new.tar.gz", {"model.pt2": "New"}))
    create_config(control, "new", "new")
    starts.gate.clear()
    control.update_endpoint(EndpointName="moving", EndpointConfigName="new")
    assert (status_of(control, "moving"), tag_of(local, "moving")) == ("Updating", "Old")
    for call in ("update_endpoint", "delete_endpoint"):
        arguments = {"EndpointConfigName": "new"} if call == "update_endpoint" else {}
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            getattr(control, call)(EndpointName="moving", **arguments)
    starts.gate.set()
    in_service(control, "moving")
    assert tag_of(local, "moving") == "New"
    assert control.describe_endpoint(EndpointName="moving")["EndpointConfigName"] == "new"
    assert eventually(lambda: starts.num_running == 1, SECONDS)


def test_a_call_that_has_begun_keeps_its_server(
    local: LocalSageMaker, control: BaseClient, s3: BaseClient, starts: Starts
) -> None:
    deploy(control, "busy", ModelDataUrl=put_archive(s3, "old.tar.gz", {"model.pt2": "Old"}))
    create_model(control, "new", ModelDataUrl=put_archive(s3, "new.tar.gz", {"model.pt2": "New"}))
    create_config(control, "new", "new")
    heard: list[str] = []
    call = threading.Thread(target=lambda: heard.append(tag_of(local, "busy")))
    starts.answers.clear()
    call.start()
    assert eventually(lambda: starts.num_calls == 1, SECONDS)
    control.update_endpoint(EndpointName="busy", EndpointConfigName="new")
    in_service(control, "busy")
    assert (starts.num_running, heard) == (2, [])
    starts.answers.set()
    call.join()
    assert heard == ["Old"]
    assert tag_of(local, "busy") == "New"
    assert eventually(lambda: starts.num_running == 1, SECONDS)


def test_a_failed_update_leaves_the_old_model(local: LocalSageMaker, control: BaseClient, s3: BaseClient) -> None:
    deploy(control, "steady", ModelDataUrl=put_archive(s3, "good.tar.gz", {"model.pt2": "Good"}))
    create_model(control, "bad", ModelDataUrl=put_archive(s3, "bad.tar.gz", {"model.pt2": "broken"}))
    create_config(control, "bad", "bad")
    control.update_endpoint(EndpointName="steady", EndpointConfigName="bad")
    in_service(control, "steady")
    described = control.describe_endpoint(EndpointName="steady")
    assert "did not pass the ping health check" in described["FailureReason"]
    assert (described["EndpointConfigName"], tag_of(local, "steady")) == ("steady", "Good")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"model.pt2": "broken"}, "did not pass the ping health check.* cannot serve: model.pt2"),
        ({"weights.bin": "x"}, "holds no model file"),
        (None, "Failed to extract model data archive .* valid tar.gz archive"),
    ],
    ids=["broken", "no-model", "no-archive"],
)
def test_an_endpoint_whose_model_cannot_be_served_fails_with_the_cause(
    control: BaseClient, s3: BaseClient, content: dict[str, str] | None, reason: str
) -> None:
    url = put_archive(s3, "model.tar.gz", content or {})
    if content is None:
        s3.put_object(Bucket="models", Key="model.tar.gz", Body=b"no archive")
    with pytest.raises(WaiterError, match='"Failed"'):
        deploy(control, "failing", ModelDataUrl=url)
    assert re.search(reason, control.describe_endpoint(EndpointName="failing")["FailureReason"])
    control.delete_endpoint(EndpointName="failing")
    control.get_waiter("endpoint_deleted").wait(EndpointName="failing", WaiterConfig=QUICK)


def test_no_memory_fails_an_endpoint_in_awss_words(control: BaseClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_sagemaker.fleet.WORKER_BYTES", 1 << 60)
    with pytest.raises(WaiterError, match='"Failed"'):
        deploy(control, "large", Environment={"A": "1"})
    assert "InsufficientInstanceCapacity" in control.describe_endpoint(EndpointName="large")["FailureReason"]


def test_what_was_given_is_described(local: LocalSageMaker, control: BaseClient) -> None:
    container = {"Image": "tagger:1", "Environment": {"SENSE_PROFILE": "async"}, "ContainerHostname": "primary"}
    vpc = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}
    model = {"PrimaryContainer": container, "ExecutionRoleArn": ROLE, "VpcConfig": vpc, "EnableNetworkIsolation": True}
    control.create_model(ModelName="given", **model)
    assert model.items() <= control.describe_model(ModelName="given").items()

    places = {"S3OutputPath": "s3://models/output", "S3FailurePath": "s3://models/failures", "KmsKeyId": "key"}
    asynchronous = {"ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2}, "OutputConfig": places}
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://models/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    config = {"AsyncInferenceConfig": asynchronous, "DataCaptureConfig": capture, "KmsKeyId": "key"}
    create_config(control, "given", "given", **config)
    described = control.describe_endpoint_config(EndpointConfigName="given")
    assert config.items() <= described.items()
    assert described["ProductionVariants"] == [{**VARIANT, "ModelName": "given"}]

    tags = [{"Key": "team", "Value": "sound"}]
    made = control.create_endpoint(EndpointName="given", EndpointConfigName="given", Tags=tags)
    assert status_of(control, "given") in ("Creating", "InService")
    in_service(control, "given")
    endpoint = control.describe_endpoint(EndpointName="given")
    assert endpoint["AsyncInferenceConfig"] == asynchronous
    assert (endpoint["EndpointArn"], endpoint["EndpointConfigName"]) == (made["EndpointArn"], "given")
    (variant,) = endpoint["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"], variant["CurrentWeight"]) == ("AllTraffic", 1, 1.0)
    assert variant["DeployedImages"][0]["SpecifiedImage"] == "tagger:1"
    assert endpoint["CreationTime"] <= endpoint["LastModifiedTime"]
    assert endpoint["ResponseMetadata"]["RequestId"]
    assert control.list_tags(ResourceArn=made["EndpointArn"])["Tags"] == tags
    control.add_tags(ResourceArn=made["EndpointArn"], Tags=[{"Key": "stage", "Value": "test"}])
    control.delete_tags(ResourceArn=made["EndpointArn"], TagKeys=["team"])
    assert control.list_tags(ResourceArn=made["EndpointArn"])["Tags"] == [{"Key": "stage", "Value": "test"}]


def test_lists_are_filtered_sorted_and_paged(control: BaseClient) -> None:
    for number in range(12):
        create_model(control, f"listed-{number:02}")
    create_config(control, "listed", "listed-00")
    control.create_endpoint(EndpointName="listed", EndpointConfigName="listed")
    in_service(control, "listed")
    assert len(control.list_models()["Models"]) == 10  # AWS's default
    pages = control.get_paginator("list_models").paginate(SortBy="Name", SortOrder="Ascending", NameContains="listed-")
    names = [model["ModelName"] for page in pages for model in page["Models"]]
    assert names == [f"listed-{number:02}" for number in range(12)]
    assert [each["EndpointConfigName"] for each in control.list_endpoint_configs()["EndpointConfigs"]] == ["listed"]
    for status, found in (("InService", ["listed"]), ("Failed", [])):
        endpoints = control.list_endpoints(StatusEquals=status)["Endpoints"]
        assert [each["EndpointName"] for each in endpoints] == found
    created = control.describe_endpoint(EndpointName="listed")["CreationTime"]
    assert control.list_endpoints(CreationTimeAfter=created)["Endpoints"] == []


def test_traffic_is_divided_by_weight_and_by_name(local: LocalSageMaker, control: BaseClient, s3: BaseClient) -> None:
    for name in ("Left", "Right"):
        create_model(control, name, ModelDataUrl=put_archive(s3, f"{name}.tar.gz", {"model.pt2": name}))
    variants = [{**VARIANT, "VariantName": name, "ModelName": name} for name in ("Left", "Right")]
    variants[1]["InitialVariantWeight"] = 0.0
    control.create_endpoint_config(EndpointConfigName="two", ProductionVariants=variants)
    control.create_endpoint(EndpointName="two", EndpointConfigName="two")
    in_service(control, "two")
    assert {tag_of(local, "two") for _ in range(8)} == {"Left"}
    assert tag_of(local, "two", TargetVariant="Right") == "Right"
    desired = [{"VariantName": "Left", "DesiredWeight": 0}, {"VariantName": "Right", "DesiredWeight": 1}]
    control.update_endpoint_weights_and_capacities(EndpointName="two", DesiredWeightsAndCapacities=desired)
    assert {tag_of(local, "two") for _ in range(8)} == {"Right"}
    with pytest.raises(ClientError, match="is/are not present"):
        control.update_endpoint_weights_and_capacities(
            EndpointName="two", DesiredWeightsAndCapacities=[{"VariantName": "Middle", "DesiredWeight": 1}]
        )


def refusals(control: BaseClient) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Operations, arguments and what AWS's words say of them."""
    create_model(control, "there")
    create_config(control, "there", "there")
    yield "create_model", {"ModelName": "there", "PrimaryContainer": {"Image": "x"}}, "already existing model .*/there"
    yield "create_model", {"ModelName": "under_score", "PrimaryContainer": {"Image": "x"}}, "'modelName' failed to"
    no_data = {"Image": "x", "ModelDataUrl": "s3://models/nowhere.tar.gz"}
    yield "create_model", {"ModelName": "a", "PrimaryContainer": no_data}, "Could not find model data at s3://models/no"
    many = {"Image": "x", "Mode": "MultiModel", "ModelDataUrl": "s3://models/"}
    yield "create_model", {"ModelName": "a", "PrimaryContainer": many}, "multi-model container is not supported"
    yield "create_model", {"ModelName": "a", "Containers": [{"Image": "x"}] * 2}, "pipeline of containers is not supp"
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    variants: list[tuple[dict[str, Any], str]] = [
        ({"VariantName": "A", "ModelName": "there", "ServerlessConfig": serverless}, "serverless endpoint is not supp"),
        ({**VARIANT}, "inference components .* is not supported"),
        ({**VARIANT, "ModelName": "nowhere"}, 'Could not find model "arn:aws:sagemaker:.*:model/nowhere"'),
    ]
    for variant, message in variants:
        yield "create_endpoint_config", {"EndpointConfigName": "a", "ProductionVariants": [variant]}, message
    missing = {"EndpointName": "a", "EndpointConfigName": "nowhere"}
    yield "create_endpoint", missing, "Could not find endpoint configuration .*/nowhere"
    yield "update_endpoint", missing, 'Could not find endpoint "arn:.*:endpoint/a"'
    yield "describe_endpoint", {"EndpointName": "a"}, "Could not find endpoint"
    yield "delete_model", {"ModelName": "a"}, "Could not find model"
    yield "describe_transform_job", {"TransformJobName": "a"}, "Could not find requested job with name: a"
    component = {"InferenceComponentName": "a", "EndpointName": "there", "Specification": {"ModelName": "there"}}
    yield "create_inference_component", component, "CreateInferenceComponent is not supported by the local SageMaker"
    yield "create_training_job", training(), "CreateTrainingJob is not supported by the local SageMaker"
    yield "describe_training_job", {"TrainingJobName": "a"}, "Could not find training job"


def training() -> dict[str, Any]:
    return {
        "TrainingJobName": "a",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://models/x"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 1},
    }


def test_refusals_are_awss(control: BaseClient) -> None:
    for operation, arguments, message in refusals(control):
        with pytest.raises(ClientError, match=message) as refused:
            getattr(control, operation)(**arguments)
        assert code_of(refused) == ("ValidationException", 400), operation
        assert refused.value.response["ResponseMetadata"]["RequestId"], operation


@pytest.mark.parametrize("target", ["SageMaker.Nonsense", "SageMaker.CreatePipeline", "AmazonNonsense_1.Nonsense"])
def test_no_operation_answers_with_a_page(local: LocalSageMaker, target: str) -> None:
    refused = requests.post(local.url, data="{}", headers={"X-Amz-Target": target}, timeout=60)
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/x-amz-json-1.1")
    assert "is not supported by the local SageMaker" in refused.json()["message"]


def test_what_the_runtime_refuses(
    local: LocalSageMaker, control: BaseClient, common: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(control, "runtime")
    runtime = local.client("sagemaker-runtime")
    with pytest.raises(ClientError, match="ResponseStream is not supported") as refused:
        runtime.invoke_endpoint_with_response_stream(EndpointName="runtime", Body=b"x")
    assert code_of(refused) == ("ValidationError", 400)
    for arguments, message in (
        ({"TargetModel": "a.tar.gz"}, "TargetModel is not supported"),
        ({"TargetVariant": "Other"}, "Variant Other does not exist"),
        ({"CustomAttributes": "x" * 1025}, "'customAttributes' failed to satisfy constraint"),
    ):
        with pytest.raises(ClientError, match=message) as refused:
            tag_of(local, "runtime", **arguments)
        assert code_of(refused) == ("ValidationError", 400)
    monkeypatch.setattr(runtime_module, "INVOCATION_SECONDS", 0.2)
    silence = threading.Event()
    common.script = lambda _: Reply(200, {} if silence.wait(SECONDS) else {})
    with pytest.raises(runtime.exceptions.ModelError, match=r"server error \(0\) .*timed out") as slow:
        tag_of(local, "runtime")
    assert (code_of(slow), slow.value.response["OriginalStatusCode"]) == (("ModelError", 424), 0)
    silence.set()
    common.shutdown()
    common.server_close()
    with pytest.raises(runtime.exceptions.ServiceUnavailable) as gone:
        tag_of(local, "runtime")
    assert code_of(gone) == ("ServiceUnavailable", 503)


def test_too_many_requests_at_once_are_throttled(
    common: Server, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module, "MAX_REQUESTS", 1)
    with running(common.url, starts) as local:
        deploy(local.client("sagemaker"), "crowded")
        busy, free = threading.Event(), threading.Event()

        def slow(_: object) -> Reply:
            busy.set()
            free.wait(SECONDS)
            return Reply(200, answer("Common"))

        common.script = slow
        first = threading.Thread(target=tag_of, args=(local, "crowded"))
        first.start()
        assert busy.wait(SECONDS)
        with pytest.raises(ClientError, match="Rate exceeded") as refused:
            tag_of(local, "crowded")
        assert code_of(refused) == ("ThrottlingException", 400)
        free.set()
        first.join()


def test_a_stacks_endpoint_is_waited_for(
    local: LocalSageMaker, control: BaseClient, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudFormation here says at once that it is complete; AWS's waits until the endpoint is in service."""
    resources = {
        "Model": ("Model", {"ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "x", "Environment": {"A": "1"}}}),
        "Config": (
            "EndpointConfig",
            {"ProductionVariants": [{**VARIANT, "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]}}]},
        ),
        "Endpoint": (
            "Endpoint",
            {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}},
        ),
    }
    template = {
        "Resources": {
            name: {"Type": f"AWS::SageMaker::{kind}", "Properties": fields}
            for name, (kind, fields) in resources.items()
        }
    }
    starts.gate.clear()
    local.client("cloudformation").create_stack(StackName="stack", TemplateBody=json.dumps(template))
    (endpoint,) = control.list_endpoints()["Endpoints"]
    assert endpoint["EndpointStatus"] == "Creating"
    monkeypatch.setattr(runtime_module, "STACK_SECONDS", 0.1)
    with pytest.raises(ClientError, match="not ready yet") as refused:
        tag_of(local, endpoint["EndpointName"])
    assert code_of(refused) == ("ModelNotReadyException", 429)
    monkeypatch.setattr(runtime_module, "STACK_SECONDS", SECONDS)
    starts.gate.set()
    assert tag_of(local, endpoint["EndpointName"]) == "Bundled"
    local.client("cloudformation").delete_stack(StackName="stack")
    assert eventually(lambda: starts.num_running == 0, SECONDS)
    assert control.list_endpoints()["Endpoints"] == []


def job(model: str, **more: object) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://models/in/"}}
    return {
        "TransformJobName": "job",
        "ModelName": model,
        "TransformInput": {"DataSource": source, "ContentType": "audio/mp3"},
        "TransformOutput": {"S3OutputPath": "s3://models/out"},
        "TransformResources": {"InstanceType": "ml.c6i.large", "InstanceCount": 1},
        **more,
    }


def finished(control: BaseClient) -> dict[str, Any]:
    control.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="job", WaiterConfig=QUICK)
    described: dict[str, Any] = control.describe_transform_job(TransformJobName="job")
    return described


def test_a_job_is_done_by_its_models_own_server_and_variables(
    control: BaseClient, s3: BaseClient, starts: Starts
) -> None:
    s3.put_object(Bucket="models", Key="in/a.mp3", Body=b"x")
    url = put_archive(s3, "job.tar.gz", {"model.pt2": "Job"})
    create_model(control, "model", ModelDataUrl=url, Environment={"A": "model", "B": "model"})
    asked = job("model", Environment={"A": "job"}, BatchStrategy="MultiRecord", MaxConcurrentTransforms=2)
    asked["TransformOutput"]["AssembleWith"] = "Line"
    asked["TransformOutput"]["KmsKeyId"] = asked["TransformResources"]["VolumeKmsKeyId"] = "key"
    tags = [{"Key": "team", "Value": "sound"}]
    made = control.create_transform_job(**asked, Tags=tags)
    described = finished(control)
    assert asked.items() <= described.items()
    assert described["TransformJobStatus"] == "Completed"
    assert "FailureReason" not in described
    assert described["CreationTime"] <= described["TransformStartTime"] <= described["TransformEndTime"]
    assert control.list_tags(ResourceArn=made["TransformJobArn"])["Tags"] == tags
    ((variables, tag),) = starts.started
    assert (tag, variables["A"], variables["B"]) == ("Job", "job", "model")
    assert (variables["SAGEMAKER_BATCH"], variables["SAGEMAKER_BATCH_STRATEGY"]) == ("true", "MULTI_RECORD")
    written = s3.get_object(Bucket="models", Key="out/a.mp3.out")["Body"].read()
    assert (json.loads(written)["data"][0]["tags"][0]["name"], written[-1:]) == ("Job", b"\n")
    with pytest.raises(ClientError, match="Job name must be unique .* already exists") as refused:
        control.create_transform_job(**asked)
    assert code_of(refused) == ("ValidationException", 400)
    assert (
        control.list_transform_jobs(StatusEquals="Completed")["TransformJobSummaries"][0]["TransformJobName"] == "job"
    )


def test_a_job_is_stopped(control: BaseClient, s3: BaseClient, starts: Starts) -> None:
    s3.put_object(Bucket="models", Key="in/a.mp3", Body=b"x")
    create_model(control, "model")
    starts.gate.clear()
    control.create_transform_job(**job("model"))
    control.stop_transform_job(TransformJobName="job")
    assert control.describe_transform_job(TransformJobName="job")["TransformJobStatus"] == "Stopping"
    starts.gate.set()
    assert finished(control)["TransformJobStatus"] == "Stopped"
    assert "Contents" not in s3.list_objects_v2(Bucket="models", Prefix="out/")
    with pytest.raises(ClientError, match="in status Stopped"):
        control.stop_transform_job(TransformJobName="job")


def test_a_job_waits_for_memory_until_it_is_stopped(
    control: BaseClient, s3: BaseClient, starts: Starts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_sagemaker.fleet.WORKER_BYTES", 1 << 60)
    create_model(control, "model")
    control.create_transform_job(**job("model"))
    assert control.describe_transform_job(TransformJobName="job")["TransformJobStatus"] == "InProgress"
    control.stop_transform_job(TransformJobName="job")
    assert finished(control)["TransformJobStatus"] == "Stopped"
    assert starts.started == []


def test_a_job_whose_model_cannot_be_served_fails(control: BaseClient, s3: BaseClient) -> None:
    create_model(control, "model", ModelDataUrl=put_archive(s3, "bad.tar.gz", {"model.pt2": "broken"}))
    control.create_transform_job(**job("model"))
    with pytest.raises(WaiterError):
        finished(control)
    reason = control.describe_transform_job(TransformJobName="job")["FailureReason"]
    assert reason.startswith("AlgorithmError: The primary container did not pass the ping health check")


def test_a_manifest_names_its_objects(control: BaseClient, s3: BaseClient) -> None:
    for name in ("a.mp3", "deep/b c.mp3", "not-named.mp3"):
        s3.put_object(Bucket="models", Key=f"in/{name}", Body=b"x")
    manifest = [{"prefix": "s3://models/in/"}, "a.mp3", "deep/b c.mp3"]
    s3.put_object(Bucket="models", Key="manifest.json", Body=json.dumps(manifest))
    create_model(control, "model")
    asked = job("model")
    asked["TransformInput"]["DataSource"]["S3DataSource"] = {
        "S3DataType": "ManifestFile",
        "S3Uri": "s3://models/manifest.json",
    }
    control.create_transform_job(**asked)
    assert finished(control)["TransformJobStatus"] == "Completed"
    written = s3.list_objects_v2(Bucket="models", Prefix="out/")["Contents"]
    assert [each["Key"] for each in written] == ["out/a.mp3.out", "out/deep/b c.mp3.out"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"MaxConcurrentTransforms": 5, "MaxPayloadInMB": 21},
            "times MaxPayloadInMB .* is 105; it must not exceed 100",
        ),
        ({"MaxPayloadInMB": 101}, "must not exceed 100"),
        ({"DataProcessing": {"JoinSource": "Input"}}, "sound files are neither"),
        ({"DataProcessing": {"InputFilter": "$.a"}}, "sound files are neither"),
        ({"BatchStrategy": "Nonsense"}, r"'batchStrategy' failed to satisfy .*\[MultiRecord, SingleRecord\]"),
        ({"TransformInput": {"SplitType": "Line"}}, "SplitType Line divides"),
        ({"TransformInput": {"S3DataType": "AugmentedManifestFile"}}, "use S3Prefix or ManifestFile"),
        ({"ModelName": "nowhere"}, "Could not find model .*:model/nowhere"),
    ],
)
def test_jobs_that_are_refused(control: BaseClient, changed: dict[str, Any], message: str) -> None:
    create_model(control, "model")
    asked = job("model")
    source = asked["TransformInput"]["DataSource"]["S3DataSource"]
    for name, value in changed.items():
        if name == "TransformInput":
            source["S3DataType"] = value.get("S3DataType", "S3Prefix")
            asked["TransformInput"].update({key: each for key, each in value.items() if key == "SplitType"})
        else:
            asked[name] = value
    with pytest.raises(ClientError, match=message) as refused:
        control.create_transform_job(**asked)
    assert code_of(refused) == ("ValidationException", 400)
    assert control.list_transform_jobs()["TransformJobSummaries"] == []
