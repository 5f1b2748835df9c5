"""Sensitivity on the wire -> the threshold of each tag, the probability from which it counts as heard.

Sensitivity is a whole number in [-2, 2]. Higher means more detections. Each step moves a tag's threshold by 1 on the
logit scale. Probabilities do not change::

    threshold(s) = sigmoid(logit(threshold(0)) - s)

So a step weighs as much near 0 as near 1, and raising sensitivity never removes a tag.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from handler.arrays import Floats
from handler.errors import BadRequestError
from handler.text import quoted

MIN_SENSITIVITY, MAX_SENSITIVITY = -2, 2
_RANGE = f"a whole number from {MIN_SENSITIVITY} to {MAX_SENSITIVITY}"
_EXAMPLE = '{"Siren": 2, "Speech": -2}'


@dataclass(frozen=True)
class Sensitivity:
    """How readily tags are reported.

    Attributes:
        default: In [-2, 2], for every tag that `by_tag` does not name.
        by_tag: Tag name to a number in [-2, 2]. Tags that the model does not know have no effect.
    """

    default: int = 0
    by_tag: Mapping[str, int] = field(default_factory=dict)

    def unknown_tags(self, known: Iterable[str]) -> list[str]:
        """Returns the names in `by_tag` that are not among `known`."""
        known_names = frozenset(known)
        return [name for name in self.by_tag if name not in known_names]


def parse_default(value: object, *, source: str) -> int:
    """Reads a default sensitivity.

    Args:
        value: Decimal text from a header or the environment, or a number from JSON.
        source: Its name in errors, such as the header's name.

    Raises:
        BadRequestError: `value` is not a whole number in [-2, 2].
    """
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]", value.strip()):
        value = int(value)
    return _checked(value, source)


def parse_by_tag(value: object, *, source: str) -> dict[str, int]:
    """Reads the sensitivities of single tags.

    Args:
        value: JSON text of an object, or that object, such as ``{"Siren": 2, "Speech": -2}``.
        source: Its name in errors, such as the header's name.

    Raises:
        BadRequestError: It is not a JSON object, or one of its values is not a whole number in [-2, 2].
    """
    by_tag = _loaded(value, source, example=_EXAMPLE) if isinstance(value, str) else value
    if not isinstance(by_tag, dict):
        raise BadRequestError(f"{source}: {quoted(value)} is not a JSON object of tags; send one such as {_EXAMPLE}")
    return {str(name): _checked(number, f"{source}, tag {quoted(name)}") for name, number in by_tag.items()}


def parse_thresholds(text: str, *, source: str) -> dict[str, float]:
    """Reads thresholds that replace those of the model.

    Args:
        text: JSON text of an object such as ``{"Siren": 0.4}``.
        source: Its name in errors, such as the variable's name.

    Raises:
        BadRequestError: It is not a JSON object, or a value is not a number between 0 and 1 (as float32).
    """
    by_tag = _loaded(text, source, example='{"Siren": 0.4}')
    if not isinstance(by_tag, dict):
        raise BadRequestError(
            f'{source}: {quoted(by_tag)} is not a JSON object of tags; set one such as {{"Siren": 0.4}}'
        )
    for name, value in by_tag.items():
        if not isinstance(value, int | float) or not 0 < value < 1 or not 0 < np.float32(value) < 1:
            raise BadRequestError(f"{source}, tag {quoted(name)}: threshold {quoted(value)} is not between 0 and 1")
    return by_tag


def replaced(defaults: Floats, tag_names: Sequence[str], own: Mapping[str, float]) -> Floats:
    """Returns a model's thresholds, float32 of shape (tags,), with an operator's own ones in their places."""
    return np.array([own.get(name, default) for name, default in zip(tag_names, defaults, strict=True)], np.float32)


def thresholds(defaults: Floats, tag_names: Sequence[str], sensitivity: Sensitivity) -> Floats:
    """Computes each tag's threshold.

    Args:
        defaults: float32 of shape (tags,), the model's thresholds at sensitivity 0, each in (0, 1).
        tag_names: The tags, in the same order.
        sensitivity: What the caller asked for.

    Returns:
        float32 of shape (tags,), in (0, 1); exactly `defaults` at sensitivity 0.
    """
    if sensitivity.default == 0 and not sensitivity.by_tag:
        return defaults
    steps = np.array([sensitivity.by_tag.get(name, sensitivity.default) for name in tag_names], np.float64)
    logits = np.log(defaults.astype(np.float64)) - np.log1p(-defaults.astype(np.float64)) - steps
    moved = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return np.where(steps == 0, defaults, moved)


def _loaded(text: str, source: str, *, example: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequestError(f"{source}: {quoted(text)} is not valid JSON; send an object such as {example}") from None


def _checked(value: object, source: str) -> int:
    # To Python a bool is an int, but true is not a sensitivity.
    if isinstance(value, int) and not isinstance(value, bool) and MIN_SENSITIVITY <= value <= MAX_SENSITIVITY:
        return value
    raise BadRequestError(f"{source}: sensitivity {quoted(value)} is not {_RANGE}")
