"""The law of `Generator`, for every registered generator, the linear one and a wrapped network."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.priors.generators import EVERY, LATENT, SIZE, in_double, linear, shapes, trained, untrained, wrapped
from tests.seeded import rng
from unseen.artifacts import RecipeError
from unseen.networks import DcganDecoder
from unseen.priors import GENERATORS, Generator, TrainedGenerator, Wrapped

N = 5


@pytest.mark.parametrize("name", EVERY)
def test_it_has_every_part_of_the_protocol(name: str) -> None:
    assert isinstance(EVERY[name](), Generator)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("n", [0, 1, N])
def test_latents_make_as_many_finite_images(name: str, n: int) -> None:
    G = EVERY[name]()
    z = G.latents(n, generator=rng())
    assert tuple(z.shape) == (n, *G.latent_shape)
    images = G(z)
    assert tuple(images.shape) == (n, 1, SIZE, SIZE) and images.dtype == torch.float32
    assert torch.isfinite(images).all()


@pytest.mark.parametrize("name", [name for name in EVERY if name != "linear"])
def test_images_lie_between_black_and_white(name: str) -> None:
    G = EVERY[name]()
    far = 100 * G.latents(20, generator=rng())
    assert G(far).min() >= 0 and G(far).max() <= 1
    assert G(far).max() > G(far).min()


@pytest.mark.parametrize("name", EVERY)
def test_a_sample_is_the_image_of_latents_drawn_alike(name: str) -> None:
    G = EVERY[name]()
    state = torch.random.get_rng_state()
    assert torch.equal(G.sample(N, generator=rng(3)), G(G.latents(N, generator=rng(3))))
    assert not torch.equal(G.latents(N, generator=rng(3)), G.latents(N, generator=rng(4)))
    assert torch.equal(state, torch.random.get_rng_state()), "nothing is drawn from torch's global generator"


@pytest.mark.parametrize("name", EVERY)
def test_a_image_is_of_its_own_latent_alone(name: str) -> None:
    G = in_double(EVERY[name]())
    z = G.latents(N, generator=rng()).double()
    together = G(z)
    alone = torch.cat([G(one[None]) for one in z])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-9)
    z.requires_grad_()
    (gradient,) = torch.autograd.grad(G(z)[1].sum(), z)
    assert gradient[1].abs().sum() > 0
    gradient[1] = 0
    assert (gradient == 0).all()


@pytest.mark.parametrize("name", EVERY)
def test_it_is_differentiable_and_the_derivative_is_right(name: str) -> None:
    G = in_double(EVERY[name]())
    z = G.latents(2, generator=rng()).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: G(z)[..., ::5, ::5], z, eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_the_penalty_is_twice_minus_the_log_density_of_the_prior(name: str) -> None:
    G = in_double(EVERY[name]())
    z = G.latents(N, generator=rng()).double()
    spread = linear().spread.double() if name == "linear" else torch.ones(z[0].numel(), dtype=torch.float64)
    prior = torch.distributions.Normal(torch.zeros_like(spread), spread)

    def log_density(z: torch.Tensor) -> torch.Tensor:
        return prior.log_prob(z.flatten(1)).sum(dim=1)

    penalty = G.penalty(z)
    assert penalty.shape == (N,)
    torch.testing.assert_close(penalty, 2 * (log_density(torch.zeros_like(z)) - log_density(z)), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_latents_follow_the_prior_that_the_penalty_is_of(name: str) -> None:
    G = EVERY[name]()
    mean = G.penalty(G.latents(4000, generator=rng())).mean()
    assert mean == pytest.approx(LATENT, rel=0.08), "of k standard normal numbers the squares' sum is k on average"


@pytest.mark.parametrize("key", GENERATORS)
def test_it_keeps_to_the_shapes_it_was_made_for(key: str) -> None:
    G = trained(key)
    assert G.latent_shape == (LATENT,)
    for bad in (torch.zeros(2, LATENT + 1), torch.zeros(LATENT), torch.zeros(2, LATENT, 1, 1)):
        with pytest.raises(ValueError, match=rf"latents of this {key} are \(n, {LATENT}\), but got \("):
            G(bad)


@settings(max_examples=25)
@given(shape=st.lists(st.integers(0, 4), max_size=4).filter(lambda shape: shape[1:] != [LATENT, 1, 1]))
def test_a_wrapped_network_names_the_latents_that_it_takes(shape: list[int]) -> None:
    with pytest.raises(ValueError, match=rf"latents of this generator are \(n, {LATENT}, 1, 1\), but got \("):
        wrapped()(torch.zeros(shape))


@pytest.mark.parametrize("key", GENERATORS)
def test_before_it_knows_its_size_it_says_so(key: str) -> None:
    G = untrained(key)
    with pytest.raises(ValueError, match=f"this {key} has no networks yet. Fit it, or give it a size: size=32"):
        G(torch.zeros(1, LATENT))
    assert untrained(key, size=32)(torch.zeros(1, LATENT)).shape == (1, 1, 32, 32)
    assert untrained(key, size=32, channels=3)(torch.zeros(1, LATENT)).shape == (1, 3, 32, 32)


@pytest.mark.parametrize("key", GENERATORS)
def test_unknown_settings_are_named(key: str) -> None:
    kind: type[TrainedGenerator] = type(trained(key))
    with pytest.raises(RecipeError, match=f"{key}.latnt: unknown; did you mean latent"):
        kind(latent=3, latnt=4)
    with pytest.raises(RecipeError, match=f"{key}.latent: missing"):
        kind()
    with pytest.raises(ValueError, match="power of two from 16 up"):
        kind(latent=3, size=24)


def test_a_wrapped_network_is_what_it_was() -> None:
    torch.manual_seed(1)
    decoder = DcganDecoder(SIZE, features=4, latent=LATENT)
    G = Wrapped(decoder, (LATENT, 1, 1), values=(-1, 1))
    assert not decoder.training
    z = G.latents(2, generator=rng())
    assert torch.equal(G(z), (decoder(z) + 1) / 2)
    plain = Wrapped(decoder, (LATENT, 1, 1))
    assert torch.equal(plain(z), decoder(z))


def test_what_cannot_be_wrapped_is_told() -> None:
    linear = nn.Linear(3, 4)
    with pytest.raises(ValueError, match=r"the module does not take latents \(2, 5\): mat1 and mat2"):
        Wrapped(linear, (5,))
    with pytest.raises(ValueError, match=r"two real images .* but made torch.float32 of shape \(2, 4\)"):
        Wrapped(linear, (3,))
    with pytest.raises(ValueError, match="values is what the module means by black and white"):
        Wrapped(linear, (3,), values=(1, 1))
    with pytest.raises(ValueError, match=r"latent_shape is one latent's, .* but got \(\)"):
        Wrapped(linear, ())


def test_the_linear_generator_penalises_what_its_images_never_did() -> None:
    flat = shapes(8)
    flat[4:] = flat[:4]
    from unseen.priors import PrincipalSubspace

    subspace = PrincipalSubspace.fit(flat, components=6)
    subspace.spread[3:] = 0
    z = torch.zeros(2, 6)
    z[1, 5] = 1e-3
    assert subspace.penalty(z)[0] == 0 and subspace.penalty(z)[1] > 1e30
