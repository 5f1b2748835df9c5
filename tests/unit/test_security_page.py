"""docs/security.md: versions and files that it names."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import ts

from tests.conftest import TREE

PAGE = (TREE / "docs" / "security.md").read_text()


def test_versions_are_those_in_torchserves_jar() -> None:
    with zipfile.ZipFile(Path(ts.__file__).parent / "frontend" / "model-server.jar") as jar:
        netty = jar.read("META-INF/io.netty.versions.properties").decode()
        log4j = jar.read("META-INF/DEPENDENCIES").decode()
        grpc = jar.read("io/grpc/internal/GrpcUtil.class")
        gson = jar.read("com/google/gson/internal/GsonBuildConfig.class")
        assert "org/yaml/snakeyaml/inspector/TagInspector.class" in jar.namelist()  # new in snakeyaml 2.0
    (netty_version,) = re.findall(r"^netty-codec-http\.version=(\S+)$", netty, re.MULTILINE)
    (log4j_version,) = re.findall(r"log4j-core:jar:(\S+)", log4j)
    assert f"| netty in it | {netty_version} |" in PAGE
    assert f"| log4j in it | {log4j_version} |" in PAGE
    for name, code in (("gRPC", grpc), ("gson", gson)):
        (version,) = set(re.findall(rb"\d+\.\d+\.\d+", code))
        assert f"| {name} in it | {version.decode()} |" in PAGE
    assert f"| TorchServe | {ts.__version__.strip()}, the last one |" in PAGE


def test_files_that_the_page_names_exist() -> None:
    names = re.findall(r"`((?:tests|deploy)/[^`\s]+)`", PAGE)
    assert len(names) >= 8
    assert [name for name in names if not (TREE / name).exists()] == []


def test_the_log_goes_to_the_console_by_a_pattern() -> None:
    (appender,) = ElementTree.parse(TREE / "log4j2.xml").getroot().iter("Appenders")
    assert [[part.tag for part in each.iter()] for each in appender] == [["Console", "PatternLayout"]]


def test_the_container_runs_as_a_user_without_a_shell() -> None:
    assert "useradd --system --no-create-home --shell /usr/sbin/nologin sense" in (TREE / "Dockerfile").read_text()
    assert "--user sense" in (TREE / "deploy" / "docker-entrypoint.sh").read_text()


def test_torchserve_registers_nothing_at_run_time() -> None:
    configuration = (TREE / "config.properties").read_text().splitlines()
    assert {"enable_model_api=false", "allowed_urls=file://.*", "install_py_dep_per_model=false"} <= set(configuration)
    assert all("//127.0.0.1:" in line for line in configuration if re.match(r"\w+_address=", line))
