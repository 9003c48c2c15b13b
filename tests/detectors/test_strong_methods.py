"""Distinguishing property of each detector that learns from normals alone: a test a method that no other one passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity
from sklearn.svm import OneClassSVM

from tests.detectors.conftest import QUICK, Make
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.anatomy.network_view import Viewed
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.ae_ssim import AeSsim
from unseen.detectors.ae_u import AeU
from unseen.detectors.anatpaste import AnatPaste
from unseen.detectors.classifier_lesions import ALL, grafted, pasted
from unseen.detectors.dae import Dae, coarse_noise
from unseen.detectors.dct import Dct
from unseen.detectors.ddad import Ddad
from unseen.detectors.deep_svdd import away_from_zero
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.even_choice import evenly
from unseen.detectors.lesion_classifier import _blurred, varied
from unseen.detectors.one_class_svm import OneClassSvm, _Machine
from unseen.detectors.patch_memory_lesion_features import PatchMemory
from unseen.detectors.student_teacher import disagreement
from unseen.networks.dcgan import DcganEncoder
from unseen.networks.resnet import ResNet18
from unseen.training.settings import Training

SOME = Training(epochs=20, batch_size=8, seed=3, device="cpu", threads=1)
LONGER = Training(epochs=60, batch_size=8, seed=3, device="cpu", threads=1)


@pytest.fixture(scope="module")
def views(trained: dict[str, Detector], normals: list[Film]) -> list[Viewed]:
    return [trained["dct"].look(film) for film in normals]


def stacked(views: list[Viewed]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.stack([view.masked for view in views]), torch.stack([view.inside for view in views])


def replaced(view: Viewed, image: torch.Tensor) -> Viewed:
    return Viewed(image, view.inside, view.lungs, view.box, view.lung_area, view.inner)


def test_dct_sees_low_frequencies_alone(trained: dict[str, Detector], views: list[Viewed]) -> None:
    """A ripple that has none of the kept coefficients in any patch leaves the score; a slope of its size does not."""
    detector = trained["dct"]
    whole = torch.ones_like(views[0].inside)
    view = Viewed(views[0].image, whole, whole, views[0].box, 1.0, views[0].inner)
    checkers = torch.from_numpy((-1.0) ** np.add.outer(np.arange(32), np.arange(32))).float()[None]
    mean, rippled, sloped = (
        detector.judge(replaced(view, view.image + change)).score
        for change in (0.0, 0.5 * checkers, 0.5 * torch.linspace(-1, 1, 32))
    )
    # a checkerboard's cosine coefficients lie at odd frequencies too, but hardly at the lowest
    assert abs(rippled - mean) < 0.1 * abs(sloped - mean)


def test_dct_is_the_distance_that_it_says(trained: dict[str, Detector], views: list[Viewed]) -> None:
    detector = trained["dct"]
    assert isinstance(detector, Dct)
    x, inside = stacked(views)
    order = sorted(((u, v) for u in range(16) for v in range(16)), key=lambda uv: (sum(uv), uv))[:10]
    place = int(detector.gaussians.known.nonzero()[0])

    def covered(place: int) -> NDArray[np.float64]:
        top, left = (4 * int(step) for step in divmod(place, 5))
        patches = x[:, 0, top : top + 16, left : left + 16].double().numpy()
        inner = inside[:, 0, top : top + 16, left : left + 16].float().mean(dim=(1, 2)).numpy() >= 0.5
        return np.array([[dctn(patch, norm="ortho")[u, v] for u, v in order] for patch in patches[inner]])

    seen = covered(place)
    assert detector.gaussians.mean[place].numpy() == pytest.approx(seen.mean(axis=0), abs=1e-4)
    whitening = detector.gaussians.whitening[place].double().numpy()
    covariance = np.linalg.inv(whitening.T @ whitening)
    # Ledoit and Wolf keep the mean variance, and draw each towards it; each coefficient in units of its own spread
    everywhere = np.concatenate([found for found in map(covered, range(25)) if len(found)])
    shrunk, plain = (one / everywhere.var(axis=0, ddof=1) for one in (np.diag(covariance), seen.var(axis=0)))
    assert shrunk.mean() == pytest.approx(plain.mean(), rel=1e-3)
    assert (np.abs(shrunk - shrunk.mean()) <= np.abs(plain - plain.mean()) + 1e-3 * plain.mean()).all()
    off = np.abs(covariance / np.sqrt(np.outer(np.diag(covariance), np.diag(covariance))) - np.eye(10)).max()
    assert off < np.abs(np.corrcoef(seen.T) - np.eye(10)).max() + 1e-6


def test_dct_needs_a_patch_that_fits(make: Make, normals: list[Film], finder: CrossFittedLungs) -> None:
    with pytest.raises(FitError, match=r"dct\.patch"):
        make("dct", patch=64).fit(normals, finder=finder)
    with pytest.raises(ValueError, match="a patch of 4 has 16"):
        make("dct", patch=4, coefficients=17)


@pytest.mark.nightly
def test_dae_takes_coarse_noise_away(make: Make, normals: list[Film], finder: CrossFittedLungs) -> None:
    detector = make("dae", features=8, grid=4).fit(normals, finder=finder, training=LONGER)
    assert isinstance(detector, Dae)
    x, inside = stacked([detector.look(film) for film in normals])
    noise = coarse_noise(x, sigma=0.2, grid=4, generator=torch.Generator().manual_seed(7)) * inside
    with torch.inference_mode():
        left = (detector.network(x + noise) - x)[inside].square().mean()
    assert left < 0.7 * noise[inside].square().mean()


def test_coarse_noise_is_coarse_and_as_strong_as_it_says() -> None:
    noise = coarse_noise(torch.zeros(400, 1, 64, 64), sigma=0.2, grid=16, generator=torch.Generator().manual_seed(0))
    fine = coarse_noise(torch.zeros(400, 1, 64, 64), sigma=0.2, grid=64, generator=torch.Generator().manual_seed(0))
    assert fine.std() == pytest.approx(0.2, rel=0.02) and abs(float(noise.mean())) < 0.002
    # bilinear weights a, 1 − a, with offsets of 1/8, 3/8, … : mean of a² + (1 − a)² is 0.6875 an axis
    assert noise.std() == pytest.approx(0.2 * 0.66, rel=0.06)
    steps = noise[..., 1:] - noise[..., :-1]
    assert steps.square().mean() < 0.25 * noise.square().mean()
    assert (fine[..., 1:] - fine[..., :-1]).square().mean() > 1.9 * fine.square().mean()


@pytest.mark.nightly
def test_ae_u_knows_how_wrong_it_is(make: Make, normals: list[Film], finder: CrossFittedLungs) -> None:
    """At the minimum of its loss the squares, each over its own variance, are 1 on average."""
    detector = make("ae-u").fit(normals, finder=finder, training=LONGER)
    assert isinstance(detector, AeU)
    x, inside = stacked([detector.look(film) for film in normals])
    with torch.inference_mode():
        marks, restored = detector.marks(detector.network(x), x, inside)
    squares = (x - restored).square()[inside]
    assert 0.5 < float(marks[inside].mean()) < 2.0
    assert not 0.5 < float(squares.mean()) < 2.0, "the squares themselves are of another size"


def test_ae_ssim_marks_what_scikit_image_would(trained: dict[str, Detector], views: list[Viewed]) -> None:
    detector = trained["ae-ssim"]
    assert isinstance(detector, AeSsim)
    view = views[0]
    said = detector.judge(view)
    assert said.reconstruction is not None
    expected = structural_similarity(
        view.masked[0].numpy(),
        said.reconstruction,
        data_range=2.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )[1]
    inner = view.inside[0].numpy().copy()
    inner[:6] = inner[-6:] = inner[:, :6] = inner[:, -6:] = False  # it continues images otherwise at their edges
    assert inner.any()
    assert said.anomaly_map[inner] == pytest.approx(1 - expected[inner], abs=1e-4)


@pytest.mark.parametrize("lesion", ALL)
def test_lesions_stay_in_the_lungs_and_change_each_film(lesion: object, views: list[Viewed]) -> None:
    assert callable(lesion)
    x, inside = stacked(views)
    changed = lesion(x, inside, generator=torch.Generator().manual_seed(1))
    assert torch.equal(changed[~inside], x[~inside])
    assert ((changed - x).abs().flatten(1).amax(1) > 0.05).float().mean() > 0.9
    assert torch.equal(changed, lesion(x, inside, generator=torch.Generator().manual_seed(1)))
    nothing = lesion(x, torch.zeros_like(inside), generator=torch.Generator().manual_seed(1))
    assert torch.equal(nothing, x), "without lungs there is no lesion"


def test_a_pasted_patch_is_the_films_own() -> None:
    """A patch pasted into a film of zeros is zero, apart from the jitter of the patch's brightness (0.1 at most)."""
    x = torch.zeros(8, 1, 32, 32)
    changed = pasted(x, torch.ones_like(x).bool(), generator=torch.Generator().manual_seed(2))
    assert changed.abs().max() <= 0.1 + 1e-6


def test_a_graft_is_another_films() -> None:
    """A graft between a dark and a bright film makes the dark one brighter and the bright one darker."""
    x = torch.stack([torch.full((1, 32, 32), -0.8), torch.full((1, 32, 32), 0.2)])
    dark, bright = grafted(x, torch.ones_like(x).bool(), generator=torch.Generator().manual_seed(2))
    assert dark.max() > -0.3 and float(dark.min()) == pytest.approx(-0.8, abs=0.05) and bright.min() < 0.1


@pytest.mark.parametrize("kinds", ["both", "all"])
def test_one_film_alone_can_be_changed(make: Make, kinds: str) -> None:
    """A batch of one has nothing to share out between kinds of lesion."""
    detector = make("anatpaste", lesions=kinds)
    assert isinstance(detector, AnatPaste)
    x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(4))
    changed = detector.changed(x, torch.ones_like(x).bool(), torch.Generator().manual_seed(2))
    assert changed.shape == x.shape and not torch.equal(changed, x)


@pytest.mark.nightly
def test_anatpaste_tells_lesions_that_it_has_not_seen(
    make: Make, normals: list[Film], finder: CrossFittedLungs
) -> None:
    """More than 70 % of the images with a lesion (eight per film) have a higher score than the film without a lesion.

    The training is so long that the result does not depend on a processor's rounding.
    """
    detector = make("anatpaste", varied=False).fit(
        normals, finder=finder, training=LONGER.model_copy(update={"epochs": 40})
    )
    assert isinstance(detector, AnatPaste)
    x, inside = stacked([detector.look(film) for film in normals])
    with torch.inference_mode():
        clean = detector.classifier(x)[2]
        ill = [
            detector.classifier(detector.changed(x, inside, torch.Generator().manual_seed(11 + draw)))[2]
            for draw in range(8)
        ]
    assert float((torch.stack(ill) > clean).float().mean()) > 0.7, "half would be chance"


def test_patch_memory_knows_the_places_that_it_keeps(trained: dict[str, Detector], views: list[Viewed]) -> None:
    """A film all of whose places are in the memory has no distance; what is not kept is as far as its nearest."""
    detector = trained["patch-memory"]
    assert isinstance(detector, PatchMemory)
    kept = detector.places.kept[: int(detector.places.known)]
    assert len(kept) == 64 and float(detector.places(kept).max()) < 1e-3
    other = kept[:5] + 0.37
    assert torch.allclose(detector.places(other), (other[:, None] - kept).norm(dim=2).min(dim=1).values, rtol=1e-3)
    # greedy: no place of a training film is farther from the memory than its members are from each other
    reach = max(detector.judge(view).parts["largest"] for view in views)
    between = torch.cdist(kept, kept) + 1e9 * torch.eye(len(kept))
    assert reach <= float(between.min()) * 1.001


def test_the_classifier_is_resnet18_at_the_papers_width() -> None:
    """11,689,512 weights with three channels and 1,000 classes; ours sees one channel and says one number."""
    network = ResNet18(features=64)
    weights = sum(weight.numel() for weight in network.parameters())
    assert weights == 11_689_512 - 2 * 64 * 49 - (512 * 1000 + 1000) + (512 + 1)


def test_variation_keeps_to_the_mask_and_differs_from_film_to_film(views: list[Viewed]) -> None:
    x, inside = stacked([views[0]] * 6)
    changed = varied(x, inside, generator=torch.Generator().manual_seed(0))
    assert changed.shape == x.shape
    assert all(float((changed[0] - other).abs().max()) > 0.05 for other in changed[1:])
    assert (changed == 0).float().mean() > 0.2, "what lies outside the lungs stays at zero"


def test_of_many_films_a_density_is_made_of_some_from_all_over_the_list(
    make: Make, normals: list[Film], finder: CrossFittedLungs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unseen.detectors.anatpaste._MOST", 3)
    detector = make("anatpaste", score="density").fit(normals, finder=finder, training=QUICK)
    kept, n = detector.modules()["reference"].kept, len(normals)
    x, _ = stacked([detector.look(normals[place]) for place in evenly(range(n), 3)])
    with torch.no_grad():
        expected = torch.nn.functional.normalize(detector.modules()["classifier"](x)[1])
    assert kept.shape == expected.shape and torch.allclose(kept, expected, atol=1e-5)


def test_deep_svdd_gathers_films_about_a_centre_that_it_cannot_give_for_nothing(
    make: Make, trained: dict[str, Detector], normals: list[Film], finder: CrossFittedLungs, views: list[Viewed]
) -> None:
    detector, longer = trained["deep-svdd"], make("deep-svdd").fit(normals, finder=finder, training=SOME)
    encoder, centre = (detector.modules()[name] for name in ("encoder", "centre"))
    assert all(weight.ndim == 4 for weight in encoder.parameters() if weight.requires_grad), "no bias, no shift"
    with torch.no_grad():
        expected = (encoder(views[0].masked[None]).flatten() - centre.at).square().sum()
        torch.manual_seed(3)
        first = DcganEncoder(32, features=4, latent=8).eval()
        codes = first.train()(torch.stack([view.masked for view in views])).flatten(1)
    assert int((codes.mean(dim=0).abs() < 0.1).sum()) < len(centre.at), "not all are moved"
    assert detector.judge(views[0]).score == pytest.approx(float(expected), rel=1e-5)
    assert torch.allclose(centre.at, away_from_zero(codes.mean(dim=0)), atol=1e-5)
    assert away_from_zero(torch.tensor([0.01, -0.02, 0.3])).tolist() == pytest.approx([0.1, -0.1, 0.3])
    assert sum(longer.judge(view).score for view in views) < sum(detector.judge(view).score for view in views)


def test_one_class_svm_is_scikit_learns(trained: dict[str, Detector], views: list[Viewed]) -> None:
    """And at most a share ν of the training films lies outside, at least that share are support vectors."""
    detector = trained["one-class-svm"]
    assert isinstance(detector, OneClassSvm)
    with torch.no_grad():
        codes = torch.cat(
            [detector.network.get_submodule("0")(view.masked[None]).flatten(1) for view in views]
        ).double()
    units = ((codes - codes.mean(dim=0)) / codes.std(dim=0, unbiased=False)).numpy()
    machine = OneClassSVM(gamma=1 / 8, nu=0.1).fit(units)
    scores = [detector.judge(view).score for view in views]
    assert scores == pytest.approx(-machine.decision_function(units), abs=1e-4)
    outside = np.mean(np.array(scores) > 2e-3)  # those on the edge are support vectors too
    assert outside <= 0.1 <= int(detector.machine.known) / len(views), "Schölkopf's proposition 3"
    with pytest.raises(FitError, match="at most 2 allowed"):
        _Machine(2, 8).fit(codes, nu=0.5)


@pytest.mark.nightly
def test_a_student_learns_its_teachers_features_and_leaves_the_teacher_alone(
    make: Make, normals: list[Film], finder: CrossFittedLungs, trained: dict[str, Detector], views: list[Viewed]
) -> None:
    detector, longer = trained["student-teacher"], make("student-teacher").fit(normals, finder=finder, training=SOME)
    teacher, alone = (one.modules()["classifier"].state_dict() for one in (detector, trained["anatpaste"]))
    assert all(torch.equal(teacher[name], alone[name]) for name in teacher), (
        "it is the lesion classifier, at rest since"
    )
    x, _ = stacked(views)
    maps = {name: detector.modules()[name](x[:1])[0] for name in ("classifier", "student")}
    t, s = (maps[name][0][0, :, 3, 2].detach().double().numpy() for name in ("classifier", "student"))
    expected = ((t / np.linalg.norm(t) - s / np.linalg.norm(s)) ** 2).sum() / 2
    found = disagreement(maps["classifier"], maps["student"])
    assert len(found) == 3 and float(found[0][0, 0, 3, 2].detach()) == pytest.approx(expected, abs=1e-5)
    assert all(float(apart.detach().abs().max()) < 1e-6 for apart in disagreement(maps["student"], maps["student"]))

    def apart(one: Detector) -> float:
        with torch.no_grad():
            known, said = (one.modules()[name](x)[0] for name in ("classifier", "student"))
        return sum(float(place.mean()) for place in disagreement(known, said))

    longer_teacher = longer.modules()["classifier"]
    begun = ResNet18(features=4).eval()
    with torch.no_grad():
        first = sum(float(place.mean()) for place in disagreement(longer_teacher(x)[0], begun(x)[0]))
    assert apart(longer) < first / 2


def test_ddad_learns_from_unlabelled_films_and_cannot_do_without(
    make: Make, trained: dict[str, Detector], normals: list[Film], incoming: list[Film], finder: CrossFittedLungs
) -> None:
    detector = trained["ddad"]
    assert isinstance(detector, Ddad)
    assert detector.facts["unlabelled_films"] == len(incoming)
    assert set(detector.training_films) == {film.pixel_sha256 for film in (*normals, *incoming)}
    view = detector.look(incoming[1])
    with torch.no_grad():
        a, b = (
            torch.stack([detector.networks[f"{side}-{number}"](view.masked[None]) for number in range(3)])
            for side in "ab"
        )
        marks = (a.mean(0) - b.mean(0)).abs() + b.std(0, unbiased=False)
    assert detector.judge(view).score == pytest.approx(float(marks[view.inside[None]].mean()), rel=1e-5)
    with pytest.raises(FitError, match="ddad learns from unlabelled films beside normal ones"):
        make("ddad").fit(normals, finder=finder)
    others = make("ddad").fit(normals, finder=finder, training=QUICK, unlabelled=normals[:6])
    mine, theirs = (one.modules() for one in (detector, others))
    for side, same in (("a", False), ("b", True)):
        states = (one[f"{side}-0"].state_dict() for one in (mine, theirs))
        assert all(torch.equal(x, y) for x, y in zip(*(s.values() for s in states), strict=True)) == same


def test_an_svm_fitted_again_keeps_nothing_of_the_first_fit() -> None:
    drawn = torch.randn(60, 8, generator=torch.Generator().manual_seed(0)).double()
    twice, once = _Machine(64, 8), _Machine(64, 8)
    twice.fit(drawn, nu=0.8)
    many = int(twice.known)
    for machine in (twice, once):
        machine.fit(drawn[:30], nu=0.2)
    assert many > int(once.known) and all(
        torch.equal(a, b) for a, b in zip(twice.buffers(), once.buffers(), strict=True)
    )


@pytest.mark.parametrize("key", ["ae-u", "bigan", "ddad", "deep-svdd", "ganomaly", "one-class-svm", "randgan"])
def test_a_grid_that_the_networks_cannot_halve_is_refused(key: str) -> None:
    with pytest.raises(FitError, match=f"seen 48; {key} needs a power of two"):
        METHODS.load(key)(size=48)


def test_each_image_of_a_batch_is_blurred_by_a_gaussian_of_its_own_width() -> None:
    images, widths = torch.rand(4, 1, 24, 20, dtype=torch.float64), torch.tensor([0.2, 0.5, 0.8, 1.2])
    blurred = _blurred(images, widths.double())
    for image, width, found in zip(images[:, 0], widths.tolist(), blurred[:, 0], strict=True):
        expected = gaussian_filter(image.numpy(), width, mode="constant", radius=3)
        assert np.allclose(found.numpy(), expected, atol=1e-6)
