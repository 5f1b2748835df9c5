"""Writes the settings into docs/tuning.md, as the code documents them. `make settings` runs this."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from deploy.archive import TREE
from deploy.container_settings import FRONT_PARSERS, PROFILES, ContainerSettings, read_container_settings
from handler.settings import PREFIX, Settings

PAGE = TREE / "docs" / "tuning.md"
BEGIN, END = "<!-- written by `make settings` -->", "<!-- end of what `make settings` writes -->"
FRONT_ONLY = "Only in the container and in `make serve` with nginx. "


def main() -> None:
    """Rewrites the page."""
    PAGE.write_text(with_settings(PAGE.read_text()))


def with_settings(page: str) -> str:
    """Returns the page's text with the settings as they are now between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, "", *settings_table(), "", *profiles_table(), "", END + after])


def settings_table() -> Iterator[str]:
    """Yields the lines of the table of variables."""
    yield "| variable | default | meaning |"
    yield "| --- | --- | --- |"
    defaults = vars(Settings())
    for attribute, meaning in documented(Settings).items():
        yield f"| `{PREFIX}{attribute.upper()}` | {shown(defaults[attribute])} | {meaning} |"
    of_front = documented(ContainerSettings)
    for variable in FRONT_PARSERS:
        attribute = variable.removeprefix(PREFIX).lower()
        default = shown(read_container_settings({}).profile if attribute == "profile" else None)
        yield f"| `{variable}` | {default} | {FRONT_ONLY}{of_front[attribute].removeprefix(f'{variable}, ')} |"


def profiles_table() -> Iterator[str]:
    """Yields the lines of the table of profiles."""
    yield "| `SENSE_PROFILE` | `SENSE_MAX_BODY_BYTES` | `SENSE_MAX_REQUESTS` | `SENSE_MAX_WORK_SECONDS` |"
    yield "| --- | --- | --- | --- |"
    for name, profile in PROFILES.items():
        yield f"| `{name}` | {profile.max_body_bytes} | {profile.max_requests} | {profile.max_work_seconds} |"


def documented(settings: type) -> dict[str, str]:
    """Returns the attributes of a class, as its docstring lists them, each with its text as Markdown."""
    attributes = (inspect.getdoc(settings) or "").partition("Attributes:\n")[2]
    entries = re.findall(r"^    (\w+): (.+?)(?=^    \w|\Z)", attributes, re.MULTILINE | re.DOTALL)
    return {name: linked(" ".join(text.split())) for name, text in entries}


def linked(text: str) -> str:
    """Makes links of the pages and modules that a text names in brackets."""
    text = re.sub(r"\(docs/([^)\s]+?)\)", lambda found: f"([{found[1].partition('#')[0]}]({found[1]}))", text)
    return re.sub(r"\((handler/[^)\s]+)\)", r"([\1](../\1))", text)


def shown(default: object) -> str:
    """Returns a default as it would stand in the environment."""
    if default is None:
        return ""
    return f"`{int(default) if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    main()
