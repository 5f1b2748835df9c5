"""A small Audio Spectrogram Transformer with random weights: as transformers saves it, and imported."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from benchmarks.options import BUILD
from catalogue.catalogue import load_catalogue
from importers.__main__ import main as import_checkpoint

FOLDER = BUILD / "small-ast"
# A quarter of the published network's width and a third of its layers; patches and input length are the published ones.
WIDTH, LAYERS, HEADS = 192, 4, 3


def saved() -> Path:
    """The folder as transformers saves it, made where it is not there yet."""
    if not FOLDER.exists():
        unfinished = FOLDER.with_name("small-ast-unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        _save(unfinished)
        unfinished.rename(FOLDER)
    return FOLDER


def imported() -> Path:
    """The same network as a model file.

    Raises:
        RuntimeError: It could not be imported; the importer has said why.
    """
    model = BUILD / "small-ast.pt2"
    if not model.exists() and import_checkpoint(["huggingface", str(saved()), "--output", str(model)]) != 0:
        raise RuntimeError("the small transformer could not be imported")
    return model


def _save(folder: Path) -> None:
    import transformers

    names = {each.index: each.name for each in load_catalogue().classes}
    torch.manual_seed(0)
    config = transformers.ASTConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        id2label=names,
        label2id={name: index for index, name in names.items()},
    )
    transformers.ASTForAudioClassification(config).eval().save_pretrained(folder)
    transformers.ASTFeatureExtractor().save_pretrained(folder)
