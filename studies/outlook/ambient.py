"""A GAN from measurements by several operators, as in AmbientGAN.

    critic and generator as in WGAN-GP, but the critic compares A_g* y with A_h* A_h G(z): images as they are measured

Each digit is measured once, by one of the masks; G(z) by a mask that is drawn. With enough masks the distribution of
the measurements determines that of the images, with one mask it does not.

Source: Bora, Price & Dimakis, AmbientGAN: Generative models from lossy measurements, ICLR 2018, with the critic of
Gulrajani et al., NeurIPS 2017.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from studies.generators.components import principal_features
from studies.generators.distribution import match
from studies.imaging.spent import Spent
from studies.outlook.rows import row_of, run_of, training_facts
from studies.rows import Row
from unseen.losses.wasserstein import gradient_penalty, wasserstein_critic
from unseen.networks.dcgan import Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.priors.trained import centred, images_of
from unseen.priors.wgan_gp import WGANGP
from unseen.runs.generator_training import PictureSettings, load_images
from unseen.runs.imaging_settings import MeasurementSettings, operator_of
from unseen.training.learner import Step, steps_taken
from unseen.training.loop import train
from unseen.training.settings import Training

ARMS: dict[str, str] = {
    "images": "the images themselves",
    "many-masks": "40 masks, half of the pixels dropped by each",
    "one-mask": "one mask, half of the pixels dropped",
    "not-measured": "40 masks; the GAN learns A*y as if they were images",
}
_MASKS = {"images": 0, "many-masks": 40, "one-mask": 1, "not-measured": 40}
_NUMBER, _TESTED, _SIZE = 4000, 500, 32
_BATCH, _EPOCHS = 64, 8
WIDE = "ambient-wide"
_LATENT, _FEATURES, _CRITIC_STEPS, _RATE = 8, 8, 3, 5e-4


class MeasuredCritic:
    """The learner: WGAN-GP between masked images and masked images of the generator.

    Args:
        G: With a size.
        critic: Of images in [−1, 1].
        masks: (count, 1, size, size), 0 or 1.
        measured: Whether what the generator makes is measured before the critic sees it.
    """

    def __init__(self, G: WGANGP, critic: nn.Module, masks: Tensor, *, measured: bool) -> None:
        self.settings, self.masks, self.measured = G.config, masks, measured
        self.modules: dict[str, nn.Module] = {"decoder": G.decoder, "critic": critic}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.Adam(module.parameters(), lr=G.config.learning_rate, betas=(0.0, 0.9))
            for name, module in (("critic", critic), ("generator", G.decoder))
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        """Yield a step of the critic and, after every third, one of the generator."""
        real = centred(batch[0])  # (batch, 1, size, size), already masked
        with torch.no_grad():
            fake = self._seen(len(real), rng)
        distance = wasserstein_critic(self._scores(real), self._scores(fake)).mean()
        penalty = gradient_penalty(self._scores, real, fake, generator=rng).mean()
        yield Step("critic", distance + self.settings.gradient_penalty * penalty, {"distance": -distance.detach()})
        if steps_taken(self.optimisers["critic"]) % self.settings.critic_steps == 0:
            yield Step("generator", -self._scores(self._seen(len(real), rng)).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""

    def _seen(self, n: int, rng: torch.Generator) -> Tensor:
        """Return the critic's input from `n` images of the generator, in [−1, 1]; masked if `measured`."""
        made = images_of(self.modules["decoder"](torch.randn(n, self.settings.latent, 1, 1, generator=rng)))
        if self.measured:
            made = made * self.masks[torch.randint(len(self.masks), (n,), generator=rng)]
        return centred(made)

    def _scores(self, x: Tensor) -> Tensor:
        scores: Tensor = self.modules["critic"](x)[1]
        return scores.float()  # (batch,)


def masks_of(count: int) -> Tensor:
    """Return the masks, (max(1, count), 1, 32, 32), half of whose pixels are 0; 0 masks: one that drops nothing.

    >>> masks_of(40).shape, bool(masks_of(0).all())
    (torch.Size([40, 1, 32, 32]), True)
    """
    if count == 0:
        return torch.ones(1, 1, _SIZE, _SIZE)
    asked = MeasurementSettings(operator="mask", kept=0.5, operators=count)
    A = operator_of(asked, channels=1, size=(_SIZE, _SIZE))
    ones = torch.ones(count if count > 1 else 1, 1, _SIZE, _SIZE)
    return A(ones)


def ambient_row(
    arm: str, *, seed: int = 0, epochs: int = _EPOCHS, features: int = _FEATURES, data: Path | None = None
) -> Row:
    """Train a GAN, or go on, or find it trained; compare its samples with test digits: the row.

    Args:
        arm: Of `ARMS`.
        seed: Of the training.
        epochs: Over the measurements.
        features: Channels of the networks' first layers; another number than the default makes the question
            ``ambient-wide``.
        data: Folder of the digits; None: `$UNSEEN_DATA`.
    """
    found = load_images(PictureSettings(pictures="digits", size=_SIZE), data=data)
    x, masks = found.training[:_NUMBER], masks_of(_MASKS[arm])
    y = x * masks[torch.arange(len(x)) % len(masks)]
    G = WGANGP(size=_SIZE, latent=_LATENT, features=features, critic_steps=_CRITIC_STEPS, learning_rate=_RATE)
    rng = torch.Generator().manual_seed(seed)
    critic = Discriminator(_SIZE, features=G.config.features, channels=1, normalised=False)
    for network in (G, critic):
        initialise_dcgan(network, generator=rng)
    settings: dict[str, object] = {
        "latent": _LATENT,
        "features": features,
        "critic_steps": _CRITIC_STEPS,
        "learning_rate": _RATE,
        "epochs": epochs,
        "batch_size": _BATCH,
        "masks": _MASKS[arm],
        "kept": 0.5,
    }
    question = "ambient" if features == _FEATURES else WIDE
    digest, run = run_of(question, arm, seed, settings)
    spent = Spent(run.folder / "spent.json")
    history = train(
        MeasuredCritic(G, critic, masks, measured=arm != "not-measured"),
        (y,),
        Training(epochs=epochs, batch_size=_BATCH, seed=seed, precision="fp32", threads=1),
        folder=run.folder,
        progress=lambda _: spent.step(),
        identity=digest,
    )
    G.eval()
    tested = found.testing[:_TESTED]
    with torch.no_grad():
        samples = G.sample(len(tested), generator=torch.Generator().manual_seed(1000 + seed))
    seen = principal_features(found.training, generator=torch.Generator().manual_seed(0))
    units = tuple(range(len(tested)))
    compared = match(samples, tested, units, features=seen, seed=0).to_json()
    return row_of(
        question,
        arm,
        seed=seed,
        settings=settings,
        by_picture={},
        n={"trained": len(x), "tested": len(tested)},
        facts={
            "distribution": compared,
            **training_facts(digest, history, spent, features=G.config.features),
            "generator_steps": history.steps // G.config.critic_steps,
        },
    )
