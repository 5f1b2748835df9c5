"""Texts of the command line -> values."""

from __future__ import annotations

import math

import click

from sense_client.recording import RawFormat


def raw(text: str) -> RawFormat:
    """Reads ``rate=22050,format=s24le,channels=1``."""
    try:
        return RawFormat.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def names(text: str) -> tuple[str, ...]:
    """Reads ``Siren,Speech``."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def tag_sensitivity(text: str) -> tuple[str, int]:
    """Reads ``Siren=2``: a tag and a whole number from -2 to 2."""
    tag, _, number = text.rpartition("=")
    if not tag or number not in ("-2", "-1", "0", "1", "2", "+1", "+2"):
        raise click.BadParameter(f"{text!r} is not a tag and a whole number from -2 to 2, such as Siren=2")
    return tag, int(number)


def tag_margin(text: str) -> tuple[str, float]:
    """Reads ``Siren=2.5``: a tag and a number of seconds."""
    tag, _, number = text.rpartition("=")
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not tag or not 0 <= seconds < math.inf:
        raise click.BadParameter(f"{text!r} is not a tag and a number of seconds from 0 up, such as Siren=2.5")
    return tag, seconds
