"""The projection against computations from outside: ray marching, closed forms, photon statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unseen.data.phantoms.acquisition import draw_acquisition, prepare
from unseen.data.phantoms.attenuation import SOFT, WATER, from_hounsfield
from unseen.data.phantoms.geometry import Grid, add_rod, ellipsoid, half_chord, smooth_maximum
from unseen.data.phantoms.sequences import Case, draw_healthy
from unseen.physics.measurement import BeerLambert


def straight(size: int = 96, field_cm: float = 24.0) -> Grid:
    return Grid.of(size, field_cm=field_cm, top_cm=-0.5 * field_cm, offset_cm=0.0, lean=0.0, bend_cm=0.0)


@settings(max_examples=8, deadline=None)
@given(width=st.floats(3.0, 9.0), height=st.floats(3.0, 9.0), depth=st.floats(1.0, 9.0), angle=st.floats(-1.5, 1.5))
def test_transmission_of_an_ellipsoid_agrees_with_ray_marching(
    width: float, height: float, depth: float, angle: float
) -> None:
    grid = straight(48)
    path = ellipsoid(grid, x=0.7, y=-0.4, width=width, height=height, depth=depth, angle=angle)
    z = np.linspace(-9.5, 9.5, 3801)
    dx, dy = grid.x - 0.7, np.broadcast_to(grid.y + 0.4, grid.x.shape)
    u = (math.cos(angle) * dx + math.sin(angle) * dy) / width
    v = (math.cos(angle) * dy - math.sin(angle) * dx) / height
    marched = ((u * u + v * v)[..., None] + (z / depth) ** 2 < 1.0).sum(axis=-1) * (z[1] - z[0])
    I0 = 1e6
    counts = BeerLambert(I0)(torch.from_numpy(SOFT * path)).numpy()
    assert np.allclose(counts / I0, np.exp(-SOFT * marched), atol=2.5e-3)


def test_volume_of_solids_is_that_of_the_textbook() -> None:
    grid = straight(256)
    ball = ellipsoid(grid, x=0.0, y=0.0, width=5.0, height=5.0, depth=5.0)
    assert ball.sum() * grid.pixel_cm**2 == pytest.approx(4 / 3 * math.pi * 125, rel=2e-3)
    rod = np.zeros_like(ball)
    add_rod(rod, grid, (-6.0, -2.0), (6.0, 3.0), radius=1.0)
    assert rod.sum() * grid.pixel_cm**2 == pytest.approx(math.pi * 13.0 + 4 / 3 * math.pi, rel=5e-3)


def test_smooth_maximum_lies_under_the_sum_and_over_nothing() -> None:
    a = np.array([0.0, 0.0, 5.0, 9.0], np.float32)
    b = np.array([0.0, 5.0, 5.0, 1.0], np.float32)
    got = smooth_maximum(a, b, width=1.0)
    assert got[0] == 0.0 and np.all(np.abs(got - np.maximum(a, b)) <= 0.5)
    assert half_chord(np.array([-1.0, 0.0, 1.0, 3.0], np.float32)).tolist() == [0.0, 0.0, 1.0, 1.0]


def test_hounsfield_units_are_anchored_at_air_and_water() -> None:
    assert from_hounsfield(0.0) == WATER and from_hounsfield(-1000.0) == 0.0 and from_hounsfield(-2000.0) == 0.0


def test_noise_of_the_film_is_the_photons() -> None:
    healthy = draw_healthy(Case(seed=0, stream="normal", index=0, size=64, kind=None))
    from unseen.data.phantoms.acquisition import _counted

    flat = np.full((64, 64), 1.0, np.float32)
    processing = prepare(healthy.acquisition, flat, np.ones((64, 64), np.bool_))
    I0 = 1e5
    seen = _counted(healthy.acquisition, processing, flat, I0=I0, blur=0.0, noise_seed=5)
    share = math.exp(-1.0) + float(processing.scatter.mean())
    assert float(np.exp(-seen).mean()) == pytest.approx(share, rel=1e-3)
    expected = math.sqrt(share * I0 + healthy.acquisition.read_noise**2) / (share * I0)
    assert float(seen.std()) == pytest.approx(expected, rel=0.06)


def test_settings_of_an_exposure_are_drawn_from_their_generator() -> None:
    assert draw_acquisition(np.random.default_rng(3)) == draw_acquisition(np.random.default_rng(3))
    assert draw_acquisition(np.random.default_rng(3)) != draw_acquisition(np.random.default_rng(4))
