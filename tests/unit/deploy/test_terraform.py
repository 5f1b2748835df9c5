"""The Terraform module, read by a parser of HCL: held to the AWS provider's schema and to the other templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import hcl2
import pytest
from cfnlint.decode import cfn_yaml

from deploy.archive import TREE
from tests.support.terraform_schema import SCHEMA

MODULE = TREE / "deploy" / "terraform"
FILES = sorted(MODULE.glob("*.tf"))
TEXT = "\n".join(file.read_text() for file in FILES)
TEMPLATES = TREE / "deploy" / "cloudformation"
# Terraform's own arguments of every resource.
META = {"count", "for_each", "lifecycle", "depends_on", "dynamic"}
Block = Mapping[str, Any]


def parsed(text: str) -> dict[str, Any]:
    options = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
    found: dict[str, Any] = hcl2.loads(text, serialization_options=options)
    return found


def module() -> dict[str, list[Block]]:
    """Returns the module's blocks by their kind: resource, data, variable, locals, output, terraform."""
    blocks: dict[str, list[Block]] = {}
    for file in FILES:
        for kind, found in parsed(file.read_text()).items():
            blocks.setdefault(kind, []).extend(found)
    return blocks


BLOCKS = module()


def named(kind: str) -> Iterator[tuple[str, str, Block]]:
    """Yields type, name and body of each resource or data source."""
    for block in BLOCKS[kind]:
        for of_type, bodies in block.items():
            yield from ((of_type, name, body) for name, body in bodies.items())


RESOURCES = list(named("resource"))
SERVED = [item for item in [*RESOURCES, *named("data")] if item[0] in json.loads(SCHEMA.read_text())]


def labelled(kind: str) -> dict[str, Block]:
    """Returns the bodies of variables or outputs by their names."""
    return {name: body for block in BLOCKS[kind] for name, body in block.items()}


def given(body: Block) -> dict[str, list[Block]]:
    """Returns a block's arguments and nested blocks, dynamic ones among them, by name; a value has no blocks."""
    static = {
        name: [inner for inner in value if isinstance(inner, Mapping)] if isinstance(value, list) else []
        for name, value in body.items()
        if name not in META
    }
    for dynamic in body.get("dynamic", []):
        for name, inner in dynamic.items():
            static.setdefault(name, []).extend(inner["content"])
    return static


def problems(body: Block, allowed: Block, where: str) -> Iterator[str]:
    """Yields what the provider would refuse."""
    present = given(body)
    yield from (f"{where}.{name} is unknown" for name in present.keys() - allowed.keys())
    yield from (f"{where}.{name} is missing" for name, a in allowed.items() if a["required"] and name not in present)
    for name in present.keys() & allowed.keys():
        for inner in present[name] if allowed[name]["block"] else ():
            yield from problems(inner, allowed[name]["block"], f"{where}.{name}")


@pytest.mark.parametrize(("of_type", "name", "body"), SERVED, ids=[f"{item[0]}.{item[1]}" for item in SERVED])
def test_the_provider_knows_every_argument(of_type: str, name: str, body: Block) -> None:
    assert list(problems(body, json.loads(SCHEMA.read_text())[of_type], f"{of_type}.{name}")) == []


def test_all_resources_were_judged() -> None:
    assert {item[0] for item in RESOURCES} <= {item[0] for item in SERVED}


def test_the_judge_sees_a_wrong_name_and_a_missing_one() -> None:
    allowed = json.loads(SCHEMA.read_text())["aws_sagemaker_endpoint_configuration"]
    wrong = parsed('production_variants {\n  modle_name = "m"\n}\n')
    assert sorted(problems(wrong, allowed, "x")) == ["x.production_variants.modle_name is unknown"]
    assert list(problems({}, allowed, "x")) == ["x.production_variants is missing"]


def test_every_name_that_is_used_is_declared_and_every_variable_is_used() -> None:
    code = re.sub(r"#.*", "", TEXT)
    variables, values = labelled("variable"), {name for block in BLOCKS["locals"] for name in block}
    assert set(re.findall(r"\bvar\.(\w+)", code)) == set(variables)
    assert set(re.findall(r"\blocal\.(\w+)", code)) == values
    declared = {f"{of_type}.{name}" for of_type, name, _ in RESOURCES}
    declared |= {f"data.{of_type}.{name}" for of_type, name, _ in named("data")}
    assert set(re.findall(r"(?<![\w.])((?:data\.)?aws_\w+\.\w+)", code)) <= declared


def test_defaults_are_those_of_the_templates() -> None:
    parameters: dict[str, Any] = {}
    for stem in ("role", "batch", "async", "realtime"):
        parameters |= cfn_yaml.load(TEMPLATES / f"{stem}.yaml")["Parameters"]
    shared = {}
    for name, body in labelled("variable").items():
        parameter = parameters.get(name.title().replace("_", ""))
        if parameter and "default" in body:
            default = body["default"]
            shared[name] = ("" if default in (None, "null", []) else default, parameter.get("Default", ""))
    assert len(shared) > 10
    assert {name: pair for name, pair in shared.items() if name != "capture_percent" and pair[0] != pair[1]} == {}


def test_alarms_are_those_of_the_templates() -> None:
    fields = {"namespace": "Namespace", "period": "Period", "threshold": "Threshold", "statistic": "Statistic"}
    fields |= {"comparison_operator": "ComparisonOperator", "treat_missing_data": "TreatMissingData"}
    expected: dict[str, list[Block]] = {}
    for stem in ("async", "realtime"):
        for resource in cfn_yaml.load(TEMPLATES / f"{stem}.yaml")["Resources"].values():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                expected.setdefault(resource["Properties"]["MetricName"], []).append(resource["Properties"])
    alarms = {body["metric_name"]: body for kind, _, body in RESOURCES if kind == "aws_cloudwatch_metric_alarm"}
    assert alarms.keys() == expected.keys()
    for metric, body in alarms.items():
        for alarm in expected[metric]:
            for own, theirs in fields.items():
                value = body.get(own)
                # The period of the errors depends on the kind of endpoint.
                assert value == alarm.get(theirs) or str(alarm.get(theirs)) in str(value), (metric, own)


def test_no_statement_allows_every_action() -> None:
    documents = [body for of_type, _, body in named("data") if of_type == "aws_iam_policy_document"]
    statements = [statement for body in documents for statement in given(body)["statement"]]
    actions = [action for statement in statements for action in statement["actions"]]
    assert len(actions) > 20
    assert [action for action in actions if "*" in action] == []
    everywhere = [statement for statement in statements if statement.get("resources") == ["*"]]
    assert len(everywhere) == 3
