"""PSNR and SSIM of reconstructions, against scikit-image and against what they mean."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor, nn

from tests.short_tv import short_tv
from unseen.evaluation import reconstruction_quality
from unseen.evaluation.psnr_ssim import psnr, ssim
from unseen.evaluation.reconstruction_quality import evaluate_reconstructor
from unseen.physics import Gaussian, Identity, Mask, Measurement
from unseen.priors.tv import TV
from unseen.reconstruction import ArtifactRemoval, learn
from unseen.reconstruction.reconstructor import starting_image


@pytest.fixture(autouse=True)
def _short_tv() -> Iterator[None]:
    with short_tv():
        yield


def images(channels: int = 1) -> tuple[Tensor, Tensor]:
    """Return a smooth truth in [0, 0.8] and a noisy one."""
    rng = torch.Generator().manual_seed(0)
    truth = 0.4 + 0.4 * torch.sin(torch.linspace(0, 9, 32)[:, None] * torch.linspace(0, 1, 28)[None])
    truth = truth.expand(3, channels, 32, 28).clone() * torch.tensor([1.0, 0.5, 0.9])[:, None, None, None]
    return truth + 0.1 * torch.randn(truth.shape, generator=rng), truth


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("peak", [1.0, 0.7])
def test_psnr_is_scikit_images(channels: int, peak: float) -> None:
    found, truth = images(channels)
    expected = [
        peak_signal_noise_ratio(x.numpy().astype(np.float64), y.numpy().astype(np.float64), data_range=peak)
        for x, y in zip(truth, found, strict=True)
    ]
    assert psnr(found, truth, peak=peak).tolist() == pytest.approx(expected, rel=1e-12)


def test_the_papers_psnr_takes_each_truths_own_maximum() -> None:
    found, truth = images()
    own = [float(psnr(found[i : i + 1], truth[i : i + 1], peak=float(truth[i].max()))) for i in range(3)]
    assert psnr(found, truth, peak=None).tolist() == pytest.approx(own)
    assert bool((psnr(found, truth, peak=None) < psnr(found, truth)).all())


@pytest.mark.parametrize("peak", [1.0, None])
def test_equal_images_have_an_infinite_psnr_also_where_they_are_blank(peak: float | None) -> None:
    blank = torch.zeros(2, 1, 4, 4)
    assert psnr(blank, blank, peak=peak).tolist() == [math.inf, math.inf]
    assert psnr(blank + 0.1, blank, peak=None).tolist() == [-math.inf, -math.inf]
    assert bool(psnr(blank * math.nan, blank, peak=peak).isnan().all())


def test_a_blank_image_has_no_range_for_psnr_ei() -> None:
    truth = images()[1].clone()
    truth[1] = 0
    with pytest.raises(ValueError, match="1 of 3 images are 0 everywhere"):
        evaluate_reconstructor(reconstructor(), truth, metrics=["psnr-ei"])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("peak", [1.0, 0.7])
def test_ssim_is_scikit_images(channels: int, peak: float) -> None:
    found, truth = images(channels)
    expected = [
        structural_similarity(
            x.numpy().astype(np.float64),
            y.numpy().astype(np.float64),
            data_range=peak,
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for x, y in zip(truth, found, strict=True)
    ]
    assert ssim(found, truth, peak=peak).tolist() == pytest.approx(expected, rel=1e-9)


def test_complex_images_are_compared_by_magnitude() -> None:
    found, truth = images()
    found, truth = found.abs(), truth.abs()
    turned = torch.polar(found, torch.full_like(found, 1.3))
    assert torch.allclose(psnr(turned, truth.to(torch.complex64)), psnr(found, truth), rtol=1e-6)
    assert torch.allclose(ssim(turned, truth.to(torch.complex64)), ssim(found, truth), rtol=1e-5)


def test_bad_input_is_told_in_a_sentence() -> None:
    found, truth = images()
    with pytest.raises(ValueError, match=r"have \(3, 1, 32, 27\) and \(3, 1, 32, 28\)"):
        psnr(found[..., :-1], truth)
    with pytest.raises(ValueError, match="above 0, but got 0"):
        psnr(found, truth, peak=0.0)
    with pytest.raises(ValueError, match="at least 11 × 11 pixels, but got 10 × 28"):
        ssim(found[:, :, :10], truth[:, :, :10])


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_no_images_have_no_figures(metric: Callable[..., Tensor]) -> None:
    found, truth = images()
    assert metric(found[:0], truth[:0]).shape == (0,)


@pytest.mark.parametrize("metric", [psnr, ssim])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float64])
def test_whole_numbers_above_the_peak_are_warned_of(metric: Callable[..., Any], dtype: type[Any]) -> None:
    """With the default peak of 1, pixels of 8 bits had a PSNR of -27 dB without a message."""
    found, truth = (np.round(255 * one.numpy()).astype(dtype) for one in images())
    with pytest.warns(UserWarning, match=r"is 1, but the truth has whole numbers up to \d+. Give peak=255"):
        metric(found, truth)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric(found, truth, peak=255) == pytest.approx(metric(found / 255, truth / 255), rel=1e-9)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_arrays_are_compared_as_tensors_are(metric) -> None:  # type: ignore[no-untyped-def]
    found, truth = images()
    given = metric(found.numpy(), truth=truth.numpy())
    assert isinstance(given, np.ndarray) and np.array_equal(given, metric(found, truth).numpy())
    mixed = metric(found, truth.numpy())  # the first argument decides
    assert isinstance(mixed, Tensor) and torch.equal(mixed, metric(found=found, truth=truth))
    with pytest.raises(TypeError, match="A tensor or a NumPy array is expected, but got a list"):
        metric([1.0], truth)


def reconstructor() -> ArtifactRemoval:
    """Return a network that was not trained, with its process."""
    f = ArtifactRemoval(features=4, depth=1)
    f.process = Measurement(Mask(torch.arange(32 * 28).reshape(1, 32, 28) % 3 > 0))
    return f.eval()


def worst(found: Tensor, truth: Tensor) -> Tensor:
    return (found - truth).abs().flatten(1).amax(dim=1)


def test_an_own_metric_is_reported_like_the_others_and_arrays_are_taken() -> None:
    _, truth = images()
    found = evaluate_reconstructor(reconstructor(), truth.double().numpy(), metrics=["psnr", worst])
    assert found.values["A†"]["worst"] == pytest.approx(truth.flatten(1)[:, ::3].amax(dim=1).tolist(), rel=1e-5)
    assert found.mean("A†", "worst").value > 0 and "A†: worst" in "\n".join(found.lines)
    expected = evaluate_reconstructor(reconstructor(), truth, metrics=["psnr"])
    assert found.values["A†"]["psnr"] == pytest.approx(expected.values["A†"]["psnr"])


def test_two_metrics_of_one_name_are_refused() -> None:
    """The second one replaced the first without a message, such as two lambdas."""
    two = [lambda found, truth: worst(found, truth), lambda found, truth: 2 * worst(found, truth)]
    with pytest.raises(ValueError, match=r"2 metrics have the name <lambda>\. Give each function another name"):
        evaluate_reconstructor(reconstructor(), images()[1], metrics=two)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (lambda found, truth: (found - truth).abs().mean(), r"the metric <lambda> gives .* \(3\), but gave \(\)"),
        (lambda found, truth: worst(found, truth) * torch.nan, "finite: False"),
        ("mae", "psnr-ei, or functions, but got 'mae'"),
    ],
)
def test_a_metric_that_is_no_value_per_image_is_refused(metric: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evaluate_reconstructor(reconstructor(), images()[1], metrics=[metric])  # type: ignore[list-item]


def test_a_function_in_place_of_a_reconstructor_is_refused() -> None:
    with pytest.raises(TypeError, match="f is a reconstructor, such as learn and load return, but got a function"):
        evaluate_reconstructor(worst, images()[1])  # type: ignore[arg-type]  # the mistake


def test_one_image_has_no_interval() -> None:
    found = evaluate_reconstructor(reconstructor(), images()[1][:1])
    assert all("(" not in line for line in found.lines)
    figure = found.to_json()["methods"]["A†"]["psnr"]  # type: ignore[index]
    assert figure["value"] > 0 and figure["low"] is None and figure["reason"] == "one image"


def test_measurements_by_several_operators_need_one_operator_each() -> None:
    """The third measurement was taken as made by the first of two operators."""
    masks = torch.stack([(torch.arange(32 * 28).reshape(1, 32, 28) + i) % 3 > 0 for i in range(2)])
    process, truth = Measurement(Mask(masks)), images()[1][:3]
    rows = torch.tensor([1, 0, 1])
    f = learn(
        process.select(rows)(0.5 * truth), process, losses="mc", operators=rows, epochs=1,
        network=ArtifactRemoval.for_process(process, features=4, depth=1),
    )  # fmt: skip
    y = process.select(rows)(truth)
    with pytest.raises(ValueError, match=r"2 operators or noise levels, but there are 3 measurements.*select\(index\)"):
        evaluate_reconstructor(f, truth, measurements=y)
    f.process = process.select(rows)
    found = evaluate_reconstructor(f, truth, measurements=y, metrics="psnr")
    assert found.images == 3
    expected = psnr(starting_image(y, f.process, "auto"), truth)
    assert found.values["A†"]["psnr"] == pytest.approx(expected.tolist())


def test_a_metric_may_be_given_alone() -> None:
    """ "psnr" was read as the metrics p, s, n and r."""
    f, truth = reconstructor(), images()[1]
    for one in ("psnr", worst):
        assert (
            evaluate_reconstructor(f, truth, metrics=one).values
            == evaluate_reconstructor(f, truth, metrics=[one]).values
        )
    with pytest.raises(ValueError, match="metrics are psnr, ssim, psnr-ei, or functions, but got none"):
        evaluate_reconstructor(f, truth, metrics=[])


def test_a_reconstructor_in_training_mode_is_evaluated_as_in_use() -> None:
    """Dropout and batch statistics changed the figures of a model that `f.train()` had left in training mode."""
    process, truth = Measurement(Mask(torch.arange(32 * 28).reshape(1, 32, 28) % 3 > 0)), images()[1]
    network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.BatchNorm2d(1), nn.Dropout(0.5))
    f = learn(process(truth), process, losses="mc", network=network, epochs=1)
    f.training_digests = ()
    expected = evaluate_reconstructor(f, truth, metrics=["psnr"]).values
    f.train()
    network[1].eval()
    before = {name: value.clone() for name, value in f.state_dict().items()}
    assert evaluate_reconstructor(f, truth, metrics=["psnr"]).values == expected
    assert all(torch.equal(value, before[name]) for name, value in f.state_dict().items())
    assert f.training and not network[1].training, "each module is back in its mode"


@pytest.mark.parametrize(
    ("scale", "metrics", "warned"),
    [(1, ["psnr"], False), (255, ["psnr"], True), (1e-5, ["ssim"], True), (255, ["psnr-ei", worst], False)],
)
def test_images_of_another_range_are_warned_of(scale: float, metrics: list[str], warned: bool) -> None:
    truth = images()[1] * scale
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        evaluate_reconstructor(reconstructor(), truth, metrics=metrics)  # type: ignore[arg-type]
    assert any("take 1 as the range" in str(warning.message) for warning in shown) == warned


def test_training_measurements_are_left_out_in_either_precision() -> None:
    """The same measurements in double precision must not count as images that the network has not seen."""
    process, truth = Measurement(Mask(torch.arange(32 * 28).reshape(1, 32, 28) % 3 > 0)), images()[1]
    y = process(truth)
    seen = y[:2]
    for learnt, given in ((seen.double(), y), (seen, y.double()), (seen.double(), y.numpy())):
        f = learn(
            learnt, process, losses="mc", network=ArtifactRemoval.for_process(process, features=4, depth=1), epochs=1
        )
        assert evaluate_reconstructor(f, truth, measurements=given, metrics=["psnr"]).left_out == 2


def test_total_variation_takes_the_noise_level_of_each_image() -> None:
    """Before, it took the mean level of up to eight images, and an image's figure depended on its batch mates."""
    truth = torch.zeros(2, 1, 16, 16)
    truth[..., 4:12, 4:12] = 0.9
    levels = torch.tensor([0.01, 0.3])
    f = ArtifactRemoval(features=4, depth=1)
    f.process, f.trained_on = Measurement(Identity((1, 16, 16)), Gaussian(levels)), "cpu"
    y = f.process(truth, generator=torch.Generator().manual_seed(0))
    with pytest.MonkeyPatch.context() as whole:
        whole.setattr(reconstruction_quality, "TV", TV)
        found = evaluate_reconstructor(f, truth, measurements=y, metrics="psnr").values["TV"]["psnr"]
        for i in range(2):
            f.process = Measurement(Identity((1, 16, 16)), Gaussian(levels[i]))
            one = slice(i, i + 1)
            alone = evaluate_reconstructor(f, truth[one], measurements=y[one], metrics="psnr").values["TV"]["psnr"]
            assert found[i] == pytest.approx(alone[0], abs=1.0)
