"""Distinguishing property of each GAN detector: one test a method that no other one passes; and their shared steps."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.detectors.conftest import QUICK, Make
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.anatomy.network_view import Viewed
from unseen.data.film import Film
from unseen.detectors.adversary import Adversary
from unseen.detectors.alpha_gan import AlphaGan
from unseen.detectors.anogan import AnoGan
from unseen.detectors.bigan import BiGan
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.f_anogan import FAnoGan, _Encoding
from unseen.detectors.fitting import Fitting
from unseen.detectors.gan import GanDetector, GanSettings
from unseen.detectors.ganomaly import Ganomaly
from unseen.detectors.normals import Normals
from unseen.detectors.randgan import RandGan
from unseen.losses.gan_games import GAMES, Game
from unseen.networks.dcgan import DcganDecoder, DcganEncoder, Discriminator
from unseen.networks.residual_generator import ResidualCritic, ResidualGenerator
from unseen.training.learner import Step
from unseen.training.settings import Training

GANS = ("alpha-gan", "anogan", "bigan", "f-anogan", "randgan", "resunet-ganomaly")


@pytest.fixture(scope="module")
def views(trained: dict[str, Detector], normals: list[Film]) -> list[Viewed]:
    return [trained["pca"].look(film) for film in normals]


@pytest.fixture
def batch(views: list[Viewed]) -> tuple[Tensor, Tensor]:
    return torch.stack([view.masked for view in views[:6]]), torch.stack([view.inside for view in views[:6]])


def drawn(make: Make, key: str, **settings: object) -> GanDetector:
    """Not trained, in training mode."""
    detector = make(key, **settings)
    assert isinstance(detector, GanDetector)
    detector.modules()
    for network in detector.networks.values():
        network.train()
    return detector


def heard(network: nn.Module) -> list[tuple[Tensor, ...]]:
    """Return a list that receives the inputs of each later call of the network."""
    calls: list[tuple[Tensor, ...]] = []
    network.register_forward_pre_hook(lambda module, given: calls.append(given))
    return calls


def taken(
    detector: GanDetector, batch: tuple[Tensor, ...], stage: str = "gan", *, films: Tensor | None = None
) -> dict[str, Step]:
    """Return the steps of one batch, none of which changes a weight."""
    learner = detector.learner(stage, batch[0] if films is None else films, steps=10)
    return {step.optimiser: step for step in learner.steps(batch, torch.Generator().manual_seed(4))}


def test_bigans_discriminator_sees_each_image_with_its_own_code(make: Make, batch: tuple[Tensor, Tensor]) -> None:
    detector = drawn(make, "bigan")
    assert isinstance(detector, BiGan)
    calls, x = heard(detector.networks["d"]), batch[0]
    steps = taken(detector, batch)
    assert all(len(given) == 2 for given in calls), "pairs, and nothing but pairs"
    e, g, d = (detector.networks[name] for name in "egd")
    (seen, code), (made, z) = calls[0], calls[1]
    assert torch.allclose(seen, x) and torch.allclose(code, e(x), atol=1e-5)
    assert torch.allclose(made, g(z), atol=1e-5)
    real, fake = d(x, e(x))[1], d(made, z)[1]
    expected = (functional.softplus(-real) + functional.softplus(fake)).mean() / 2
    assert torch.allclose(steps["discriminator"].loss, expected, atol=1e-5)
    swapped = (functional.softplus(real) + functional.softplus(-fake)).mean()
    assert torch.allclose(steps["generator"].loss, swapped, atol=1e-5)
    for name, module in (("e", e), ("g", g)):
        (slope, *_) = torch.autograd.grad(steps["generator"].loss, list(module.parameters()), retain_graph=True)
        assert slope.abs().max() > 0, f"{name} learns from the generator's step"


def test_bigans_score_is_zenatis(trained: dict[str, Detector], views: list[Viewed]) -> None:
    detector = trained["bigan"]
    assert isinstance(detector, BiGan)
    e, g, d = (detector.networks[name] for name in "egd")
    with torch.no_grad():
        x = views[0].masked[None]
        z = e(x)
        expected = 0.9 * (x - g(z)).abs().sum() + 0.1 * (d(x, z)[0] - d(g(z), z)[0]).abs().sum()
    assert detector.judge(views[0]).score == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(("encoding", "asks_critic", "sees_films"), [
    ("izi_f", True, True), ("izi", False, True), ("ziz", False, False),
])  # fmt: skip
def test_f_anogans_encoder_learns_with_a_frozen_gan(
    encoding: str, asks_critic: bool, sees_films: bool, make: Make, batch: tuple[Tensor, Tensor]
) -> None:
    detector = drawn(make, "f-anogan", encoding=encoding)
    assert isinstance(detector, FAnoGan)
    to_critic, to_encoder = heard(detector.networks["d"]), heard(detector.networks["e"])
    before = {name: value.clone() for name in "gd" for name, value in detector.networks[name].state_dict().items()}
    (step,) = taken(detector, batch, "encoder").values()
    assert step.optimiser == "generator" and bool(to_critic) == asks_critic, "izi gives the critic no say"
    assert len(to_encoder) == 1 and torch.equal(to_encoder[0][0], batch[0]) == sees_films
    x, (e, g, d) = batch[0], (detector.networks[name] for name in "egd")
    if encoding == "ziz":
        drawn_z = torch.randn(6, 8, 1, 1, generator=torch.Generator().manual_seed(4))
        squares = (drawn_z[..., 0, 0] - torch.tanh(e(g(drawn_z))[1])).square().mean(1)
    else:
        z = torch.tanh(e(x)[1])[..., None, None]
        squares = (x - g(z)).square().flatten(1).mean(1)
        if encoding == "izi_f":
            squares = squares + (d(x)[0] - d(g(z))[0]).square().flatten(1).mean(1)
    assert float(step.loss.detach()) == pytest.approx(float(squares.mean().detach()), rel=1e-4)
    after = {name: value for name in "gd" for name, value in detector.networks[name].state_dict().items()}
    assert all(torch.equal(before[name], after[name]) for name in before), "running averages rest, too"


def test_f_anogans_sure_encoder_without_noise_is_that_of_izi_f(make: Make, batch: tuple[Tensor, Tensor]) -> None:
    losses = []
    for encoding in ("izi_f", "sure_f"):
        detector = drawn(make, "f-anogan", encoding=encoding)
        detector.facts = {"sigma": 0.0}
        losses.append(float(taken(detector, batch, "encoder")["generator"].loss.detach()))
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


@pytest.mark.parametrize("draws", [4, pytest.param(10, marks=pytest.mark.nightly)])
def test_f_anogans_sure_encoder_estimates_the_risk_against_the_noise_free_film(
    make: Make, batch: tuple[Tensor, Tensor], draws: int
) -> None:
    """Over draws of the noise its first term is, on average, mean (x₀ − x̂)²; the mean (x − x̂)² of izi_f is not."""
    sigma = 0.1
    detector = drawn(make, "f-anogan", encoding="sure_f", kappa=0.0)
    assert isinstance(detector, FAnoGan)
    detector.facts = {"sigma": sigma}
    for network in detector.networks.values():
        network.eval()  # BatchNorm would couple the draws of a batch
    clean, inside = batch[0][:1], batch[1][:1]
    learner, rng = _Encoding(detector), torch.Generator().manual_seed(2)
    gaps, naive = [], []
    with torch.no_grad():
        for _ in range(draws):
            x = (clean + sigma * torch.randn(100, *clean.shape[1:], generator=rng)) * inside
            made = detector.networks["g"](detector.encoded(x, detector.networks))
            risk = (clean - made).square().mean(dim=(1, 2, 3))
            gaps.append(learner._risk(x, inside.expand_as(x), made, rng) - risk)
            naive.append((x - made).square().mean(dim=(1, 2, 3)) - risk)
    z, other = (float(gap.mean() / (gap.std() / len(gap) ** 0.5)) for gap in (torch.cat(gaps), torch.cat(naive)))
    assert abs(z) < 4 and other > 20, (z, other)


def test_f_anogans_sure_encoder_tells_its_noise_and_refuses_a_step_that_rounding_would_drown(make: Make) -> None:
    image = 0.05 * torch.randn(16, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones_like(image, dtype=torch.bool)
    normals = Normals(image, everywhere, everywhere, tuple(f"{i:02x}" for i in range(16)))
    detector = make("f-anogan", encoding="sure_f")
    detector.learn(normals, Fitting(QUICK.model_copy(update={"epochs": 5})))
    assert detector.facts["sigma"] == pytest.approx(0.05, rel=0.1)
    with pytest.raises(FitError, match=r"tau is 0\.001: under bf16 rounding errors exceed"):
        make("f-anogan", encoding="sure_f", tau=1e-3).learn(normals, Fitting(Training(precision="bf16")))


@pytest.mark.nightly
def test_f_anogans_two_trainings_leave_the_gan_as_the_first_one_ended(
    make: Make, normals: list[Film], finder: CrossFittedLungs
) -> None:
    by_images, by_latents = (
        make("f-anogan", encoding=encoding).fit(normals, finder=finder, training=QUICK) for encoding in ("izi", "ziz")
    )
    for name in "gd":
        mine, others = (detector.modules()[name].state_dict() for detector in (by_images, by_latents))
        assert all(torch.equal(mine[key], others[key]) for key in mine)
    mine, others = (detector.modules()["e"].state_dict() for detector in (by_images, by_latents))
    assert any(not torch.equal(mine[key], others[key]) for key in mine)


@pytest.mark.nightly
def test_anogan_searches_the_latent_whose_image_comes_nearest(
    trained: dict[str, Detector], make: Make, views: list[Viewed]
) -> None:
    quick = trained["anogan"]
    assert isinstance(quick, AnoGan)
    patient = make("anogan", iterations=60, tolerance=0)
    assert isinstance(patient, AnoGan)
    patient.networks = quick.networks
    view, (g, d) = views[0], (quick.networks[name] for name in "gd")
    pairs = [(patient.judge(one), quick.judge(one)) for one in views[:4]]
    assert all(long.score <= short.score for long, short in pairs), "more steps never lead away"
    assert sum(long.score for long, _ in pairs) < sum(short.score for _, short in pairs), "more steps come nearer"
    long, _ = pairs[0]
    assert long.reconstruction is not None
    restored, x = torch.from_numpy(long.reconstruction)[None, None], view.masked[None]
    with torch.no_grad():
        start = g(torch.randn(1, 8, 1, 1, generator=torch.Generator().manual_seed(0)))
        apart = [
            float(0.9 * (x - made).abs().sum() + 0.1 * (d(x)[0] - d(made)[0]).abs().sum()) for made in (start, restored)
        ]
    assert long.score < apart[0]
    # the image that is given back is cut to the lungs; what G drew outside of them counts in the score alone
    assert long.parts["search"] == long.score
    assert long.parts["picture"] >= float((x - restored)[view.inside[None]].abs().sum()) - 1e-3


@pytest.mark.parametrize(
    ("key", "iterations"), [("anogan", 60), pytest.param("randgan", 150, marks=pytest.mark.nightly)]
)
def test_a_search_ends_where_further_steps_bring_next_to_nothing(
    key: str, iterations: int, trained: dict[str, Detector], make: Make, views: list[Viewed]
) -> None:
    def judged(tolerance: float) -> tuple[float, int]:
        patient, calls = make(key, iterations=iterations, tolerance=tolerance), []
        patient.networks = trained[key].networks
        hook = patient.networks["g"].register_forward_hook(lambda *_: calls.append(1))
        score = patient.judge(views[0]).score
        hook.remove()
        return score, len(calls)

    (every, most), (early, fewer) = judged(0.0), judged(1e-5)
    assert early == pytest.approx(every, rel=2e-3)
    assert most > iterations > 2 * fewer


def test_alpha_gan_judges_images_and_codes(make: Make, batch: tuple[Tensor, Tensor]) -> None:
    detector = drawn(make, "alpha-gan")
    assert isinstance(detector, AlphaGan)
    to_images, to_codes, x = heard(detector.networks["d"]), heard(detector.networks["c"]), batch[0]
    steps = taken(detector, batch)
    assert list(steps) == ["generator", "discriminator", "code discriminator"]
    e, g, d, c = (detector.networks[name] for name in "egdc")
    z = to_codes[1][0]  # the first call is of E(x), for the generator's step; then the draws of N(0, I)
    assert torch.allclose(to_codes[0][0], e(x), atol=1e-5) and z.shape == (6, 8, 1, 1)
    restored, sampled = g(e(x)), g(z)
    assert torch.allclose(to_images[0][0], restored, atol=1e-5)
    assert torch.allclose(to_images[1][0], sampled, atol=1e-5)
    expected = 10 * (x - restored).abs().mean() + functional.softplus(-c(e(x))).mean()
    expected = expected + functional.softplus(-d(restored)[1]).mean() + functional.softplus(-d(sampled)[1]).mean()
    assert torch.allclose(steps["generator"].loss, expected, atol=1e-4)
    told = (functional.softplus(-c(z)) + functional.softplus(c(e(x)))).mean() / 2
    assert torch.allclose(steps["code discriminator"].loss, told, atol=1e-5)
    alone = c(z[:1])
    assert torch.allclose(alone, c(z)[:1], atol=1e-6), "no BatchNorm: what C says of a code depends on that code alone"


def test_randgans_generator_is_given_another_normal_film_than_its_discriminator(
    make: Make, batch: tuple[Tensor, Tensor]
) -> None:
    detector = drawn(make, "randgan")
    assert isinstance(detector, RandGan)
    pool = 2 * torch.rand(40, 1, 32, 32, generator=torch.Generator().manual_seed(1)) - 1
    pool = torch.cat([pool, batch[0]])  # those that D is shown are training films, too
    to_g, to_d, x = heard(detector.networks["g"]), heard(detector.networks["d"]), batch[0]
    steps = taken(detector, batch, films=pool)
    for noise, image in to_g:
        assert noise.shape == (6, 8) and noise.min() >= 0 and noise.max() <= 1
        assert all(any(torch.equal(one, film) for film in pool) for one in image), "normal films, of all"
        assert not torch.equal(image, x), "drawn independently of those that D is shown"
    assert not torch.equal(to_g[0][1], to_g[1][1]), "drawn anew for G's own step"
    assert torch.equal(to_d[0][0], x)
    g, d = detector.networks["g"], detector.networks["d"]
    (given, made), scores = to_d[0] + to_d[1], (d(to_d[0][0])[1], d(to_d[1][0])[1])
    assert torch.allclose(made, g(*to_g[0]), atol=1e-5) and given is to_d[0][0]
    expected = (scores[0] - 1).square().mean() / 2 + scores[1].square().mean() / 2
    assert torch.allclose(steps["critic"].loss, expected, atol=1e-5)
    with torch.no_grad():
        same = g(to_g[0][0], to_g[1][1])
    assert (same - g(*to_g[0])).abs().max() > 0, "what G draws depends on the film it is given"


def test_randgan_keeps_no_film_of_a_patient(trained: dict[str, Detector], normals: list[Film]) -> None:
    detector = trained["randgan"]
    assert isinstance(detector, RandGan)
    seen = torch.stack([detector.look(film).masked for film in normals])
    assert torch.allclose(detector.modules()["inlier"].picture, seen.mean(dim=0), atol=1e-6)


def test_randgans_gradients_are_cut() -> None:
    weight = nn.Parameter(torch.zeros(3))
    config = RandGan.Config(largest_slope=0.5)
    (torch.tensor([10.0, -10.0, 0.1]) * weight).sum().backward()
    config.optimiser([weight]).step()
    assert weight.grad is not None and torch.equal(weight.grad, torch.tensor([0.5, -0.5, 0.1]))


@pytest.mark.nightly
def test_resunet_ganomaly_learns_the_identity(make: Make, normals: list[Film], finder: CrossFittedLungs) -> None:
    """Coarse noise, which no lung resembles, begins to come back after a few epochs; of GANomaly's images nothing of
    it does. That is what makes the method blind."""
    longer, size = QUICK.model_copy(update={"epochs": 60}), {"features": 8, "learning_rate": 1e-3}
    bridged = make("resunet-ganomaly", critic_steps=1, **size).fit(normals, finder=finder, training=longer)
    plain = make("ganomaly", **size).fit(normals, finder=finder, training=longer)
    drawn = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(5)) - 0.5
    noise = functional.interpolate(drawn, size=(32, 32), mode="bilinear")
    assert isinstance(plain, Ganomaly)
    with torch.no_grad():
        shares = [
            float((noise - restored).square().mean() / noise.var())
            for restored in (bridged.modules()["u"](noise)[1], plain.reconstruct(noise))
        ]
    assert shares[0] < 0.75 and shares[1] > 0.9, shares
    assert bridged.history is not None
    encoding = bridged.history.parts["encoding"]
    assert sum(encoding[-20:]) < sum(encoding[:20]) / 2, "the two encoders come to agree"


@pytest.mark.parametrize("key", GANS)
def test_a_generator_that_would_never_step_is_refused(
    key: str, make: Make, normals: list[Film], finder: CrossFittedLungs
) -> None:
    with pytest.raises(FitError, match="the generator steps once in 9 steps of the critic, and these are 6"):
        make(key, critic_steps=9).fit(normals, finder=finder, training=QUICK)


CRITICS: tuple[Game, ...] = ("wgan", "wgan-gp")  # clipped, and with a penalty: what is particular to a network
PLAYED = [
    pytest.param(GANS[0], GAMES, marks=pytest.mark.nightly),
    ("randgan", CRITICS),
    *(pytest.param(key, CRITICS, marks=pytest.mark.nightly) for key in GANS[1:] if key != "randgan"),
    *(pytest.param(key, GAMES, marks=pytest.mark.nightly) for key in GANS[1:]),
]


@pytest.mark.parametrize(("key", "games"), PLAYED)
def test_every_game_is_played_by_every_gan(
    key: str, games: tuple[Game, ...], make: Make, normals: list[Film], finder: CrossFittedLungs
) -> None:
    """The generator's weights end elsewhere by each game; a clipped critic's stay small, one with a penalty has no
    BatchNorm. `make nightly` has every pair."""
    training, ends = QUICK.model_copy(update={"epochs": 1, "batch_size": 4}), []
    for game in games:
        detector = make(key, game=game, instance_noise=0.1).fit(normals, finder=finder, training=training)
        assert isinstance(detector, GanDetector)
        check_critic(detector.networks["d"], game)
        ends.append(next(iter(detector.networks["u" if key == "resunet-ganomaly" else "g"].parameters())).detach())
    assert all(not torch.equal(ends[a], ends[b]) for a in range(len(ends)) for b in range(a))


def check_critic(d: nn.Module, game: Game) -> None:
    if game == "wgan":
        assert max(float(weight.detach().abs().max()) for weight in d.parameters()) <= 0.01 + 1e-9
    if game == "wgan-gp":
        assert not any(isinstance(module, nn.BatchNorm2d) for module in d.modules())
    assert all(torch.isfinite(weight).all() for weight in d.parameters())


@pytest.mark.parametrize("game", GAMES)
def test_each_game_draws_the_generator_to_the_data(game: Game) -> None:
    """A shift of one number: G(z) = z + b, D a small network; b, which begins at 0, comes to the data's mean, 1.5. A
    game with a wrong sign goes the other way."""
    torch.manual_seed(0)
    steps = 300 if GanSettings(game=game).turns == 5 else 150
    settings = GanSettings(game=game, learning_rate=1e-2 if game == "wgan" else 2e-2, clip=0.2)
    d, b = nn.Sequential(nn.Linear(1, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1)), nn.Parameter(torch.zeros(1))
    adversary = Adversary(settings, name="d", discriminator=lambda x: d(x).flatten(), module=d, steps=steps)
    ascent, rng = settings.optimiser([b]), torch.Generator().manual_seed(1)
    places = []
    for _ in range(steps):
        z = torch.randn(64, 1, generator=rng)
        descend(adversary.optimiser, adversary.step(1.5 + torch.randn(64, 1, generator=rng), z + b, rng).loss)
        adversary.keep_small()
        if adversary.gives_way:
            descend(ascent, adversary.fooled(z + b, rng).mean())
            places.append(float(b.detach()))
    assert len(places) == steps // settings.turns
    assert abs(sum(places[-20:]) / 20 - 1.5) < (0.9 if settings.turns == 5 else 0.5)


def descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


@pytest.mark.parametrize("game", GAMES)
def test_swapped_labels_are_the_generators_loss_of_a_mirrored_discriminator(game: Game) -> None:
    """It pulls what is held for real down, to where the game's discriminator wants what is made."""
    real = torch.linspace(-2, 3, 11, dtype=torch.float64, requires_grad=True)
    pulled, pushed = GAMES[game].swapped(real), GAMES[game].generator(real)
    (down,) = torch.autograd.grad(pulled.sum(), real)
    (up,) = torch.autograd.grad(pushed.sum(), real)
    if game == "least-squares":
        assert torch.allclose(pulled, real**2 / 2)
    else:
        assert (down > 0).all() and (up < 0).all()


def test_instance_noise_falls_to_zero() -> None:
    d = nn.Linear(4, 1)
    seen: list[Tensor] = []

    def seen_by(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return d(x).flatten()

    adversary = Adversary(GanSettings(instance_noise=0.5), name="d", discriminator=seen_by, module=d, steps=4)
    spreads, rng = [], torch.Generator().manual_seed(0)
    for _ in range(5):
        seen.clear()
        descend(adversary.optimiser, adversary.step(torch.zeros(2000, 4), torch.zeros(2000, 4), rng).loss)
        spreads.append([float(x.std()) for x in seen])
    for step, (real, made) in enumerate(spreads):
        expected = 0.5 * max(0, 1 - step / 4)
        assert real == pytest.approx(expected, rel=0.05) and made == pytest.approx(expected, rel=0.05)


def counted(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def convolution(inputs: int, outputs: int, side: int, *, bias: bool) -> int:
    return inputs * outputs * side**2 + (outputs if bias else 0)


def test_dcgan_blocks_have_as_many_weights_as_their_layers_say() -> None:
    """64 px, 64 features, z of 100: kernels of 4, no biases, BatchNorm after all but the outermost layers."""
    d, widths = 64, (64, 128, 256, 512)
    inner = sum(convolution(a, b, 4, bias=False) + 2 * b for a, b in pairwise(widths))
    assert counted(DcganEncoder(64, features=d, latent=100)) == 1 * d * 16 + inner + 512 * 100 * 16
    assert counted(Discriminator(64, features=d)) == 1 * d * 16 + inner + 512 * 16
    up = sum(convolution(b, a, 4, bias=False) + 2 * a for a, b in pairwise(widths))
    assert counted(DcganDecoder(64, features=d, latent=100)) == 100 * 512 * 16 + 2 * 512 + up + d * 16


@pytest.mark.parametrize("features", [16, 64])
def test_residual_networks_have_as_many_weights_as_their_layers_say(features: int) -> None:
    """64 px, the paper's 64 features and z of 128."""
    d, z = features, 128
    widths = (d, 2 * d, 4 * d, 8 * d, 8 * d)
    pairs = list(pairwise(widths))

    def block(a: int, b: int, middle: int) -> int:
        """Straight 1×1; norms before both 3×3, the first of which has no bias."""
        norms = 2 * a + 2 * middle
        return (
            convolution(a, b, 1, bias=True)
            + norms
            + convolution(a, middle, 3, bias=False)
            + convolution(middle, b, 3, bias=True)
        )

    ups = sum(block(wide, narrow, narrow) for narrow, wide in pairs)
    generator = (z + 1) * 8 * d * 16 + ups + 2 * d + convolution(d, 1, 3, bias=True)
    assert counted(ResidualGenerator(64, features=d, latent=z)) == generator
    downs = sum(block(narrow, wide, narrow) for narrow, wide in pairs)
    critic = convolution(1, d, 3, bias=True) + downs + 8 * d * 16 + 1
    assert counted(ResidualCritic(64, features=d)) == critic
    assert counted(ResidualCritic(64, features=d, outputs=z)) == critic + (z - 1) * (8 * d * 16 + 1)


def test_a_critics_layer_norm_sees_one_image_at_a_time() -> None:
    torch.manual_seed(0)
    critic: Callable[[Tensor], tuple[Tensor, Tensor]] = ResidualCritic(32, features=4).train()
    x = torch.randn(3, 1, 32, 32)
    assert torch.allclose(critic(x)[1][:1], critic(x[:1])[1], atol=1e-5)


@pytest.mark.parametrize("key", [GANS[0], *(pytest.param(key, marks=pytest.mark.nightly) for key in GANS[1:])])
def test_a_penalty_is_taken_in_half_precision_too(
    key: str, make: Make, normals: list[Film], finder: CrossFittedLungs
) -> None:
    first = {}
    for precision in ("fp32", "bf16"):
        detector = make(key, game="wgan-gp", critic_steps=1)
        detector.fit(normals, finder=finder, training=QUICK.model_copy(update={"precision": precision}))
        assert detector.history is not None
        first[precision] = {name: values[0] for name, values in detector.history.parts.items()}
    assert first["bf16"] != first["fp32"]
    assert first["bf16"] == pytest.approx(first["fp32"], rel=0.05, abs=0.05)


def test_the_generators_steps_leave_the_discriminators_running_averages(
    make: Make, batch: tuple[Tensor, Tensor]
) -> None:
    detector = drawn(make, "alpha-gan")
    taken(detector, batch)
    counted_batches = [int(value) for name, value in detector.networks["d"].state_dict().items() if "tracked" in name]
    assert set(counted_batches) == {2}, "films and made images, once each"
    of_g = [int(value) for name, value in detector.networks["g"].state_dict().items() if "tracked" in name]
    assert set(of_g) == {1}, "images of codes, which it also draws when it scores; not those of noise"
