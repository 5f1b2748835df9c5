"""The archive that is served: where it lies, which model it holds, and how another model file takes its place."""

from __future__ import annotations

import argparse
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import IO

from deploy.errors import ServingError

TREE = Path(__file__).resolve().parent.parent
MODEL_NAME = "cochl-sense"
MODEL_STORE = TREE / "model_store"
# Where SageMaker unpacks the archive that ModelDataUrl names.
MODEL_FOLDER = Path("/opt/ml/model")
MANIFEST = "MAR-INF/MANIFEST.json"
# handler.model.file's METADATA_FILE, where torch.export puts extra files; importing that module would load torch.
METADATA = "/extra/sense.json"


def add_model_store(parser: argparse.ArgumentParser) -> None:
    """Adds --model-store to a command's arguments."""
    parser.add_argument(
        "--model-store", type=Path, default=MODEL_STORE, help="the folder with cochl-sense.mar (default: model_store)"
    )


def describe(model_store: Path, model_file: Path | None = None) -> str:
    """Returns the name and version of the model that will be served.

    Args:
        model_store: The folder with the archive.
        model_file: The model file that takes the place of the archive's own; None: none does.

    Raises:
        ServingError: The archive or the model file is absent or broken.
    """
    archive = model_store / f"{MODEL_NAME}.mar"
    if not archive.exists():
        raise ServingError(f"{archive} does not exist: make it with ./build_mar.sh --output {model_store}")
    if model_file is not None:
        with model_file.open("rb") as file:
            return _model_name(file, model_file.name)
    try:
        with zipfile.ZipFile(archive) as zipped:
            name = json.loads(zipped.read(MANIFEST))["model"]["serializedFile"]
            return _model_name(io.BytesIO(zipped.read(name)), f"{name} in {archive}")
    except (zipfile.BadZipFile, LookupError) as error:
        raise ServingError(f"{archive} is not a TorchServe archive: {error}") from None


def version(model_store: Path) -> str:
    """Returns the version that the archive was built from, setup.cfg's."""
    with zipfile.ZipFile(model_store / f"{MODEL_NAME}.mar") as zipped:
        return str(json.loads(zipped.read(MANIFEST))["model"]["modelVersion"])


def _model_name(file: IO[bytes], source: str) -> str:
    try:
        with zipfile.ZipFile(file) as zipped:
            (metadata,) = (name for name in zipped.namelist() if name.endswith(METADATA))
            fields = json.loads(zipped.read(metadata))
            return f"{fields['name']} {fields['version']}"
    except (zipfile.BadZipFile, LookupError, TypeError, ValueError) as error:
        raise ServingError(f"cannot serve: {source} is not a model file: {error}") from None


def find_model_file(folder: Path) -> Path | None:
    """Returns the only *.pt2 file in `folder` or one level below; None where the folder is absent or empty.

    build_mar.sh's model.tar.gz, which the stock toolkit takes, has a folder at its root.

    Raises:
        ServingError: There are several, or none among other files.
    """
    # A volume of its own brings lost+found along, and tar on a Mac files that begin with a dot.
    entries = sorted(path for path in folder.glob("[!.]*") if path.name != "lost+found")
    if not entries:
        return None
    files = sorted([*folder.glob("[!.]*.pt2"), *folder.glob("[!.]*/[!.]*.pt2")])
    if len(files) == 1:
        return files[0]
    found = ", ".join(str(file.relative_to(folder)) for file in files or entries)
    problem = "several model files" if files else "no model file"
    raise ServingError(f"{folder} holds {problem} ({found}): put exactly one model file (*.pt2) there")


def unpacked_with(archive: Path, model: Path, target: Path, user: str | None = None) -> Path:
    """Unpacks an archive with another model file in the place of its own.

    Args:
        archive: The .mar file.
        model: The model file.
        target: An existing folder.
        user: Who is to read it, and may not read what root has unpacked. None: the caller.

    Returns:
        The unpacked archive, which TorchServe loads as it is.
    """
    folder = target / archive.stem
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    name = json.loads((folder / MANIFEST).read_text())["model"]["serializedFile"]
    # A copy: if the file is replaced while it is served, a killed worker's successor must not serve another model.
    shutil.copyfile(model, folder / name)
    if user is not None:
        shutil.chown(folder / name, user, user)
    return folder
