"""The linear generator, against scikit-learn's PCA, and the law of generators."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from unseen.priors.principal_subspace import PrincipalSubspace

SIZE, N, K = 12, 60, 7


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.randn(N, 1, 4, 4, generator=rng), size=(SIZE, SIZE), mode="bilinear")
    return smooth + 0.1 * torch.randn(N, 1, SIZE, SIZE, generator=rng) + 0.5


@pytest.fixture(scope="module")
def subspace(images: torch.Tensor) -> PrincipalSubspace:
    return PrincipalSubspace.fit(images, components=K)


@pytest.fixture(scope="module")
def reference(images: torch.Tensor) -> PCA:
    return PCA(n_components=K, svd_solver="full").fit(images.flatten(1).double().numpy())


def test_the_distance_is_the_squared_error_of_scikit_learns_reconstruction(
    images: torch.Tensor, subspace: PrincipalSubspace, reference: PCA
) -> None:
    new = torch.rand(20, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    for some in (images, new):
        flat = some.flatten(1).double().numpy()
        rebuilt = reference.inverse_transform(reference.transform(flat))
        expected = ((flat - rebuilt) ** 2).mean(axis=1)
        assert np.allclose(subspace.distance(some).numpy(), expected, rtol=1e-4, atol=1e-8)


def test_mean_spread_and_latents_are_scikit_learns_but_for_signs(
    images: torch.Tensor, subspace: PrincipalSubspace, reference: PCA
) -> None:
    assert np.allclose(subspace.mean.flatten(), reference.mean_, atol=1e-6)
    assert np.allclose(subspace.spread**2, reference.explained_variance_, rtol=1e-4)
    expected = reference.transform(images.flatten(1).double().numpy())
    assert np.allclose(subspace.latent(images).abs(), np.abs(expected), atol=1e-3)


def test_components_are_orthonormal(subspace: PrincipalSubspace) -> None:
    assert torch.allclose(subspace.components @ subspace.components.T, torch.eye(K), atol=1e-5)


def test_what_the_generator_makes_lies_in_its_range(subspace: PrincipalSubspace) -> None:
    z = torch.randn(9, K, generator=torch.Generator().manual_seed(2)) * 3
    made = subspace(z)
    assert made.shape == (9, 1, SIZE, SIZE)
    assert subspace.distance(made).max() < 1e-10
    assert torch.allclose(subspace.latent(made), z, atol=1e-4)


def test_no_point_of_the_range_is_nearer_than_the_projection(images: torch.Tensor, subspace: PrincipalSubspace) -> None:
    z = subspace.latent(images)
    nearest = subspace.distance(images)
    for seed in range(5):
        other = subspace(z + 0.1 * torch.randn(z.shape, generator=torch.Generator().manual_seed(seed)))
        assert (((images - other) ** 2).flatten(1).mean(1) >= nearest).all()


def test_distance_is_taken_over_the_mask(images: torch.Tensor, subspace: PrincipalSubspace) -> None:
    inside = torch.zeros(N, 1, SIZE, SIZE, dtype=torch.bool)
    inside[:, :, 2:9, 3:7] = True
    residual = (images - subspace(subspace.latent(images))) ** 2
    expected = residual[:, :, 2:9, 3:7].flatten(1).mean(1)
    assert torch.allclose(subspace.distance(images, inside=inside), expected, rtol=1e-5)
    everything = torch.ones_like(inside)
    assert torch.allclose(subspace.distance(images, inside=everything), subspace.distance(images))
    assert (subspace.distance(images, inside=~everything) == 0).all(), "an empty mask is no division by zero"


def test_a_distance_does_not_depend_on_the_batch(images: torch.Tensor, subspace: PrincipalSubspace) -> None:
    together = subspace.distance(images)
    alone = torch.cat([subspace.distance(image[None]) for image in images])
    assert torch.allclose(together, alone, rtol=1e-4)


def test_sampling_is_the_generator_of_latents_from_the_prior(subspace: PrincipalSubspace) -> None:
    drawn = subspace.sample(4000, generator=torch.Generator().manual_seed(3))
    z = torch.randn(4000, *subspace.latent_shape, generator=torch.Generator().manual_seed(3)) * subspace.spread
    assert torch.equal(drawn, subspace(z)), "the law: sample(n, generator=g) is G(z) for n latents drawn with g"
    latents = subspace.latent(drawn)
    assert torch.allclose(latents.std(0), subspace.spread, rtol=0.06)
    assert (latents.mean(0).abs() < 5 * subspace.spread / 4000**0.5).all()
    covariance = torch.corrcoef(latents.T) - torch.eye(K)
    assert covariance.abs().max() < 5 / 4000**0.5


def test_the_state_loads_into_an_empty_subspace(images: torch.Tensor, subspace: PrincipalSubspace) -> None:
    other = PrincipalSubspace(SIZE, components=K)
    other.load_state_dict(subspace.state_dict())
    assert torch.equal(other.distance(images), subspace.distance(images))


def test_too_few_images_are_refused_with_a_sentence(images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="7 principal components need more than 7 training films; got 7"):
        PrincipalSubspace.fit(images[:7], components=7)
