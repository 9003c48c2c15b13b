"""Bundles: whole or refused, with a sentence that names the file, the cause and the cure."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import signal
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.warm_python import warm_python
from unseen.artifacts import bundle
from unseen.artifacts.bundle import BundleError
from unseen.artifacts.card import Card
from unseen.artifacts.model_digest import digest_of_parts
from unseen.artifacts.research_only import LIMITS

GOLDEN = Path(__file__).with_name("golden")
TENSORS = {
    "conv.weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2),
    "count": torch.tensor(7),
    "half": torch.ones(3, dtype=torch.bfloat16),
}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    bundle.save(tmp_path / "bundle", TENSORS, Card(kind="detector", name="pca", config={"components": 50}))
    return tmp_path / "bundle"


def edit(saved: Path, **changes: object) -> None:
    path = saved / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_bundle_comes_back_as_it_was_saved(saved: Path) -> None:
    loaded = bundle.load(saved)
    assert {name: tensor.tolist() for name, tensor in loaded.tensors.items()} == {
        name: tensor.tolist() for name, tensor in TENSORS.items()
    }
    assert all(loaded.tensors[name].dtype == tensor.dtype for name, tensor in TENSORS.items())
    assert (loaded.card.name, loaded.card.config, loaded.folder) == ("pca", {"components": 50}, saved)
    assert loaded.card.weights_bytes == (saved / "weights.safetensors").stat().st_size
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", loaded.card.created)
    assert sorted(path.name for path in saved.parent.rglob("*")) == ["bundle", "card.json", "weights.safetensors"]


def test_the_same_tensors_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    shuffled = dict(reversed(TENSORS.items()))
    card = bundle.save(tmp_path / "other", shuffled, Card(kind="detector", name="pca"))
    assert card.weights_sha256 == bundle.load(saved).card.weights_sha256


def test_views_strides_and_gradients_are_saved_as_plain_values(tmp_path: Path) -> None:
    whole = torch.arange(6.0).reshape(2, 3)
    tensors = {"whole": whole, "turned": whole.T, "row": whole[0], "grad": whole.clone().requires_grad_()}
    bundle.save(tmp_path / "bundle", tensors, Card(kind="lungs", name="unet"))
    loaded = bundle.load(tmp_path / "bundle").tensors
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tensors.items())


def test_saving_again_replaces_the_bundle(saved: Path) -> None:
    bundle.save(saved, {"new": torch.zeros(1)}, Card(kind="detector", name="ganomaly"))
    assert (bundle.load(saved).card.name, list(bundle.load(saved).tensors)) == ("ganomaly", ["new"])


def test_saving_over_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all my work")
    with pytest.raises(BundleError, match=r"holds other files \(thesis\.txt\).*a folder of its own"):
        bundle.save(tmp_path, TENSORS, Card(kind="detector", name="pca"))
    assert (tmp_path / "thesis.txt").read_text() == "all my work"
    with pytest.raises(BundleError, match="is a file"):
        bundle.save(tmp_path / "thesis.txt", TENSORS, Card(kind="detector", name="pca"))


def test_tampered_weights_are_refused(saved: Path) -> None:
    path = saved / "weights.safetensors"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BundleError, match=r"weights\.safetensors: SHA-256 is .* altered since .*train the model again"):
        bundle.load(saved)


def test_truncated_weights_are_refused(saved: Path) -> None:
    path = saved / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"weights\.safetensors: \d+ bytes, but its card states \d+: truncated"):
        bundle.load(saved)


def test_a_wrong_digest_in_the_card_is_refused(saved: Path) -> None:
    edit(saved, weights_sha256="0" * 64)
    with pytest.raises(BundleError, match=r"card\.json: altered since it was written: weights\. Copy the bundle"):
        bundle.load(saved)


def test_an_unknown_key_in_the_card_is_refused_with_the_nearest(saved: Path) -> None:
    edit(saved, licens="none")
    with pytest.raises(BundleError, match=r"card\.json: licens: unknown; did you mean licence\?"):
        bundle.load(saved)


def test_a_newer_format_asks_for_a_newer_version(saved: Path) -> None:
    edit(saved, format=3)
    with pytest.raises(BundleError, match=r"format 3, but this version reads up to 2\. Update unseen"):
        bundle.load(saved)


@pytest.mark.parametrize("number", [None, 0, "1", True, 1.5])
def test_a_format_that_is_no_number_is_refused(saved: Path, number: object) -> None:
    edit(saved, format=number)
    with pytest.raises(BundleError, match="a whole number from 1 was expected"):
        bundle.load(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 100_000, '"card"', "\x00"])
def test_a_card_that_is_no_card_is_refused(saved: Path, text: str) -> None:
    (saved / "card.json").write_text(text)
    with pytest.raises(BundleError, match=r"card\.json: not "):
        bundle.load(saved)


@pytest.mark.parametrize("name", ["card.json", "weights.safetensors"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(BundleError, match=f"{re.escape(name)}: cannot be read .*Copy the whole folder again"):
        bundle.load(saved)


class Malicious:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_in_place_of_the_weights_is_refused_and_not_opened(saved: Path, tmp_path: Path) -> None:
    raw = pickle.dumps(Malicious(tmp_path / "pwned"))
    path = saved / "weights.safetensors"
    path.write_bytes(raw)
    stated = json.loads((saved / "card.json").read_text())
    parts = stated["digests"] | {"weights": hashlib.sha256(raw).hexdigest()}
    sizes = {"weights_bytes": len(raw), "weights_sha256": parts["weights"]}
    edit(saved, **sizes, digests=parts, digest=digest_of_parts(parts))
    with pytest.raises(BundleError, match=r"not a safetensors file .*No other format is opened"):
        bundle.load(saved)
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", ["model.pt", "nowhere"])
def test_a_pickle_or_nothing_in_place_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.pt").write_bytes(pickle.dumps(Malicious(tmp_path / "pwned")))
    with pytest.raises(BundleError, match=rf"{re.escape(name)}: not a bundle\..*never opened"):
        bundle.load(tmp_path / name)


def test_every_card_states_the_limits(saved: Path) -> None:
    assert bundle.load(saved).card.limits == LIMITS == "Research use only. Not a medical device. Not for diagnosis."
    assert LIMITS in Card(kind="detector", name="pca", limits=f"Adults alone. {LIMITS}").limits
    edit(saved, limits="Fit for everything.")
    with pytest.raises(BundleError, match="must hold the sentence"):
        bundle.load(saved)


def test_the_golden_bundle_of_format_1_loads_and_computes_what_it_did() -> None:
    loaded = bundle.load(GOLDEN / "format-1")
    expected = json.loads((GOLDEN / "format-1.expected.json").read_text())
    x = torch.tensor(expected["input"])
    y = torch.nn.functional.linear(x, loaded.tensors["linear.weight"], loaded.tensors["linear.bias"])
    assert y.tolist() == expected["output"]
    assert loaded.card.adjustment == {"intercept": 0.0, "log_sharpness": 1.5, "lung_area": -0.5}
    assert loaded.card.training_films == ["1" * 64, "2" * 64]


_SAVER = """
import sys, torch
from unseen.artifacts import bundle
from unseen.artifacts.card import Card
for i in range(10**6):
    tensors = {"a": torch.full((400_000,), i % 100), "b": torch.full((9,), i % 100)}
    bundle.save(sys.argv[1], tensors, Card(kind="detector", name=f"n{i % 100}"))
"""


def test_a_bundle_whose_annotation_was_killed_can_be_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    bundle.save(folder, TENSORS, Card(kind="detector", name="pca"))
    (folder / ".card.json.0123abcd.tmp").write_text("{")
    bundle.save(folder, TENSORS, Card(kind="detector", name="newer"))
    assert bundle.load(folder).card.name == "newer"
    assert sorted(path.name for path in folder.iterdir()) == ["card.json", "weights.safetensors"]


@pytest.mark.slow
def test_a_save_that_is_killed_leaves_no_half_bundle(tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    program = tmp_path / "saver.py"
    program.write_text(_SAVER, encoding="utf-8")
    nowhere = Path(os.devnull)
    for i in range(2):
        process = warm_python().start(program, folder, cwd=tmp_path, environment=os.environ, out=nowhere, err=nowhere)
        while not folder.exists():
            time.sleep(0.001)
        time.sleep(0.05 + 0.0137 * i)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        if folder.exists() or sys.platform == "linux":  # elsewhere absent if killed between two renames
            loaded = bundle.load(folder)
            number = int(loaded.card.name[1:])
            assert all((tensor == number).all() for tensor in loaded.tensors.values())
    bundle.save(folder, TENSORS, Card(kind="detector", name="pca"))
    program.unlink()
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"], "what the killed saves left is cleaned away"
