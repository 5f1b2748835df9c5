"""Checks a request against AWS's own description of the operation, which botocore brings along."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

JSON_TYPES = {"structure": dict, "map": dict, "list": list, "string": str, "integer": int, "long": int, "boolean": bool}


def violations(service: str, operation: str, asked: Mapping[str, Any]) -> str | None:
    """Returns which constraints a request breaks: members, types, enumerations, patterns, lengths, ranges; or None.

    Args:
        service: sagemaker or sagemaker-runtime.
        operation: As in CreateModel.
        asked: The request's members.
    """
    shape = _service(service).operation_model(operation).input_shape
    found = list(_violations(shape, asked, "")) if shape else []
    if not found:
        return None
    return f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: {'; '.join(found)}"


def from_headers(operation: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Returns the members of a request of the runtime API that stand in headers.

    Args:
        operation: As in InvokeEndpoint.
        headers: The request's, names in lower case. A number that is none stays a text.
    """
    members = _service("sagemaker-runtime").operation_model(operation).input_shape.members
    found = {}
    for name, shape in members.items():
        text = headers.get(shape.serialization.get("name", name).lower())
        if shape.serialization.get("location") == "header" and text is not None:
            found[name] = int(text) if shape.type_name == "integer" and text.isdecimal() else text
    return found


@functools.cache
def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


def _violations(shape: Shape, value: object, path: str) -> Iterator[str]:
    if not isinstance(value, JSON_TYPES.get(shape.type_name, object)):
        yield f"Value {value!r} at '{path}' is not of the type {shape.type_name}"
    elif isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _members(shape, value, path)
    elif isinstance(shape, ListShape | MapShape) and isinstance(value, list | dict):
        yield from _range(shape, len(value), value, path, "length")
        member = shape.member if isinstance(shape, ListShape) else shape.value
        for key, item in value.items() if isinstance(value, dict) else enumerate(value, 1):
            yield from _violations(member, item, f"{path}.{key}.member")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _text(shape, value, path)
    elif isinstance(value, int | float):
        yield from _range(shape, value, value, path, "value")


def _members(shape: StructureShape, value: Mapping[str, object], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _failed(None, _join(path, name), "Member must not be null")
    for name, item in value.items():
        if name in shape.members and item is not None:
            yield from _violations(shape.members[name], item, _join(path, name))


def _text(shape: StringShape, value: str, path: str) -> Iterator[str]:
    # New types of instances come faster than new releases of botocore. Any will do here.
    if shape.enum and value not in shape.enum and not shape.name.endswith("InstanceType"):
        yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    yield from _range(shape, len(value), value, path, "length")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:  # Java's \\p{L}, which tags alone use
        return True


def _range(shape: Shape, number: float, value: object, path: str, what: str) -> Iterator[str]:
    lowest, highest = shape.metadata.get("min"), shape.metadata.get("max")
    if lowest is not None and number < lowest:
        yield _failed(value, path, f"Member must have {what} greater than or equal to {lowest}")
    if highest is not None and number > highest:
        yield _failed(value, path, f"Member must have {what} less than or equal to {highest}")


def _failed(value: object, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _join(path: str, name: str) -> str:
    lower = name[0].lower() + name[1:]
    return f"{path}.{lower}" if path else lower
