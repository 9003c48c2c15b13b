"""Base of GANomaly's family: encoder E1, decoder De, second encoder E2, discriminator Dc.

    z = E1(x),  ŷ = De(z),  ẑ = E2(ŷ);     score = ‖z − ẑ‖₂
    generator      w_adv·mean (f(y) − f(ŷ))²  +  w_con·consistency  +  w_enc·mean (z − ẑ)²
    discriminator  ½ BCE(Dc(y), 1) + ½ BCE(Dc(ŷ), 0), on the ŷ of the generator's step

x is what the network sees, y what ŷ should be (`aim`), f Dc's activations before its last convolution. A member
defines y and the loss between ŷ and y (`consistency`). With `distances = "norm"` the first and the last term are
‖f(y) − f(ŷ)‖₂ and ‖z − ẑ‖₂, mean over the batch: the thesis's equation 4.2 and l_enc as printed.

Dc is initialised again where its loss falls below 1e-5. With `instance_noise` it sees y and ŷ with noise N(0, s²):
s falls linearly from there at the first step to `instance_noise` / steps at the last step.

Source: Akcay, Atapour-Abarghouei, Breckon, "GANomaly", ACCV 2018, equations 1–6; weights 1 : 50 : 1.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from unseen.artifacts.added_setting import added_setting
from unseen.detectors.adversary import with_instance_noise
from unseen.detectors.detector import Detector
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings
from unseen.losses.discriminator_cross_entropy import discriminator_bce
from unseen.losses.matched_features import feature_matching
from unseen.networks.dcgan import DcganDecoder, DcganEncoder, Discriminator
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.training.fused_adam import FusedAdam
from unseen.training.learner import Step

if TYPE_CHECKING:
    from torch import nn

    from unseen.anatomy.network_view import Viewed
    from unseen.training.history import History

_COLLAPSED = 1e-5  # the thesis's threshold on the discriminator's batch loss


class AdversarialSettings(DetectorSettings):
    """Settings of GANomaly's family; defaults are the sources', but for `features`: 64 there, 32 trains on two
    cores."""

    features: int = Field(default=32, ge=4, le=256, description="channels of the first convolution")
    latent: int = Field(default=100, ge=1, le=1024, description="length of the latent z")
    decoder_slope: float = Field(default=0.2, ge=0, lt=1, description="LeakyReLU's slope in De; 0 is ReLU")
    adversarial_weight: float = Field(default=1.0, ge=0, description="weight of the adversarial loss")
    consistency_weight: float = Field(default=50.0, ge=0, description="weight of the image's reconstruction loss")
    encoding_weight: float = Field(default=1.0, ge=0, description="weight of the latents' distance")
    learning_rate: float = Field(default=2e-4, gt=0, le=1, description="learning rate of Adam, with betas (0.5, 0.999)")
    distances: Literal["mean-square", "norm"] = added_setting(
        "mean-square",
        description="of features and of latents in the loss; norm: the thesis's equations 4.2 and l_enc as printed",
    )
    instance_noise: float = added_setting(
        0.0,
        ge=0,
        le=10,
        description="σ of the noise on what Dc sees, at the first step",
        json_schema_extra={"unit": "network units"},
    )


@dataclass(frozen=True, eq=False)
class Aim:
    """Input and target of a batch, (batch, 1, size, size) each: E1 reads x, De should output y, which is 0 off
    `support`."""

    x: torch.Tensor
    y: torch.Tensor
    support: torch.Tensor


class EncoderDecoderEncoder(Detector):
    """Base of `ganomaly`, `ganomaly-sure`, `roi-sure` and `roi-oracle`."""

    Config = AdversarialSettings
    config: AdversarialSettings
    needs_power_of_two = True

    @abstractmethod
    def aim(self, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> Aim:
        """Return the network's input and target, from (batch, 1, size, size) each."""

    @abstractmethod
    def consistency(self, aim: Aim, prediction: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return the distance of `prediction` = De(E1(aim.x)) from aim.y: one value per sample, (batch,)."""

    def reconstruct(self, x: torch.Tensor) -> torch.Tensor:
        """De(E1(x)): (batch, 1, size, size)."""
        prediction: torch.Tensor = self.networks["de"](self.networks["e1"](x))
        return prediction

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.networks = self._build(torch.Generator().manual_seed(fitting.training.seed))
        data = (normals.images, normals.inside, normals.lungs)
        steps = fitting.training.epochs * fitting.training.steps_per_epoch(len(normals.images))
        self.history = self.descend(_Adversaries(self, steps=steps), data, fitting)

    def distance(self, aim: Aim) -> tuple[torch.Tensor, torch.Tensor]:
        """‖z − ẑ‖₂ of each sample, (batch,), and ŷ, (batch, 1, size, size)."""
        z = self.networks["e1"](aim.x)  # (batch, latent, 1, 1)
        prediction = self.networks["de"](z)
        again = self.networks["e2"](prediction)  # (batch, latent, 1, 1)
        return _norm(z, again), prediction

    def encoders_cosine(self) -> float:
        """Return the cosine between θ_E1 and θ_E2, all convolution weights as one vector each: 0 where they begin, 1
        where the two encoders have grown alike. (BatchNorm's γ, near 1 in both from the start, are left out.)
        """

        def theta(name: str) -> torch.Tensor:
            convolutions = [weight for weight in self.networks[name].parameters() if weight.ndim == 4]
            return torch.cat([weight.detach().float().flatten() for weight in convolutions])

        one, two = theta("e1"), theta("e2")
        return float(torch.nn.functional.cosine_similarity(one, two, dim=0))

    def judge(self, viewed: Viewed) -> Judgement:
        self.modules()
        lungs = viewed.inside if viewed.lungs is None else viewed.lungs
        device = next(self.networks["e1"].parameters()).device
        aim = self.aim(*(tensor[None].to(device) for tensor in (viewed.image, viewed.inside, lungs)))
        with torch.inference_mode():
            distance, prediction = self.distance(aim)
            score = float(distance)
            residual = (aim.y - prediction).abs() * aim.support
            reconstruction = float(residual.sum() / aim.support.sum().clamp(min=1))
        return Judgement(
            score=score,
            parts={"latent": score, "reconstruction": reconstruction},
            anomaly_map=residual[0, 0].cpu().numpy(),
            reconstruction=(prediction * aim.support)[0, 0].cpu().numpy(),
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "networks"):
            self.networks = self._build(torch.Generator().manual_seed(0))
        return {name: self.networks[name] for name in ("e1", "de", "e2")}

    def _build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        size, settings = self.view.size, self.config
        with torch.random.fork_rng(devices=[]):  # torch's own first weights are drawn over below
            networks: dict[str, nn.Module] = {
                "e1": DcganEncoder(size, features=settings.features, latent=settings.latent),
                "de": DcganDecoder(
                    size, features=settings.features, latent=settings.latent, slope=settings.decoder_slope
                ),
                "e2": DcganEncoder(size, features=settings.features, latent=settings.latent),
                "dc": Discriminator(size, features=settings.features),
            }
        for network in networks.values():
            initialise_dcgan(network, generator=rng)
            network.eval()
        return networks


class _Adversaries:
    """The family's learner. It shares the detector's dictionary of networks, which the loop wraps while it trains."""

    def __init__(self, detector: EncoderDecoderEncoder, *, steps: int) -> None:
        self.detector = detector
        self.modules = detector.networks
        settings = detector.config
        sides = {"generator": ("e1", "de", "e2"), "discriminator": ("dc",)}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            side: FusedAdam(
                [weight for name in names for weight in self.modules[name].parameters()],
                lr=settings.learning_rate,
                betas=(0.5, 0.999),
            )
            for side, names in sides.items()
        }
        self._noisy = partial(with_instance_noise, settings.instance_noise, self.optimisers["discriminator"], steps)

    def steps(self, batch: tuple[torch.Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        settings, dc = self.detector.config, self.modules["dc"]
        aim = self.detector.aim(*batch)
        z = self.modules["e1"](aim.x)  # (batch, latent, 1, 1)
        prediction = self.modules["de"](z)  # (batch, 1, size, size)
        again = self.modules["e2"](prediction)  # (batch, latent, 1, 1)
        real_features, real_logit = dc(self._noisy(aim.y, rng))
        fake_features, fake_logit = dc(self._noisy(prediction, rng))
        norms = settings.distances == "norm"
        apart = _norm if norms else feature_matching
        adversarial = apart(real_features.detach(), fake_features).mean()
        consistency = self.detector.consistency(aim, prediction, rng).mean()
        encoding = _norm(z, again).mean() if norms else ((z.float() - again.float()) ** 2).mean()
        total = (
            settings.adversarial_weight * adversarial
            + settings.consistency_weight * consistency
            + settings.encoding_weight * encoding
        )
        parts = {"adversarial": adversarial, "consistency": consistency, "encoding": encoding}
        yield Step("generator", total, parts, graph_is_shared=True)
        # the discriminator has not changed since: what it said of the generator's images still stands
        yield Step("discriminator", discriminator_bce(real_logit, fake_logit).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Initialise the discriminator again when its loss has vanished: it no longer teaches the generator."""
        if parts["discriminator"] < _COLLAPSED:
            initialise_dcgan(self.modules["dc"], generator=rng)


def reinitialisations(history: History) -> int:
    """Return the number of steps after which the discriminator was initialised again.

    >>> from unseen.training.history import History
    >>> reinitialisations(History({"discriminator": [0.7, 1e-6, 0.7]}, steps=3, seconds=1, device="cpu"))
    1
    """
    return sum(loss < _COLLAPSED for loss in history.parts["discriminator"])


def _norm(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """‖one − other‖₂ of each sample, (batch,)."""
    found: torch.Tensor = torch.linalg.vector_norm((one.float() - other.float()).flatten(1), dim=1)
    return found
