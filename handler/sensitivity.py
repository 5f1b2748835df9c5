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
        value: JSON text of an object, or that object, such as ``{"Siren": 2, "Laughter": -2}``.
        source: Its name in errors, such as the header's name.

    Raises:
        BadRequestError: It is not a JSON object, or one of its values is not a whole number in [-2, 2].
    """
    by_tag = _loaded(value, source) if isinstance(value, str) else value
    if not isinstance(by_tag, dict):
        raise BadRequestError(
            f'{source}: {quoted(value)} is not a JSON object of tags; send one such as {{"Siren": 2, "Laughter": -2}}'
        )
    return {str(name): _checked(number, f"{source}, tag {quoted(name)}") for name, number in by_tag.items()}


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


def _loaded(text: str, source: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequestError(
            f'{source}: {quoted(text)} is not valid JSON; send an object such as {{"Siren": 2, "Laughter": -2}}'
        ) from None


def _checked(value: object, source: str) -> int:
    # To Python a bool is an int, but true is not a sensitivity.
    if isinstance(value, int) and not isinstance(value, bool) and MIN_SENSITIVITY <= value <= MAX_SENSITIVITY:
        return value
    raise BadRequestError(f"{source}: sensitivity {quoted(value)} is not {_RANGE}")
