"""A model file that SageMaker has unpacked under /opt/ml/model takes the place of the bundled one."""

from __future__ import annotations

import json
import shutil
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


def archive_with_model(archive: Path, model: Path, target: Path, user: str | None = None) -> Path:
    """Unpacks an archive with another model file in the place of its own.

    Args:
        archive: The .mar file.
        model: The model file.
        target: An existing folder.
        user: Who is to read it: it is copied, since what root has unpacked they may not; None: it is linked.

    Returns:
        The unpacked archive, which TorchServe loads as it is.
    """
    folder = target / archive.stem
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(folder)
    name = json.loads((folder / MANIFEST).read_text())["model"]["serializedFile"]
    (folder / name).unlink()
    if user is None:
        (folder / name).symlink_to(model)
    else:
        shutil.copyfile(model, folder / name)
        shutil.chown(folder / name, user, user)
    return folder
