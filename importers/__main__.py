"""The command: `python -m importers {efficientat,panns,huggingface,fetch} SOURCE --output FILE`, and `calibrate`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from catalogue.catalogue import Catalogue, load_catalogue, load_thresholds
from importers import efficientat, huggingface, panns
from importers.calibrate import calibrate
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
from importers.published import PUBLISHED, default_cache, fetch
from importers.served import OutputTag

EXAMPLES = """examples:
  python -m importers efficientat mn10_as_mAP_471.pt --output model/mn10.pt2
  python -m importers panns Cnn14_16k_mAP=0.438.pth --output model/cnn14.pt2
  python -m importers huggingface ast-finetuned-audioset-10-10-0.4593 --output model/ast.pt2
  python -m importers fetch efficientat-mn10 --output model/mn10.pt2
  python -m importers calibrate model/mn10.pt2 my-recordings
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
    kinds = command.add_subparsers(
        dest="kind", required=True, metavar="{efficientat,panns,huggingface,fetch,calibrate}"
    )
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
    _add_fetch(kinds)
    _add_calibrate(kinds)
    return command


def _add_fetch(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = kinds.add_parser("fetch", help="a published checkpoint by name: downloaded once, checked, imported")
    command.add_argument("name", help=f"one of {', '.join(PUBLISHED)}")
    _add_output(command)
    command.add_argument("--from", dest="base_url", default="", metavar="URL", help="another place with these files")
    command.add_argument(
        "--cache", type=Path, default=default_cache(), metavar="FOLDER", help="keeps downloads (default: %(default)s)"
    )


def _add_calibrate(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = kinds.add_parser(
        "calibrate",
        help="set a model file's thresholds by your labelled recordings",
        description="Writes into MODEL the thresholds that 2 % of the recordings without a tag reach.",
    )
    command.add_argument("model", type=_model_file, metavar="MODEL", help="the model file (.pt2), which is replaced")
    command.add_argument(
        "recordings", type=Path, metavar="RECORDINGS", help="folders named after tags, or a list (docs/importing.md)"
    )
    command.add_argument("--split", default="", help="only this part of a list")
    command.add_argument("--every-tag", action="store_true", help="also tags that no recording has")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the thresholds as JSON, too")


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
    _add_output(command)
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


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--output", type=_model_file, required=True, metavar="FILE", help="the model file to write (.pt2)"
    )


def run(options: argparse.Namespace) -> None:
    """Does what the options say.

    Raises:
        ImporterError: Something does not fit.
    """
    {"fetch": _fetch, "calibrate": _calibrate}.get(options.kind, _import)(options)


def _fetch(options: argparse.Namespace) -> None:
    if options.name not in PUBLISHED:
        raise ImporterError(f"{options.name!r} is no published checkpoint that is known here: {', '.join(PUBLISHED)}")
    published = PUBLISHED[options.name]
    if published.family == "huggingface":
        huggingface.require_transformers()
    source = fetch(published, options.cache, options.base_url)
    _import(parser().parse_args([published.family, str(source), "--output", str(options.output)]))


def _calibrate(options: argparse.Namespace) -> None:
    found = calibrate(options.model, options.recordings, split=options.split, every_tag=options.every_tag)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"thresholds written to {options.model}: {len(found)}")


def _import(options: argparse.Namespace) -> None:
    catalogue = load_catalogue()
    read = {"efficientat": _read_efficientat, "panns": _read_panns, "huggingface": _read_huggingface}[options.kind]
    imported = read(options, catalogue)
    model = write_model_file(imported, options.output)
    print(
        f"{options.output}: {imported.name}, {len(imported.tags)} tags, {imported.sample_rate} Hz, "
        f"{options.output.stat().st_size / 1e6:.1f} MB\n"
        f"{windows_per_core_second(model):.3g} windows per second on one core of this machine's processor\n"
        f"thresholds: {imported.thresholds}\n"
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
    tags, thresholds = _tags(options, labels, catalogue, exclusive=False)
    return Imported(
        name=options.name or options.source.stem,
        version=options.model_version,
        sample_rate=network.mel.SAMPLE_RATE,
        network=network,
        tags=tags,
        origin=f"EfficientAT checkpoint {options.source.name}",
        thresholds=thresholds,
    )


def _read_panns(options: argparse.Namespace, catalogue: Catalogue) -> Imported:
    network = panns.Panns(read_state_dict(options.source))
    labels = _labels(options, network.classes, catalogue)
    tags, thresholds = _tags(options, labels, catalogue, exclusive=False)
    return Imported(
        name=options.name or options.source.stem,
        version=options.model_version,
        sample_rate=network.sample_rate,
        network=network,
        tags=tags,
        origin=f"PANNs checkpoint {options.source.name}",
        thresholds=thresholds,
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
    tags, thresholds = _tags(options, labels, catalogue, exclusive=exclusive)
    return Imported(
        name=options.name or options.source.resolve().name,
        version=options.model_version,
        sample_rate=classifier.sample_rate,
        network=huggingface.Activated(classifier.model, exclusive=exclusive),
        tags=tags,
        origin=f"Hugging Face model {options.source.resolve().name}",
        thresholds=thresholds,
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
) -> tuple[tuple[OutputTag, ...], str]:
    """The tags, and where their thresholds come from."""
    kind = options.tags or ("catalogue" if is_audioset(labels, catalogue) else "labels")
    if kind == "catalogue":
        measured = load_thresholds(options.kind)
        tags, note = catalogue_tags(labels, catalogue, measured.by_tag), measured.note
    else:
        flat = EXCLUSIVE_THRESHOLD if exclusive else INDEPENDENT_THRESHOLD
        tags, note = label_tags(labels, flat), f"not measured: {flat} for every tag"
    if options.thresholds:
        return with_thresholds(tags, options.thresholds), f"{options.thresholds.name}; otherwise {note}"
    return tags, note


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
