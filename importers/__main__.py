"""The command: `python -m importers {efficientat,panns,huggingface} SOURCE --output model.pt2`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from catalogue.catalogue import Catalogue, load_catalogue
from importers import efficientat, huggingface, panns
from importers.checkpoint import read_state_dict
from importers.errors import ImporterError
from importers.labels import (
    EXCLUSIVE_THRESHOLD,
    INDEPENDENT_THRESHOLD,
    catalogue_tags,
    default_labels,
    is_audioset,
    label_tags,
    read_labels,
    with_thresholds,
)
from importers.model_file import Imported, windows_per_core_second, write_model_file
from importers.served import OutputTag

EXAMPLES = """examples:
  python -m importers efficientat mn10_as_mAP_471.pt --output model/mn10.pt2
  python -m importers panns Cnn14_16k_mAP=0.438.pth --output model/cnn14.pt2
  python -m importers huggingface ast-finetuned-audioset-10-10-0.4593 --output model/ast.pt2
  make serve MODEL=model/mn10.pt2

docs/importing.md says where the checkpoints are and under which licences."""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    command = argparse.ArgumentParser(
        "python -m importers",
        description="Turn a public checkpoint into a model file that the handler serves in 2 s windows every 1 s.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    kinds = command.add_subparsers(dest="kind", required=True, metavar="{efficientat,panns,huggingface}")
    _add_efficientat(kinds)
    cnn14 = kinds.add_parser("panns", help="PANNs' Cnn14: 32, 16 or 8 kHz, which the file says itself")
    _add_shared(cnn14, "CHECKPOINT", "the .pth file")
    folder = kinds.add_parser("huggingface", help="a folder of an audio classification model (AST, wav2vec 2.0, ...)")
    _add_shared(folder, "FOLDER", "with config.json, preprocessor_config.json and the weights")
    folder.add_argument(
        "--activation",
        choices=("sigmoid", "softmax"),
        help="softmax: classes exclude each other. Default: as problem_type in config.json says; without one, sigmoid "
        "for AudioSet's classes and softmax for others",
    )
    return command


def _add_efficientat(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    mobile = kinds.add_parser(
        "efficientat",
        help="EfficientAT's MobileNets: mn04_as, mn10_as, mn20_as, ...",
        description="Bands, hop and strides are read off the published file names; say them for a renamed file.",
    )
    _add_shared(mobile, "CHECKPOINT", "the .pt file")
    mobile.add_argument("--mels", type=_count, metavar="N", help="mel bands (default 128)")
    mobile.add_argument("--hop-ms", type=_count, metavar="N", help="milliseconds from frame to frame (default 10)")
    mobile.add_argument(
        "--strides", type=int, choices=(1, 2), nargs=4, metavar="N", help="of blocks 2, 4, 7, 13 (default 2 2 2 2)"
    )


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 1000):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 1000")
    return int(text)


def _model_file(text: str) -> Path:
    if not text.endswith(".pt2"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end in .pt2, by which PyTorch knows its format")
    return Path(text)


def _add_shared(command: argparse.ArgumentParser, source: str, source_help: str) -> None:
    command.add_argument("source", type=Path, metavar=source, help=source_help)
    command.add_argument(
        "--output", type=_model_file, required=True, metavar="FILE", help="the model file to write (.pt2)"
    )
    command.add_argument("--name", help="the model's name in its metadata (default: of the checkpoint)")
    command.add_argument("--model-version", default="1.0", metavar="V", help="the model's version (default: 1.0)")
    command.add_argument(
        "--labels", type=Path, metavar="FILE", help="names of the outputs where they are not AudioSet's"
    )
    command.add_argument(
        "--tags",
        choices=("catalogue", "labels"),
        help="answer with Cochl.Sense's tags or the network's own labels (default: catalogue where nearly all of "
        "AudioSet's classes are there)",
    )
    command.add_argument("--thresholds", type=Path, metavar="FILE", help='JSON {"Siren": 0.4, ...}: other thresholds')


def run(options: argparse.Namespace) -> None:
    """Imports what the options say.

    Raises:
        ImporterError: Something does not fit.
    """
    catalogue = load_catalogue()
    read = {"efficientat": _read_efficientat, "panns": _read_panns, "huggingface": _read_huggingface}[options.kind]
    imported = read(options, catalogue)
    model = write_model_file(imported, options.output)
    print(
        f"{options.output}: {imported.name}, {len(imported.tags)} tags, {imported.sample_rate} Hz, "
        f"{options.output.stat().st_size / 1e6:.1f} MB\n"
        f"{windows_per_core_second(model):.3g} windows per second on one core of this machine's processor\n"
        f"serve it: make serve MODEL={options.output}"
    )


def _read_efficientat(options: argparse.Namespace, catalogue: Catalogue) -> Imported:
    weights = read_state_dict(options.source)
    published = efficientat.variant_of(options.source.name)
    variant = efficientat.Variant(
        num_mels=options.mels or published.num_mels,
        hop_milliseconds=options.hop_ms or published.hop_milliseconds,
        strides=tuple(options.strides or published.strides),
    )
    network = efficientat.EfficientAt(weights, variant)
    labels = _labels(options, network.classes, catalogue)
    tags = _tags(options, labels, catalogue, exclusive=False)
    return Imported(
        name=options.name or options.source.stem,
        version=options.model_version,
        sample_rate=network.mel.SAMPLE_RATE,
        network=network,
        tags=tags,
        origin=f"EfficientAT checkpoint {options.source.name}",
    )


def _read_panns(options: argparse.Namespace, catalogue: Catalogue) -> Imported:
    network = panns.Panns(read_state_dict(options.source))
    labels = _labels(options, network.classes, catalogue)
    return Imported(
        name=options.name or options.source.stem,
        version=options.model_version,
        sample_rate=network.sample_rate,
        network=network,
        tags=_tags(options, labels, catalogue, exclusive=False),
        origin=f"PANNs checkpoint {options.source.name}",
    )


def _read_huggingface(options: argparse.Namespace, catalogue: Catalogue) -> Imported:
    classifier = huggingface.read_folder(options.source)
    labels = read_labels(options.labels) if options.labels else classifier.labels
    if len(labels) != len(classifier.labels):
        raise ImporterError(f"{options.labels} names {len(labels)} outputs, the model has {len(classifier.labels)}")
    exclusive = _is_exclusive(options.activation, classifier, labels, catalogue)
    print(
        f"importers: {'softmax: classes exclude' if exclusive else 'sigmoid: classes do not exclude'} each other; "
        "--activation changes that",
        file=sys.stderr,
    )
    return Imported(
        name=options.name or options.source.resolve().name,
        version=options.model_version,
        sample_rate=classifier.sample_rate,
        network=huggingface.Activated(classifier.model, exclusive=exclusive),
        tags=_tags(options, labels, catalogue, exclusive=exclusive),
        origin=f"Hugging Face model {options.source.resolve().name}",
    )


def _is_exclusive(
    activation: str | None, classifier: huggingface.Classifier, labels: Sequence[str], catalogue: Catalogue
) -> bool:
    if activation:
        return activation == "softmax"
    if classifier.exclusive is not None:
        return classifier.exclusive
    return not is_audioset(labels, catalogue)


def _labels(options: argparse.Namespace, classes: int, catalogue: Catalogue) -> tuple[str, ...]:
    labels = read_labels(options.labels) if options.labels else default_labels(classes, catalogue)
    if len(labels) != classes:
        raise ImporterError(f"{options.labels} names {len(labels)} outputs, the network has {classes}")
    return labels


def _tags(
    options: argparse.Namespace, labels: Sequence[str], catalogue: Catalogue, *, exclusive: bool
) -> tuple[OutputTag, ...]:
    kind = options.tags or ("catalogue" if is_audioset(labels, catalogue) else "labels")
    if kind == "catalogue":
        tags = catalogue_tags(labels, catalogue)
    else:
        tags = label_tags(labels, EXCLUSIVE_THRESHOLD if exclusive else INDEPENDENT_THRESHOLD)
    return with_thresholds(tags, options.thresholds) if options.thresholds else tags


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    try:
        run(parser().parse_args(arguments))
    except ImporterError as failure:
        print(f"importers: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
