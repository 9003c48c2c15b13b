"""Bundles of generators: what was saved comes back to the same bytes, and what is none is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.artifacts.forging import forge
from tests.priors.generators import linear, shapes, trained, untrained, wrapped
from tests.seeded import rng
from unseen.artifacts import BundleError, UnknownName, bundle
from unseen.priors import GENERATORS, load, save
from unseen.priors.trained import digest_of


@pytest.mark.parametrize("key", GENERATORS)
def test_what_was_saved_comes_back_to_the_same_bytes(tmp_path: Path, key: str) -> None:
    G = trained(key)
    card = save(G, tmp_path / "model", data="shapes", licence="CC0-1.0", metrics={"psnr": 20.0}, recipe_digest="ab")
    H = load(tmp_path / "model")
    assert type(H) is type(G) and not H.training and H.card == card
    assert torch.equal(H.sample(5, generator=rng()), G.sample(5, generator=rng()))
    if hasattr(G, "encode"):
        assert torch.equal(H.encode(shapes(5)), G.encode(shapes(5)))
    assert H.config == G.config and H.latent_shape == G.latent_shape and H.trained_on == G.trained_on
    assert (card.kind, card.name, card.data, card.licence) == ("generator", key, "shapes", "CC0-1.0")
    assert card.metrics == {"psnr": 20.0} and card.recipe_digest == "ab"


@pytest.mark.parametrize("key", GENERATORS)
def test_the_card_names_every_image_that_was_learnt_from(tmp_path: Path, key: str) -> None:
    card = save(trained(key), tmp_path / "model")
    assert [digest_of(image) for image in shapes()] == card.training_films
    assert digest_of(shapes(1, seed=9)[0]) not in card.training_films


def test_the_critic_is_not_kept(tmp_path: Path) -> None:
    save(trained("wgan-gp"), tmp_path / "model")
    assert all(name.startswith("generator.decoder.") for name in bundle.load(tmp_path / "model").tensors)


def test_what_cannot_be_saved_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this vae has not been trained: there is nothing to save"):
        save(untrained("vae", size=16), tmp_path / "model")
    for G in (wrapped(), linear()):
        with pytest.raises(ValueError, match=f"a {type(G).__name__} is none of ae, vae, wgan-gp, and no card can"):
            save(G, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_bundles_that_are_not_generators_or_were_changed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"not a generator\. Give the folder that `unseen prior train` wrote"):
        load("models/lungs")
    save(trained("vae"), tmp_path / "model")
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    forge(tmp_path / "model", card | {"config": card["config"] | {"latent": 4}})
    with pytest.raises(BundleError, match="the weights do not fit vae as its card describes it"):
        load(tmp_path / "model")
    forge(tmp_path / "model", card | {"config": card["config"] | {"latnt": 4}})
    with pytest.raises(BundleError, match=r"config.latnt: unknown; did you mean latent"):
        load(tmp_path / "model")
    forge(tmp_path / "model", card | {"config": card["config"] | {"size": 24}})
    with pytest.raises(BundleError, match="power of two"):
        load(tmp_path / "model")
    forge(tmp_path / "model", card | {"name": "vea"})
    with pytest.raises(UnknownName, match='generator "vea": unknown; did you mean vae'):
        load(tmp_path / "model")
