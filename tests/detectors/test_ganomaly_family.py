"""GANomaly's family: each member's loss is the equation at the top of its file, term by term."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from tests.detectors.conftest import Make
from unseen.detectors.errors import FitError
from unseen.detectors.fitting import Fitting
from unseen.detectors.ganomaly_family import AdversarialSettings, EncoderDecoderEncoder, _Adversaries, reinitialisations
from unseen.detectors.normals import Normals
from unseen.losses.discriminator_cross_entropy import discriminator_bce
from unseen.networks.dcgan_initialisation import initialise_dcgan
from unseen.physics.poisson_noise import PoissonGaussian
from unseen.training.settings import Training

FAMILY = ("ganomaly", "ganomaly-sure", "roi-sure", "roi-oracle")


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    image = torch.rand(8, 1, 32, 32, generator=rng) * 2 - 1
    inside = torch.zeros(8, 1, 32, 32, dtype=torch.bool)
    inside[..., 4:28, 6:26] = True
    lungs = inside.clone()
    lungs[..., 14:18] = False
    return image, inside, lungs


def built(make: Make, key: str, **settings: object) -> EncoderDecoderEncoder:
    detector = make(key, **settings)
    assert isinstance(detector, EncoderDecoderEncoder)
    detector.modules()
    detector.facts = {"sigma": 0.1, "estimated_sigma": 0.1}
    return detector


@pytest.mark.parametrize("key", FAMILY)
def test_the_generator_loss_is_its_weighted_terms(make: Make, key: str) -> None:
    detector = built(make, key, adversarial_weight=2.0, consistency_weight=30.0, encoding_weight=0.5)
    generator, discriminator = _Adversaries(detector, steps=1).steps(batch(), torch.Generator().manual_seed(0))
    parts = {name: value.item() for name, value in generator.parts.items()}
    expected = 2.0 * parts["adversarial"] + 30.0 * parts["consistency"] + 0.5 * parts["encoding"]
    assert generator.loss.item() == pytest.approx(expected, rel=1e-5)
    assert (generator.optimiser, discriminator.optimiser) == ("generator", "discriminator")


@pytest.mark.parametrize("key", FAMILY)
def test_norms_are_those_of_equation_4_2_and_of_l_enc(make: Make, key: str) -> None:
    detector = built(make, key, distances="norm", adversarial_weight=2.0, consistency_weight=30.0, encoding_weight=0.5)
    generator, _ = _Adversaries(detector, steps=1).steps(batch(), torch.Generator().manual_seed(0))
    aim, networks = detector.aim(*batch()), detector.networks
    z = networks["e1"](aim.x)
    made = networks["de"](z)
    features, latents = networks["dc"](aim.y)[0] - networks["dc"](made)[0], z - networks["e2"](made)
    adversarial, encoding = (square.square().flatten(1).sum(1).sqrt().mean() for square in (features, latents))
    assert generator.parts["adversarial"].item() == pytest.approx(adversarial.item(), rel=1e-5)
    assert generator.parts["encoding"].item() == pytest.approx(encoding.item(), rel=1e-5)
    expected = 2.0 * adversarial + 30.0 * generator.parts["consistency"] + 0.5 * encoding
    assert generator.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_defaults_leave_no_trace_in_a_recipe() -> None:
    """Digests of recipes from before these settings, which name runs, stay what they were."""
    assert not {"distances", "instance_noise"} & set(AdversarialSettings().model_dump())
    said = AdversarialSettings(distances="norm", instance_noise=0.5).model_dump()
    assert (said["distances"], said["instance_noise"]) == ("norm", 0.5)


def test_the_discriminator_sees_instance_noise_that_falls_to_zero(make: Make) -> None:
    detector = built(make, "ganomaly", instance_noise=0.5)
    learner, seen = _Adversaries(detector, steps=4), []
    detector.networks["dc"].register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    aim, spreads = detector.aim(*batch()), []
    for _ in range(5):
        seen.clear()
        for step in learner.steps(batch(), torch.Generator().manual_seed(0)):
            if step.optimiser == "discriminator":
                learner.optimisers["discriminator"].zero_grad()
                step.loss.backward(inputs=list(detector.networks["dc"].parameters()))
                learner.optimisers["discriminator"].step()
        spreads.append(
            [float((x - of).detach().std()) for x, of in zip(seen, (aim.y, detector.reconstruct(aim.x)), strict=True)]
        )
    for done, (real, made) in enumerate(spreads):
        expected = 0.5 * max(0, 1 - done / 4)
        assert real == pytest.approx(expected, rel=0.03) and made == pytest.approx(expected, rel=0.03)


def test_a_discriminator_under_instance_noise_is_drawn_anew_where_it_wins(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A learning rate at which it wins at once: the history shows how often, and that it then begins again."""
    drawn: list[torch.nn.Module] = []

    def initialise(network: torch.nn.Module, *, generator: torch.Generator) -> None:
        drawn.append(network)
        initialise_dcgan(network, generator=generator)

    monkeypatch.setattr("unseen.detectors.ganomaly_family.initialise_dcgan", initialise)
    image, inside, lungs = batch()
    detector = make("ganomaly", instance_noise=0.01, adversarial_weight=0.0, learning_rate=0.2)
    training = Training(epochs=100, batch_size=8, device="cpu")
    detector.learn(Normals(image, inside, lungs, tuple("abcdefgh")), Fitting(training))
    assert detector.history is not None
    losses = detector.history.parts["discriminator"]
    won = [step for step, loss in enumerate(losses[:-1]) if loss < 1e-5]  # 2 on the machine that wrote this
    built, again = drawn[: len(detector.networks)], drawn[len(detector.networks) :]
    assert built == list(detector.networks.values())
    assert won and reinitialisations(detector.history) == len(again)
    assert all(losses[step + 1] > 1e-2 for step in won)


def test_ganomaly_is_held_to_the_masked_image_by_the_mean_absolute_error(make: Make) -> None:
    detector = built(make, "ganomaly")
    image, inside, lungs = batch()
    aim = detector.aim(image, inside, lungs)
    prediction = detector.reconstruct(aim.x)
    direct = (image * inside - prediction).abs().mean(dim=(1, 2, 3))
    assert torch.allclose(detector.consistency(aim, prediction, torch.Generator()), direct, rtol=1e-5)


def test_roi_oracle_sees_the_film_and_is_held_to_the_lungs(make: Make) -> None:
    detector = built(make, "roi-oracle")
    image, inside, lungs = batch()
    aim = detector.aim(image, inside, lungs)
    assert torch.equal(aim.x, image) and torch.equal(aim.y, image * lungs)
    prediction = detector.reconstruct(aim.x)
    direct = ((image * lungs - prediction) ** 2).mean(dim=(1, 2, 3))
    assert torch.allclose(detector.consistency(aim, prediction, torch.Generator()), direct, rtol=1e-5)


@pytest.mark.parametrize("key", ["roi-sure", "ganomaly-sure"])
def test_sure_without_noise_is_the_squared_error(make: Make, key: str) -> None:
    detector = built(make, key)
    detector.facts["sigma"] = 0.0
    aim = detector.aim(*batch())
    prediction = detector.reconstruct(aim.x)
    direct = ((aim.y - prediction) ** 2).mean(dim=(1, 2, 3))
    risk = detector.consistency(aim, prediction, torch.Generator().manual_seed(0))
    assert torch.allclose(risk, direct, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("form", "differs"), [
    ("unbiased", False), ("literal-mse", True), pytest.param("literal-norm", True, marks=pytest.mark.nightly),
])  # fmt: skip
def test_roi_sure_estimates_the_risk_against_the_noise_free_lungs_unless_literal(
    make: Make, form: str, differs: bool
) -> None:
    """1,000 draws of noise; the tolerance is 4 standard errors, and the literal forms miss it by far."""
    sigma = 0.3
    detector = built(make, "roi-sure", form=form, tau=1e-3, features=8)
    for network in detector.networks.values():
        for parameter in network.parameters():
            parameter.data.mul_(6)  # the sources' first weights are so small that the divergence would be zero
    detector.facts["sigma"] = sigma
    image, inside, lungs = (tensor[:1] for tensor in batch())
    rng, estimates = torch.Generator().manual_seed(2), []
    with torch.no_grad():
        for _ in range(10):
            x = image + sigma * torch.randn(100, 1, 32, 32, generator=rng)
            aim = detector.aim(x, inside.expand_as(x), lungs.expand_as(x))
            prediction = detector.reconstruct(x)
            risk = ((prediction - image * lungs) ** 2).mean(dim=(1, 2, 3))
            estimates.append(detector.consistency(aim, prediction, rng) - risk)
    gap = torch.cat(estimates)
    z = float(gap.mean() / (gap.std() / len(gap) ** 0.5))
    assert (abs(z) > 4) == differs, z


@pytest.mark.parametrize(("key", "noise", "gain", "sigma"), [
    ("roi-sure", "mixed", 0.02, 0.2), pytest.param("ganomaly-sure", "poisson", 0.05, 0.0, marks=pytest.mark.nightly),
    pytest.param("roi-sure", "poisson", 0.05, 0.0, marks=pytest.mark.nightly),
    pytest.param("ganomaly-sure", "mixed", 0.02, 0.2, marks=pytest.mark.nightly),
])  # fmt: skip
def test_under_counts_they_estimate_the_risk_against_the_noise_free_image(
    make: Make, key: str, noise: str, gain: float, sigma: float
) -> None:
    """The estimate with count noise is within 4 standard errors of the risk against the noise-free image.

    The squared error against the noisy image is more than 20 standard errors above the risk.
    """
    detector = built(make, key, noise=noise, features=8)
    for network in detector.networks.values():
        for parameter in network.parameters():
            parameter.data.mul_(6)
    detector.facts = {"gain": gain, "sigma": sigma}
    image, inside, lungs = (tensor[:1] for tensor in batch())
    image, process = image.clamp(-1, 1), PoissonGaussian(gain, sigma / 2)
    rng, estimates, squares = torch.Generator().manual_seed(2), [], []
    with torch.no_grad():
        for _ in range(10):
            x = 2 * process.sample(((image + 1) / 2).expand(100, -1, -1, -1), generator=rng) - 1
            aim = detector.aim(x, inside.expand_as(x), lungs.expand_as(x))
            prediction = detector.reconstruct(aim.x)
            risk = ((prediction - image * aim.support) ** 2).mean(dim=(1, 2, 3))
            estimates.append(detector.consistency(aim, prediction, rng) - risk)
            squares.append(((prediction - aim.y) ** 2).mean(dim=(1, 2, 3)) - risk)
    z, naive = (float(gap.mean() / (gap.std() / len(gap) ** 0.5)) for gap in (torch.cat(estimates), torch.cat(squares)))
    assert abs(z) < 4 and naive > 20, (z, naive)


def test_the_noise_of_counts_is_estimated_or_set(make: Make) -> None:
    u = torch.linspace(0.1, 0.9, 64).expand(16, 1, 64, 64)
    x = 2 * PoissonGaussian(0.005, 0.05).sample(u, generator=torch.Generator().manual_seed(0)) - 1
    found = make("roi-sure", noise="mixed")._counts_of(x)
    assert found == pytest.approx({"gain": 0.005, "sigma": 0.1}, rel=0.15)
    assert make("roi-sure", noise="mixed", gain=0.1, sigma=0.2)._counts_of(x) == {"gain": 0.1, "sigma": 0.2}
    assert make("roi-sure", noise="poisson", gain=0.1, sigma=0.2)._counts_of(x) == {"gain": 0.1, "sigma": 0.0}
    with pytest.raises(FitError, match="the films show too little to estimate it"):
        make("roi-sure", noise="poisson")._counts_of(torch.zeros(2, 1, 32, 32))


@pytest.mark.parametrize(("settings", "precision", "why"), [
    ({"form": "literal-mse"}, "fp32", "literal-mse is for Gaussian noise"),
    ({}, "bf16", "rounding errors exceed its second difference"),
])  # fmt: skip
def test_counts_are_refused_where_their_risk_has_no_form(
    make: Make, settings: dict[str, str], precision: str, why: str
) -> None:
    detector = make("ganomaly-sure", noise="poisson", **settings)
    with pytest.raises(FitError, match=why):
        detector.learn(Normals(*batch(), tuple("abcdefgh")), Fitting(Training(precision=precision)))


def test_roi_sure_under_bf16_refuses_a_step_that_rounding_would_drown(make: Make) -> None:
    detector = make("roi-sure", tau=1e-3)
    image, inside, lungs = batch()
    normals = Normals(image, inside, lungs, tuple("abcdefgh"))
    with pytest.raises(FitError, match=r"tau is 0\.001: under bf16 rounding errors exceed"):
        detector.learn(normals, Fitting(Training(precision="bf16")))


def test_a_discriminator_whose_loss_has_vanished_is_drawn_anew(make: Make) -> None:
    detector = built(make, "ganomaly")
    learner = _Adversaries(detector, steps=1)
    before = {name: value.clone() for name, value in detector.networks["dc"].state_dict().items()}
    learner.after_step({"discriminator": 0.5}, torch.Generator().manual_seed(0))
    assert all(torch.equal(value, before[name]) for name, value in detector.networks["dc"].state_dict().items())
    learner.after_step({"discriminator": 1e-6}, torch.Generator().manual_seed(0))
    weights = {name for name in before if name.endswith("weight")}
    assert all(not torch.equal(detector.networks["dc"].state_dict()[name], before[name]) for name in weights)


def test_the_discriminator_judges_the_images_of_the_generators_step(make: Make) -> None:
    detector = built(make, "ganomaly")
    learner = _Adversaries(detector, steps=1)
    steps = learner.steps(batch(), torch.Generator().manual_seed(0))
    generator = next(steps)
    makers = [weight for name in ("e1", "de", "e2") for weight in detector.networks[name].parameters()]
    judges = list(detector.networks["dc"].parameters())
    dc = deepcopy(detector.networks["dc"])
    aim = detector.aim(*batch())
    made = detector.reconstruct(aim.x).detach()  # by the weights that the generator's step will change
    assert generator.graph_is_shared
    generator.loss.backward(inputs=makers, retain_graph=True)
    learner.optimisers["generator"].step()
    discriminator = next(steps)
    discriminator.loss.backward(inputs=judges)
    discriminator_bce(dc(aim.y)[1], dc(made)[1]).mean().backward()
    for weight, separate in zip(judges, dc.parameters(), strict=True):
        torch.testing.assert_close(weight.grad, separate.grad)


def test_the_sure_members_tell_the_noise_that_they_estimated(make: Make) -> None:
    detector = make("ganomaly-sure")
    rng = torch.Generator().manual_seed(0)
    image = 0.05 * torch.randn(16, 1, 32, 32, generator=rng)
    everywhere = torch.ones_like(image, dtype=torch.bool)
    digests = tuple(f"{i:02x}" for i in range(16))
    detector.learn(
        Normals(image, everywhere, everywhere, digests),
        Fitting(Training(epochs=1, batch_size=8, device="cpu")),
    )
    assert detector.facts["sigma"] == pytest.approx(0.05, rel=0.1)
