"""The pages: links that lead somewhere, commands and settings that exist, tags and figures of the bundled model."""

from __future__ import annotations

import configparser
import json
import re
import zipfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from deploy.container_settings import read_container_settings
from handler.media import SAMPLE_FORMATS, EncodedAudio, RawPcm
from handler.settings import PARSERS, Settings, SettingsError
from handler.wire.content_type import parse_content_type
from scripts.settings_page import with_settings
from tests.conftest import TREE
from training.judging.recordings_report import means

PAGES = sorted([*TREE.glob("*.md"), *TREE.glob("docs/**/*.md")])
README, FORMATS, TUNING = TREE / "README.md", TREE / "docs" / "formats.md", TREE / "docs" / "tuning.md"
SAGEMAKER = TREE / "docs" / "sagemaker.md"
NAMES = [str(page.relative_to(TREE)) for page in PAGES]


def linked(page: Path) -> list[str]:
    """The relative links of a page, pictures too."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    return [target for target in targets if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(page: Path, header: str) -> list[list[str]]:
    """The cells of the table whose header line begins with `header`."""
    table = page.read_text().partition(f"\n{header}")[2].split("\n\n")[0].splitlines()[2:]
    assert table, f"{page.name} has no table {header}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in linked(page):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors(file), f"{target}: no such heading"


def test_every_page_is_linked_from_the_readme_or_from_a_page_that_it_links() -> None:
    reached, new = {README}, [README]
    while new:
        page = new.pop()
        found = {(page.parent / target.partition("#")[0]).resolve() for target in linked(page)} - reached
        new += [file for file in found if file.suffix == ".md"]
        reached |= found
    assert [name for page, name in zip(PAGES, NAMES, strict=True) if page not in reached] == []


def known_variables() -> set[str]:
    """All SENSE_ variables of the container, which names them when it refuses one."""
    with pytest.raises(SettingsError) as refused:
        read_container_settings({"SENSE_NONE": ""})
    return set(re.findall("SENSE_[A-Z_]+", str(refused.value))) - {"SENSE_NONE"}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_pages_name_settings_that_exist(page: Path) -> None:
    assert set(re.findall("SENSE_[A-Z][A-Z_]*", page.read_text())) <= known_variables()


def test_the_page_on_tuning_has_every_setting_with_its_default() -> None:
    listed = {name.strip("`"): default.strip("`") for name, default, _ in rows(TUNING, "| variable |")}
    assert {name for name in listed if name.startswith("SENSE_")} == known_variables()
    defaults = {f"SENSE_{name.upper()}": value for name, value in vars(Settings()).items()}
    assert defaults.keys() == PARSERS.keys()
    written = {None: "", False: "0"}
    assert {name: listed[name] for name in defaults} == {
        name: written[value] if value is None or value is False else str(value) for name, value in defaults.items()
    }


def test_the_page_on_tuning_has_what_the_code_says_of_settings() -> None:
    assert with_settings(TUNING.read_text()) == TUNING.read_text(), "run `make settings`"


def test_the_page_on_sagemaker_has_every_parameter_of_the_templates() -> None:
    parameters = {
        (name, template.stem, str(parameter.get("Default", "")))
        for template in (TREE / "deploy" / "cloudformation").glob("*.yaml")
        for name, parameter in cfn_yaml.load(template)["Parameters"].items()
    }
    listed = set()
    for names, templates, default, _ in rows(SAGEMAKER, "| parameter |"):
        stems = templates.split(", ")
        defaults = default.replace("`", "").split(", ")
        pairs = zip(stems, defaults if len(defaults) > 1 else defaults * len(stems), strict=True)
        listed |= {(name, stem, value) for stem, value in pairs for name in re.findall(r"\w+", names)}
    assert listed == parameters


def commands(page: Path) -> Iterator[str]:
    """The code of a page: its blocks' lines and what stands in backquotes."""
    text = re.sub("```.*?```", "", page.read_text(), flags=re.DOTALL)
    yield from re.findall(r"^    (.+)$", text, re.MULTILINE)
    yield from re.findall("`([^`]+)`", text)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_name_targets_and_modules_that_exist(page: Path) -> None:
    targets = set(re.findall("^([a-z-]+):", (TREE / "Makefile").read_text(), re.MULTILINE))
    for command in commands(page):
        make = re.match(r"make ([a-z-]+)", command)
        assert make is None or make[1] in targets, command
        module = re.match(r"(?:\S+/)?python -m ([a-z_.]+)", command)
        if module and module[1].partition(".")[0] not in ("pytest", "venv", "pip"):
            path = TREE.joinpath(*module[1].split("."))
            assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), command


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """What the bundled model file says about itself."""
    with zipfile.ZipFile(TREE / "model" / "model.pt2") as parts:
        (name,) = (name for name in parts.namelist() if name.endswith("sense.json"))
        description: dict[str, Any] = json.loads(parts.read(name))
    return description


def test_the_readme_lists_the_models_tags_by_category(described: dict[str, Any]) -> None:
    listed = {category: tags.split(", ") for category, tags in rows(README, "| category |")}
    tags = sorted(described["tags"], key=lambda tag: str(tag["category"]))
    expected = {
        category: {tag["name"] for tag in group} for category, group in groupby(tags, lambda tag: tag["category"])
    }
    assert {category: set(names) for category, names in listed.items()} == expected
    assert sum(map(len, listed.values())) == len(tags)
    first_lines = "\n".join(README.read_text().splitlines()[:40])
    assert f"these {len(tags)} tags" in first_lines
    assert all(tag["name"] in first_lines for tag in tags)


@pytest.mark.parametrize("page", [README, TREE / "docs" / "model.md"], ids=lambda page: page.name)
def test_figures_of_the_model_are_those_of_its_reports(page: Path, described: dict[str, Any]) -> None:
    text = " ".join(page.read_text().split())
    report = json.loads((TREE / "model" / "recordings.json").read_text())
    judge = report["sets"]["judge"]
    figures = judge["models"][f"{report['model']} {report['version']}"]
    mean = means(figures, {each["tag"] for each in figures})
    assert f"{judge['clips']:,} recordings" in text
    assert f"{len(figures)} tags" in text
    assert f"area under the ROC curve {mean['area_under_curve']:.2f}" in text
    assert f"finds {100 * mean['recall']:.0f} % with {100 * mean['false_alarms']:.1f} % false alarms" in text
    if page != README:
        assert f"{described['name']} {described['version']}" in text


def test_the_page_on_formats_lists_types_and_formats_that_are_served() -> None:
    for types, body in rows(FORMATS, "| Content-Type |"):
        media = RawPcm if body.startswith("raw") else EncodedAudio
        examples = [each.replace("...", "any") for each in re.findall("`([^`]+)`", types)]
        assert all(isinstance(parse_content_type(each), media) for each in examples)
    listed = [name for cells in rows(FORMATS, "| format |") for name in re.findall("`([^`]+)`", cells[0])]
    assert sorted(listed) == sorted(SAMPLE_FORMATS)


def test_the_last_released_version_is_the_packages() -> None:
    configuration = configparser.ConfigParser()
    configuration.read(TREE / "setup.cfg")
    released = re.findall(r"^## (\d\S*)", (TREE / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == configuration["metadata"]["version"]
