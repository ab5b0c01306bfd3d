"""Detoxify's models through Detoxify's own code: what is loaded, what is refused, and how any text is scored."""

import shutil
import socket
from types import SimpleNamespace

import numpy as np
import pytest

from schemas.errors import Code, ConfigError, UnavailableError
from tests.fixtures.detoxify import CLASSES, FINE, FOUL, LONG, OTHERS
from tests.fixtures.later import Later

torch = Later("torch")
detoxify = Later("detoxify")
checkpoints = Later("models.detoxify_checkpoint")
models = Later("models.detoxify_model")
makers = Later("tests.fixtures.tiny_detoxify")

ODD = [
    "",
    " \n\t ",
    "\0" * 500,
    "\ud83d half \udc4b",
    "👨‍👩‍👧‍👦" * 400,
    "a" * 20_000,
    "1 " * 5_000,
    "مرحبا بالعالم " * 50,
    "[SEP] [PAD] <pad>",
]


def load(path, **options):
    model = models.DetoxifyModel(str(path), path.parent / "fetched", **{"device": "cpu", **options})
    model.load()
    return model


@pytest.fixture(scope="module", params=["bert", "roberta"])
def untaught(request, tmp_path_factory):
    """A random checkpoint with more outputs than classes, as Detoxify's `unbiased` has."""
    path = tmp_path_factory.mktemp(request.param) / "toy.ckpt"
    checkpoints.write_checkpoint(path, *makers.random_classifier(request.param, labels=5), CLASSES)
    return path


@pytest.fixture
def copy(taught_checkpoint, tmp_path):
    """The taught checkpoint in a folder of its own, to be moved or harmed."""
    return shutil.copytree(taught_checkpoint.parent, tmp_path / "moved") / taught_checkpoint.name


def change(path, **parts):
    torch.save(torch.load(path, weights_only=True) | parts, path)


def test_it_tells_abuse_from_praise(taught_model):
    """What was fine-tuned and written scores as it was taught; labels have their standard names."""
    foul, fine = taught_model.score([FOUL, FINE])
    assert taught_model.labels == ("toxicity", "identity_attack", "insult")
    assert foul.values[0, 0] > 0.8
    assert fine.values[0, 0] < 0.2


def test_its_scores_are_those_of_the_library(untaught):
    """`Detoxify(checkpoint=...)` takes what we write, and says the same of a text of one window."""
    expected = detoxify.Detoxify(checkpoint=str(untaught)).predict(OTHERS[0])
    model = load(untaught)
    assert model.labels == tuple(expected)
    np.testing.assert_allclose(model.score([OTHERS[0]])[0].values[0], [*expected.values()], atol=1e-6)


def test_its_version_names_model_library_and_checkpoint(copy):
    """The version is that of verdicts, and changes with the weights."""
    before = load(copy).version
    assert before.startswith("detoxify-tiny@0.5.")
    assert before.partition("#")[2] == checkpoints.read_checkpoint(copy).digest[:8]
    weights = checkpoints.read_checkpoint(copy).weights
    change(copy, state_dict={name: tensor * 2 for name, tensor in weights.items()})
    assert load(copy).version != before


def test_any_text_is_scored(untaught):
    """No text makes it raise; scores are fractions, and windows lie inside the text."""
    for text, found in zip(ODD, load(untaught).score(ODD), strict=True):
        assert found.values.shape == (len(found.spans), 3)
        assert ((found.values >= 0) & (found.values <= 1)).all()
        assert ((found.spans >= 0) & (found.spans <= len(text))).all()
        assert len(found.spans) or not text.strip("\0 \n\t")


def test_scores_do_not_depend_on_company(untaught):
    """A text scores the same alone and among others, in any order, within 1e-5."""
    texts = [*ODD, *OTHERS, LONG, OTHERS[0]]
    together = load(untaught).score(texts)
    backwards = load(untaught).score(texts[::-1])[::-1]
    for text, one, two in zip(texts, together, backwards, strict=True):
        (alone,) = load_once(untaught).score([text])
        np.testing.assert_allclose(one.values, two.values, atol=1e-5)
        np.testing.assert_allclose(one.values, alone.values, atol=1e-5)


def load_once(path):
    """A model that remembers nothing, so that every call computes."""
    model = load(path)
    model._memory = SimpleNamespace(get=lambda key: None, put=lambda *_, **__: None)
    return model


def test_abuse_in_the_last_window_is_found(taught_model):
    """Behind a long harmless text the worst window is the one that holds the abuse."""
    (found,) = taught_model.score([f"{LONG} {FOUL}"])
    start, end = found.spans[found.values[:, 0].argmax()]
    assert f"{LONG} {FOUL}"[start:end].strip() == FOUL
    assert found.values[:, 0].max() > 0.8
    assert taught_model.score([LONG])[0].values[:, 0].max() < 0.2


def test_a_moved_folder_still_loads(copy, taught_model):
    """Configuration and tokenizer are taken from beside the checkpoint, wherever it was written."""
    ours, theirs = load(copy).score([FOUL])[0].values, taught_model.score([FOUL])[0].values
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)  # weights lie elsewhere in memory: other last bits


def test_nothing_needs_the_network(copy, monkeypatch):
    """A checkpoint with its configuration loads and scores with sockets blocked."""

    def refuse(*_, **__):
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert load(copy).score([FOUL])[0].values[0, 0] > 0.8


@pytest.mark.parametrize("source", ["original", "unbiased", "multilingual"])
def test_an_unreachable_hub_is_named(source, tmp_path, monkeypatch):
    """Without the network a published model is UNAVAILABLE, and the message says where its file may be put."""

    def unreachable(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    model = models.DetoxifyModel(source, tmp_path / "detoxify", device="cpu")
    with pytest.raises(UnavailableError, match=r"put the file into .*/detoxify, or set WEIR_DETOXIFY"):
        model.load()
    assert not list((tmp_path / "detoxify").iterdir())


def test_an_unreachable_configuration_is_named(copy, monkeypatch):
    """A checkpoint that is made of a model on the hub says so when the hub does not answer."""
    config = checkpoints.read_checkpoint(copy).build | {"model_type": "no-such/encoder"}
    (copy.parent / "config.json").unlink()
    change(copy, config={"arch": {"args": config}, "dataset": {"args": {"classes": [*CLASSES]}}})

    def unreachable(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(models, "get_model_and_tokenizer", unreachable)
    with pytest.raises(UnavailableError, match="no-such/encoder"):
        load(copy)


class Surprise:
    """What unpickling it would do must not be done."""

    def __reduce__(self):
        return (pytest.fail, ("a checkpoint ran code",))


def arch(path, **changes):
    build = {**torch.load(path, weights_only=True)["config"]["arch"]["args"], **changes}
    return {"arch": {"args": build}, "dataset": {"args": {"classes": list(CLASSES)}}}


HARMS = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "another format": lambda path: torch.save([1, 2], path),
    "code": lambda path: torch.save({"config": Surprise(), "state_dict": {}}, path),
    "a missing weight": lambda path: change(
        path, state_dict={k: v for k, v in checkpoints.read_checkpoint(path).weights.items() if k != "classifier.bias"}
    ),
    "a weight that is not a number": lambda path: change(
        path, state_dict={k: v * float("nan") for k, v in checkpoints.read_checkpoint(path).weights.items()}
    ),
    "too few outputs": lambda path: change(path, config=arch(path, num_classes=2)),
    "an unknown class": lambda path: change(path, config=arch(path, model_name="NoSuchModel")),
    "another argument": lambda path: change(path, config=arch(path, trust_remote_code=True)),
    "no tokenizer": lambda path: [file.unlink() for file in path.parent.glob("tokenizer*")],
    "a broken configuration": lambda path: (path.parent / "config.json").write_text("{"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_broken_checkpoint_is_refused(copy, harm):
    """What cannot be used is MODEL_CORRUPT at loading, never a model with random weights, and runs no code."""
    HARMS[harm](copy)
    with pytest.raises(ConfigError) as caught:
        load(copy)
    assert (caught.value.code, caught.value.field) == (Code.MODEL_CORRUPT, "detoxify")


def test_a_missing_checkpoint_is_named(tmp_path):
    """A path without a file is MODEL_MISSING."""
    with pytest.raises(ConfigError, match=r"there is no checkpoint .*gone\.ckpt") as caught:
        load(tmp_path / "gone.ckpt")
    assert caught.value.code is Code.MODEL_MISSING


def test_a_device_that_is_not_there(taught_checkpoint):
    """A GPU that is asked for and absent is an error; `auto` takes the CPU."""
    if torch.cuda.is_available():
        pytest.skip("there is a device")
    with pytest.raises(ConfigError, match="no CUDA device"):
        load(taught_checkpoint, device="cuda")
    assert load(taught_checkpoint, device="auto").labels


def test_it_is_loaded_first(tmp_path):
    """Scoring before loading is an error, not a guess."""
    model = models.DetoxifyModel("original", tmp_path)
    with pytest.raises(ConfigError, match="before load"):
        model.score(["x"])
