"""Training of generators: result, equal bytes from one seed, a training that was killed, and what is refused."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fork_server import ForkServer
from tests.priors.generators import LATENT, SIZE, shapes, short, trained, untrained
from tests.priors.victim import EPOCHS, run
from tests.seeded import rng
from unseen.priors import AE, GENERATORS, VAE, WGANGP, TrainedGenerator
from unseen.training import Progress, TrainingError

VICTIM = Path(__file__).with_name("victim.py")


def same(one: TrainedGenerator, other: TrainedGenerator) -> bool:
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("key", GENERATORS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(key: str) -> None:
    first = trained(key)
    torch.manual_seed(99)
    state = torch.random.get_rng_state()
    again = untrained(key).fit(shapes(), training=short())
    assert same(first, again)
    assert torch.equal(state, torch.random.get_rng_state()), "the caller's generator is left alone"
    assert not same(first, untrained(key).fit(shapes(), training=short(seed=1)))
    assert same(first, again.fit(shapes(), training=short())), "what was learnt before is forgotten"


@pytest.mark.parametrize("key", GENERATORS)
def test_after_training_it_is_at_rest_and_says_what_it_learnt_from(key: str) -> None:
    G = trained(key)
    assert not any(module.training for module in G.modules())
    assert G.config.size == SIZE and G.trained_on.startswith("cpu")
    assert len(set(G.training_digests)) == 64 and all(len(digest) == 64 for digest in G.training_digests)
    assert f"{key}, latent {LATENT}" in repr(G) and "learnt from 64 images" in repr(G)
    assert G.history is not None and G.history.steps == 8
    assert "not trained" in repr(untrained(key))


@pytest.mark.parametrize("key", GENERATORS)
def test_validation_is_kept_and_changes_nothing(key: str) -> None:
    seen: list[tuple[int, bool]] = []

    def validate(G: TrainedGenerator, epochs: int) -> dict[str, float]:
        seen.append((epochs, G.training))
        torch.rand(7)
        return {"mean": float(G.sample(4, generator=rng()).mean())}

    steps: list[Progress] = []
    G = untrained(key).fit(shapes(), training=short(), validate=validate, progress=steps.append)
    assert [epochs for epochs, _ in seen] == [1, 2] and len(steps) == 8
    assert G.history is not None and len(G.history.validation["mean"]) == 2
    assert same(G, trained(key))


@pytest.fixture(scope="module")
def victims() -> Iterator[ForkServer]:
    with ForkServer(VICTIM) as server:
        yield server


def logged(folder: Path) -> int:
    try:
        return max(0, (folder / "log.csv").read_bytes().count(b"\n") - 1)
    except FileNotFoundError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", [key if key == "wgan-gp" else pytest.param(key, marks=pytest.mark.nightly) for key in GENERATORS]
)
def test_a_training_that_was_killed_goes_on_to_the_same_bytes(victims: ForkServer, tmp_path: Path, key: str) -> None:
    for target in (4, 11, 17):  # within the first epoch, between two steps of a generator, near the fall of the rate
        child = victims.ask(tmp_path / "killed", key)
        while logged(tmp_path / "killed") < target:
            time.sleep(0.001)
        os.kill(child, signal.SIGKILL)
        assert int(victims.line()) == signal.SIGKILL, "the child should have died of the signal, not of itself"
        assert 0 < logged(tmp_path / "killed") < 4 * EPOCHS
    resumed = run(tmp_path / "killed", key)
    assert same(resumed, run(None, key))
    assert resumed.history is not None and resumed.history.steps == 4 * EPOCHS
    assert same(run(tmp_path / "killed", key), resumed), "a finished training is found"


def test_another_training_is_not_gone_on_with(tmp_path: Path) -> None:
    untrained("vae").fit(shapes(), training=short(1), folder=tmp_path)
    with pytest.raises(TrainingError, match=r"belongs to another training: identity was vae .*variance"):
        untrained("vae", variance=0.1).fit(shapes(), training=short(1), folder=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [pytest.param(VAE, marks=pytest.mark.nightly), pytest.param(AE, marks=pytest.mark.nightly)]
)
def test_autoencoders_come_near_images_that_they_have_not_seen(kind: type[VAE] | type[AE]) -> None:
    settings = {"variance": 0.02} if kind is VAE else {}
    G = kind(latent=8, features=8, learning_rate=5e-3, **settings).fit(shapes(256), training=short(30, batch_size=32))
    x = shapes(64, seed=9)
    error = (G(G.encode(x)) - x).square().mean()
    assert error < 0.5 * (x - shapes(256).mean(dim=0)).square().mean()


@pytest.mark.nightly
@pytest.mark.slow
def test_a_gan_learns_what_its_images_have_in_common() -> None:
    """Discs in one of two corners, never both: samples have one bright corner each, and each corner has its turn."""
    side = torch.arange(SIZE)
    disc = torch.exp(-((side[:, None] - 4) ** 2 + (side[None] - 4) ** 2) / 6.0)
    images = torch.stack([disc, disc.flip((0, 1))])[torch.arange(256) % 2][:, None]
    settings = {"latent": 2, "features": 8, "learning_rate": 2e-3, "critic_steps": 2}
    G = WGANGP(**settings).fit(images, training=short(60, batch_size=32))
    x = G.sample(200, generator=rng())[:, 0]
    first, second = x[:, 2:7, 2:7].mean(dim=(1, 2)), x[:, 9:14, 9:14].mean(dim=(1, 2))
    assert (first - second).abs().mean() > 0.5 * (disc[2:7, 2:7].mean() - disc[9:14, 9:14].mean())
    assert 0.2 < (first > second).float().mean() < 0.8


def test_a_generator_of_a_gan_steps_once_for_so_many_of_the_critic() -> None:
    G = WGANGP(latent=2, features=4, critic_steps=3).fit(shapes(), training=short(2))
    assert G.history is not None
    steps = [index for index, value in enumerate(G.history.parts["generator"], 1) if not math.isnan(value)]
    assert steps == [3, 6]
    assert len(G.history.parts["critic"]) == 8
    with pytest.raises(ValueError, match="steps once in 9 steps of the critic, and these are 8"):
        WGANGP(latent=2, features=4, critic_steps=9).fit(shapes(), training=short(2))


def test_a_gan_learns_in_half_precision_as_in_single() -> None:
    first = []
    for precision in ("fp32", "bf16"):
        training = short(1).model_copy(update={"precision": precision})
        G = WGANGP(latent=2, features=4, critic_steps=1).fit(shapes(), training=training)
        assert G.history is not None
        first.append({name: values[0] for name, values in G.history.parts.items()})
    assert first[0] != first[1]
    assert first[1] == pytest.approx(first[0], rel=0.05, abs=0.05)


def test_each_setting_of_a_gan_is_heard() -> None:
    plain = trained("wgan-gp")
    for changed in ({"gradient_penalty": 1.0}, {"critic_steps": 3}, {"learning_rate": 2e-4}):
        assert not same(plain, untrained("wgan-gp", **changed).fit(shapes(), training=short()))


@pytest.mark.nightly
def test_a_smaller_variance_of_pixels_costs_divergence() -> None:
    loose, tight = (untrained("vae", variance=variance).fit(shapes(), training=short(10)) for variance in (5.0, 0.005))
    assert loose.history is not None and tight.history is not None
    assert tight.history.by_epoch("divergence")[-1] > 3 * loose.history.by_epoch("divergence")[-1]


def test_the_rate_falls_once_most_steps_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from unseen.priors.autoencoders import _Plain

    rates = []
    before = _Plain.set_rate

    def noted(learner: _Plain) -> None:
        before(learner)
        rates.append(learner.optimisers["generator"].param_groups[0]["lr"])

    monkeypatch.setattr(_Plain, "set_rate", noted)
    untrained("ae", learning_rate=0.01, milestone=0.5).fit(shapes(), training=short(2))
    assert rates == [0.01] * 4 + [0.001] * 4


def test_the_code_of_an_autoencoder_is_whitened_after_training() -> None:
    G = trained("ae")
    assert isinstance(G, AE)
    codes = G.encode(shapes()).double()
    torch.testing.assert_close(codes.mean(dim=0), torch.zeros(LATENT).double(), atol=1e-3, rtol=0)
    torch.testing.assert_close(torch.cov(codes.T), torch.eye(LATENT).double(), atol=5e-3, rtol=0)
    decoded = (G.decoder(G.encoder(2 * shapes() - 1)) + 1) / 2
    torch.testing.assert_close(G(G.encode(shapes())), decoded, atol=1e-4, rtol=0)


@pytest.mark.parametrize("key", ["vae", "ae"])
def test_a_code_that_says_nothing_is_no_error(key: str) -> None:
    flat = torch.full((8, 1, SIZE, SIZE), 0.5)
    G = untrained(key).fit(flat, training=short(1, batch_size=4))
    assert torch.isfinite(G.sample(4, generator=rng())).all()


@pytest.mark.parametrize("key", GENERATORS)
@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        (torch.zeros(4, 1, 28, 28), r"but got 28 × 28. Pad them with zeros, such as 28 × 28 to 32 × 32"),
        (torch.zeros(4, 1, 16, 32), r"square images .* but got 16 × 32"),
        (torch.zeros(4, 16, 16), r"real images \(n, channels, size, size\), .* but got torch.float32 of shape \(4, "),
        (torch.zeros(0, 1, 16, 16), r"n at least 1, but got torch.float32 of shape \(0, 1, 16, 16\)"),
        (torch.zeros(1, 1, 16, 16), r"needs at least 2 images to learn from, but got 1"),
        (torch.zeros(4, 1, 16, 16) + 1j, r"of complex ones, take the modulus"),
        (torch.zeros(4, 3, 16, 16), r"made for images of 1 channel\(s\) and size any, .*: channels=3, size=16"),
        (torch.full((4, 1, 16, 16), 255.0), r"images in \[0, 1\], but got values from 255 to 255"),
        (torch.full((4, 1, 16, 16), -0.1), r"images in \[0, 1\], but got values from -0.1"),
        (torch.full((4, 1, 16, 16), math.nan), r"images in \[0, 1\], but got values from nan"),
    ],
)
def test_images_that_do_not_fit_are_told(key: str, images: torch.Tensor, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"(?i){sentence}"):
        untrained(key).fit(images, training=short())


def test_an_array_is_taken_as_the_tensor_that_it_is() -> None:
    array = shapes().numpy().astype(np.float64)
    assert same(untrained("ae").fit(array, training=short()), trained("ae"))


def test_a_generator_of_one_size_refuses_another() -> None:
    with pytest.raises(ValueError, match=r"this vae is made for images of 1 channel\(s\) and size 32, .*size=16"):
        untrained("vae", size=32).fit(shapes(), training=short())
