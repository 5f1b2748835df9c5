"""Imported checkpoints in the unchanged handler: the command writes a model file, a worker serves it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from catalogue.catalogue import load_catalogue, load_thresholds
from handler.model.loading import load_model
from importers.__main__ import main
from importers.efficientat import EfficientAt, Variant
from importers.panns import Panns
from tests.support.audio import encode, encode_raw
from tests.support.seeded_checkpoints import efficientat_weights, panns_weights, scene, write_checkpoint
from tests.support.simulated_gpu import placed_answer
from tests.support.torchserve_worker import Worker

Activation = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """A model file, and what the handler should find in `scene`."""

    model: Path
    sample_rate: int
    probabilities: Tensor  # of AudioSet's classes, (3, 527)


def windows(sample_rate: int) -> Tensor:
    hops = torch.from_numpy(scene(sample_rate)).view(-1, sample_rate)
    return torch.cat((hops[:-1], hops[1:]), 1)


@pytest.fixture(scope="module")
def efficientat(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("efficientat")
    checkpoint = write_checkpoint(folder / "mn01_as.pt", efficientat_weights())
    assert main(["efficientat", str(checkpoint), "--output", str(folder / "model.pt2")]) == 0
    with torch.no_grad():
        expected = EfficientAt(efficientat_weights(), Variant()).eval()(windows(32_000))
    return Case(folder / "model.pt2", 32_000, expected)


@pytest.fixture(scope="module")
def panns(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("panns")
    checkpoint = write_checkpoint(folder / "Cnn14_16k.pth", {"model": panns_weights(16_000)})
    assert main(["panns", str(checkpoint), "--output", str(folder / "model.pt2"), "--name", "small"]) == 0
    with torch.no_grad():
        expected = Panns(panns_weights(16_000)).eval()(windows(16_000))
    return Case(folder / "model.pt2", 16_000, expected)


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A tiny AST; what it should give comes from transformers' own extractor and model."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("ast")
    names = {each.index: each.name for each in load_catalogue().classes}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.ASTConfig(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            initializer_range=0.3,
            id2label=names,
            label2id={name: index for index, name in names.items()},
        )
        model = transformers.ASTForAudioClassification(config).eval()
    extractor = transformers.ASTFeatureExtractor()
    model.save_pretrained(folder / "tiny-ast")
    extractor.save_pretrained(folder / "tiny-ast")
    assert main(["huggingface", str(folder / "tiny-ast"), "--output", str(folder / "model.pt2")]) == 0
    inputs = extractor(list(windows(16_000).numpy()), sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        expected = torch.sigmoid(model(**inputs).logits)
    return Case(folder / "model.pt2", 16_000, expected)


@pytest.fixture(params=["efficientat", "panns", "transformer"])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.getfixturevalue(request.param)
    return found


def ask(model: Path, body: bytes, content_type: str) -> list[dict[str, Any]]:
    # Every tag counts at 2 above its default threshold, or nearly: what is asked is the probabilities.
    headers = {"Content-Type": content_type, "X-Default-Sensitivity": "2"}
    answer = Worker(model).answer({"headers": headers, "body": body})[0]
    assert answer.status == 200, answer.body
    data: list[dict[str, Any]] = json.loads(answer.body)["data"]
    return data


def test_serves_the_networks_probabilities(case: Case) -> None:
    body = encode_raw(scene(case.sample_rate), case.sample_rate, "f32le")
    data = ask(case.model, bytes(body), f"audio/x-raw; rate={case.sample_rate}; format=f32le")
    assert [(window["start_time"], window["end_time"]) for window in data] == [(0, 2), (1, 3), (2, 4)]
    catalogue = load_catalogue()
    indices = {tag: [each.index for each in classes] for tag, classes in catalogue.classes_of.items()}
    found = 0
    for window, probabilities in zip(data, case.probabilities, strict=True):
        for tag in window["tags"]:
            largest = float(probabilities[indices[tag["name"]]].max())
            assert tag["probability"] == pytest.approx(largest, abs=1e-4), tag
        found += len(window["tags"])
    assert found > 30


def test_serves_an_mp3_at_another_rate(case: Case) -> None:
    data = ask(case.model, bytes(encode(scene(44_100), 44_100, "mp3")), "audio/mp3")
    assert len(data) == 3
    assert all(0 < tag["probability"] < 1 for window in data for tag in window["tags"])


def test_batches_do_not_change_the_answer(case: Case) -> None:
    model = load_model(case.model, torch.device("cpu"))
    hops = torch.from_numpy(scene(case.sample_rate)).view(-1, case.sample_rate)
    together = model.score(hops, torch.tensor([2, 0, 1]))
    alone = [model.score(hops[start : start + 2], torch.tensor([0]))[0] for start in (2, 0, 1)]
    np.testing.assert_allclose(together, np.stack(alone), atol=2e-5)


def test_samples_that_are_no_number_do_no_harm(case: Case) -> None:
    model = load_model(case.model, torch.device("cpu"))
    probabilities = model.score(torch.full((2, case.sample_rate), torch.nan), torch.tensor([0]))
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("num_hops", [2, 33])
def test_nothing_of_it_stays_behind_when_it_moves_to_a_gpu(case: Case, num_hops: int) -> None:
    answer = placed_answer(case.model, num_hops)
    assert answer.device.type == "cuda"
    assert answer.shape[0] == num_hops - 1


def test_says_what_it_is(panns: Case) -> None:
    info = load_model(panns.model, torch.device("cpu")).info
    assert (info.name, info.sample_rate, info.grid.window_hops) == ("small", 16_000, 2)
    assert [str(tag) for tag in info.tags] == [tag.name for tag in load_catalogue().audioset_tags]
    measured = load_thresholds("efficientat").by_tag
    assert dict(zip(info.tags, info.thresholds.tolist(), strict=True)) == pytest.approx(measured)


def test_keeps_the_networks_own_labels(tmp_path: Path) -> None:
    weights = panns_weights(16_000)
    few = {**weights, **{f"fc_audioset.{kind}": weights[f"fc_audioset.{kind}"][:3] for kind in ("weight", "bias")}}
    checkpoint = write_checkpoint(tmp_path / "tuned.pth", few)
    labels, model = tmp_path / "labels.txt", tmp_path / "tuned.pt2"
    labels.write_text("rain\nstorm\nsun\n")
    assert main(["panns", str(checkpoint), "--output", str(model), "--labels", str(labels)]) == 0
    assert load_model(model, torch.device("cpu")).info.tags == ("rain", "storm", "sun")


def tiny_wav2vec(folder: Path, labels: Sequence[str], **fields: object) -> Any:  # noqa: ANN401
    """Writes a tiny wav2vec 2.0, which takes raw samples, normalised window by window; returns its logits' function."""
    transformers = pytest.importorskip("transformers")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = transformers.Wav2Vec2Config(
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            conv_dim=(32,) * 7,
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
            initializer_range=0.3,
            id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
            **fields,
        )
        network = transformers.Wav2Vec2ForSequenceClassification(config).eval()
    extractor = transformers.Wav2Vec2FeatureExtractor()
    network.save_pretrained(folder)
    extractor.save_pretrained(folder)
    inputs = extractor(list(windows(16_000).numpy()), sampling_rate=16_000, return_tensors="pt")
    with torch.no_grad():
        return network(**inputs).logits


SOFTMAX, SIGMOID = partial(torch.softmax, dim=1), torch.sigmoid


@pytest.mark.parametrize(
    ("labels", "fields", "options", "activation"),
    [
        (("yes", "no", "maybe"), {}, [], SOFTMAX),
        (("cat", "dog", "rain"), {}, [], SOFTMAX),
        (("Speech", "Music", "Silence"), {}, [], SOFTMAX),
        (("Speech", "Music", "Silence"), {"problem_type": "single_label_classification"}, [], SOFTMAX),
        (("Speech", "Music", "Silence"), {"problem_type": "multi_label_classification"}, [], SIGMOID),
        (("Speech", "Music", "Silence"), {}, ["--activation", "sigmoid"], SIGMOID),
    ],
)
def test_a_head_keeps_its_labels_and_its_activation(
    tmp_path: Path, labels: Sequence[str], fields: dict[str, object], options: list[str], activation: Activation
) -> None:
    logits = tiny_wav2vec(tmp_path / "tiny", labels, **fields)
    assert main(["huggingface", str(tmp_path / "tiny"), "--output", str(tmp_path / "model.pt2"), *options]) == 0
    model = load_model(tmp_path / "model.pt2", torch.device("cpu"))
    threshold = np.float32(0.5 if activation is SOFTMAX else 0.3)
    assert (model.info.tags, model.info.thresholds.tolist()) == (tuple(labels), [threshold] * 3)
    hops = torch.from_numpy(scene(16_000)).view(-1, 16_000)
    np.testing.assert_allclose(model.score(hops, torch.arange(3)), activation(logits), atol=1e-4)


def test_a_head_of_audioset_that_says_softmax_gets_a_softmax(tmp_path: Path) -> None:
    labels = [each.name for each in load_catalogue().classes]
    logits = tiny_wav2vec(tmp_path / "tiny", labels, problem_type="single_label_classification")
    output = tmp_path / "model.pt2"
    assert main(["huggingface", str(tmp_path / "tiny"), "--output", str(output), "--tags", "labels"]) == 0
    model = load_model(output, torch.device("cpu"))
    hops = torch.from_numpy(scene(16_000)).view(-1, 16_000)
    np.testing.assert_allclose(model.score(hops, torch.arange(3)), SOFTMAX(logits), atol=1e-4)


def test_a_failure_is_one_line_and_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = write_checkpoint(tmp_path / "other.pt", {"layer.weight": torch.zeros(3)})
    output = tmp_path / "model.pt2"
    for kind in ("efficientat", "panns"):
        assert main([kind, str(checkpoint), "--output", str(output)]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("importers: this is not a checkpoint of ")
        assert len(printed.err.splitlines()) == 1
    assert list(tmp_path.glob("*.pt2")) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["efficientat", "mn10.pt", "--output", "model.bin"], "'model.bin' does not end in .pt2"),
        (["efficientat", "mn10.pt", "--output", "a.pt2", "--mels", "0"], "'0' is not a whole number from 1 to 1000"),
        (["efficientat", "mn10.pt", "--output", "a.pt2", "--hop-ms", "ten"], "'ten' is not a whole number"),
        (["efficientat", "mn10.pt", "--output", "a.pt2", "--strides", "2", "2", "3", "1"], "invalid choice: 3"),
        (["panns", "a.pth"], "the following arguments are required: --output"),
        (["dymn", "a.pt", "--output", "a.pt2"], "invalid choice: 'dymn'"),
    ],
)
def test_wrong_options_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err


def test_a_folder_that_is_no_model_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("transformers")
    assert main(["huggingface", str(tmp_path), "--output", str(tmp_path / "model.pt2")]) == 1
    assert "is not a model folder of Hugging Face: it has no config.json" in capsys.readouterr().err
