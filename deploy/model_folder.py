"""A model file that SageMaker has unpacked under /opt/ml/model takes the place of the bundled one."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

# Where SageMaker unpacks the archive that ModelDataUrl names.
MODEL_FOLDER = Path("/opt/ml/model")
MANIFEST = Path("MAR-INF") / "MANIFEST.json"


class ModelFolderError(Exception):
    """What lies in the folder is not one model file."""


def find_model_file(folder: Path) -> Path | None:
    """Returns the only *.pt2 file in `folder` or one level below; None where the folder is absent or empty.

    One level below, since build_mar.sh's model.tar.gz, which the stock toolkit takes, has a folder at its root.

    Raises:
        ModelFolderError: There are several, or none among other files.
    """
    # A volume of its own brings lost+found along, and tar on a Mac files that begin with a dot.
    entries = sorted(path for path in folder.glob("[!.]*") if path.name != "lost+found")
    if not entries:
        return None
    files = sorted([*folder.glob("[!.]*.pt2"), *folder.glob("[!.]*/[!.]*.pt2")])
    if len(files) == 1:
        return files[0]
    found = ", ".join(str(file.relative_to(folder)) for file in files or entries)
    wanted = "exactly one model file (*.pt2) is wanted there"
    raise ModelFolderError(f"{folder} holds {'several model files' if files else 'no model file'} ({found}); {wanted}")


def archive_with_model(archive: Path, model: Path, target: Path) -> Path:
    """Unpacks an archive with another model file in the place of its own.

    Args:
        archive: The .mar file.
        model: The model file; it is linked, not copied.
        target: An existing folder.

    Returns:
        The unpacked archive, which TorchServe loads as it is.
    """
    folder = target / archive.stem
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    name = json.loads((folder / MANIFEST).read_text())["model"]["serializedFile"]
    (folder / name).unlink()
    (folder / name).symlink_to(model)
    return folder
