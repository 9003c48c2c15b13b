"""Every lesion keeps to its cited range, its place and its mask."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation

from unseen.data.phantoms.attenuation import from_hounsfield
from unseen.data.phantoms.consolidations import consolidation
from unseen.data.phantoms.effusions import effusion
from unseen.data.phantoms.lesion import Lesion
from unseen.data.phantoms.lesion_ranges import (
    CONTRASTS,
    EFFUSION_HU,
    KINDS,
    NODULE_MM,
    NODULE_SOLID_HU,
    SIZES,
    Kind,
    contrast_of,
)
from unseen.data.phantoms.nodules import nodule
from unseen.data.phantoms.patient import Patient, draw_patient
from unseen.data.phantoms.pneumothoraces import pneumothorax
from unseen.data.phantoms.sequences import abnormals, twins

DRAW = {"nodule": nodule, "consolidation": consolidation, "effusion": effusion, "pneumothorax": pneumothorax}


def drawn(kind: Kind, seed: int, size: int = 64) -> tuple[Patient, Lesion]:
    patient = draw_patient(np.random.default_rng(seed), size=size)
    return patient, DRAW[kind](patient, np.random.default_rng(seed + 1))


@settings(max_examples=30, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10_000), size=st.sampled_from([64, 97, 160]))
def test_sizes_and_places_of_lesions(kind: Kind, seed: int, size: int) -> None:
    patient, lesion = drawn(kind, seed, size)
    span = SIZES[kind]
    assert span.low <= lesion.size <= span.high
    assert lesion.kind == kind
    by_size = CONTRASTS.index(contrast_of(kind, lesion.size))
    drop = by_size - CONTRASTS.index(lesion.contrast)  # a part-solid nodule counts by its core
    assert 0 <= drop <= 2 if kind == "nodule" else drop == 0
    assert lesion.change.dtype == np.float32 and np.isfinite(lesion.change).all()
    changed = np.abs(lesion.change) > 1e-6
    assert changed.any() and not (changed & ~patient.body).any()
    assert not (changed & (patient.lungs.cavity <= 0.0)).any()


@pytest.mark.parametrize("seed", range(6))
def test_effusion_holds_its_volume(seed: int) -> None:
    patient, lesion = drawn("effusion", seed, 256)
    fluid = from_hounsfield(0.5 * (EFFUSION_HU.low + EFFUSION_HU.high)) - patient.lung_mu
    drowned = np.where(lesion.change != 0.0, np.maximum(patient.vessels, 0.0), 0.0).sum()
    volume = lesion.change.sum() * patient.grid.pixel_cm**2 / fluid
    slack = drowned * patient.grid.pixel_cm**2 / fluid
    assert 0.97 * lesion.size - slack <= volume <= 1.03 * lesion.size


@pytest.mark.parametrize("size", [64, 128, pytest.param(256, marks=pytest.mark.nightly)])
def test_nodule_weighs_as_much_at_every_resolution(size: int) -> None:
    for seed in range(12):
        patient, lesion = drawn("nodule", seed, size)
        volume = math.pi / 6.0 * (0.1 * lesion.size) ** 3
        most = (from_hounsfield(NODULE_SOLID_HU.high) - patient.lung_mu) * volume
        weight = float(lesion.change.sum()) * patient.grid.pixel_cm**2
        assert 0.05 * most < weight < 1.1 * most


def test_nodule_lies_at_the_same_place_at_every_size() -> None:
    centres = []
    for size in (128, 256):
        _, lesion = drawn("nodule", 4, size)
        rows, columns = np.indices(lesion.change.shape)
        total = lesion.change.sum()
        centres.append(((rows * lesion.change).sum() / total / size, (columns * lesion.change).sum() / total / size))
    assert np.allclose(centres[0], centres[1], atol=0.01)


def test_pneumothorax_is_lucent_and_effusion_dense() -> None:
    for seed in range(8):
        assert drawn("effusion", seed)[1].change.min() >= -0.05
        patient, lesion = drawn("pneumothorax", seed, 256)
        assert lesion.change.min() < -0.05
        beyond = lesion.change < -0.03
        assert (patient.vessels[beyond] + lesion.change[beyond]).mean() < 0.02


def test_contrast_is_the_third_of_the_cited_range() -> None:
    thirds = [contrast_of("nodule", NODULE_MM.at_log(p)) for p in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)]
    assert thirds == [c for c in CONTRASTS for _ in range(2)]
    with pytest.raises(ValueError, match=r"nodule of 31 mm: the range is 3 to 30"):
        contrast_of("nodule", 31.0)
    with pytest.raises(ValueError, match="pneumothorax of 4 mm"):
        contrast_of("pneumothorax", 4.0)


def test_contrasts_and_kinds_are_balanced() -> None:
    columns = [film.columns for film in abnormals(100, size=64)]
    for name, values in (("kind", KINDS), ("contrast", CONTRASTS)):
        for value in values:
            share = sum(c[name] == value for c in columns) / len(columns)
            assert abs(share - 1 / len(values)) < 0.13


def test_lesion_mask_is_where_twins_differ() -> None:
    for normal, abnormal in zip(*[iter(twins(16, seed=3, size=128))] * 2, strict=True):
        assert normal.lesion is not None and abnormal.lesion is not None and abnormal.lungs is not None
        assert not normal.lesion.any() and abnormal.lesion.any()
        difference = np.abs(abnormal.pixels - normal.pixels)
        around = binary_dilation(abnormal.lesion, iterations=4)
        assert difference[abnormal.lesion].mean() > 2.0 * difference[~around].mean()
        assert (abnormal.lesion & binary_dilation(abnormal.lungs, iterations=10)).any()


def test_lungs_are_two_fields_of_a_human_size() -> None:
    for seed in range(30):
        patient = draw_patient(np.random.default_rng(seed), size=128)
        field, grid = patient.lungs.field, patient.grid
        for side in (field & (grid.x < 0.0), field & (grid.x > 0.0)):
            assert 80.0 < side.sum() * grid.pixel_cm**2 < 420.0  # cm² of one lung field
        litres = patient.lungs.path.sum() * grid.pixel_cm**2 / 1000.0
        assert 2.0 < litres < 9.0  # total lung capacity of adults
        assert not (field & ~patient.body).any()
