"""The imaging lab's computing: what is set is what is measured, and its figures are scikit-image's."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from unseen.artifacts.bundle import save as save_bundle
from unseen.artifacts.card import Card
from unseen.lab.collection import Collection
from unseen.lab.comparison import compare, tried_method
from unseen.lab.images import IMAGES, as_image, head
from unseen.lab.learnability import GROUPS, verdict_of
from unseen.lab.measurement_image import look_of
from unseen.lab.measuring import Measured, measured, operator_of
from unseen.lab.methods import Found, Method, drawn_latent, offered_methods, picture_of
from unseen.lab.noises import NOISES, AnyNoise, GaussianNoise, Noiseless, PhotonNoise
from unseen.lab.operators import (
    OPERATORS,
    AnyOperator,
    AsLearnt,
    Blurred,
    FourierLines,
    Made,
    MaskedPixels,
    RandomMixtures,
    Views,
    Whole,
)
from unseen.lab.settings import IMAGE_SIZES, Setting, choice_fields, choice_kind
from unseen.lab.setup import Setup
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Mask
from unseen.priors.autoencoders import VAE
from unseen.priors.named_priors import latent_priors
from unseen.priors.saved import save as save_generator
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.saved import save

EMPTY = Collection()
SIZE = 32


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return head(SIZE, 0)


def untrained(process: Measurement, folder: Path, seed: int = 0, **settings: object) -> None:
    """A reconstructor's bundle; what its network has learnt is no matter here."""
    torch.manual_seed(seed)
    f = ArtifactRemoval.for_process(process, features=4, **settings)
    f.process, f.trained_on = process, "cpu"
    save(f, folder, data=f"nothing, seed {seed}.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection: two inpainters of one size, one of another, and what is none."""
    made = tmp_path_factory.mktemp("collection")
    rng = torch.Generator().manual_seed(3)
    mask = Mask(torch.rand(1, SIZE, SIZE, generator=rng) < 0.6)
    masks = Mask(torch.rand(3, 1, SIZE, SIZE, generator=rng) < 0.6)
    untrained(Measurement(mask, noise=Gaussian(0.05)), made / "inpainting" / "ei")
    untrained(Measurement(masks), made / "several", seed=1)
    untrained(Measurement(Mask(torch.ones(1, 16, 16))), made / "small", seed=2)
    card = Card(kind="reconstruction", name="no-such-network")
    save_bundle(made / "later", {"reconstructor.w": torch.zeros(1)}, card)
    (made / "damaged").mkdir()
    (made / "damaged" / "card.json").write_text("{", encoding="utf-8")
    (made / "link").symlink_to(made / "small")
    return made


@pytest.fixture(scope="module")
def collection(folder: Path) -> Collection:
    return Collection.of(folder)


def entry_of(collection: Collection, name: str) -> str:
    (found,) = (entry.key for entry in collection.reconstructors if entry.name == name)
    return found


# images and settings


@pytest.mark.parametrize("name", list(IMAGES))
def test_pictures_have_their_size_stay_in_range_and_differ_by_number(name: str) -> None:
    draw = IMAGES[name][1]
    for size in IMAGE_SIZES:
        picture = draw(size, 1)
        assert picture.shape == (1, 1, size, size) and picture.dtype == torch.float32
        assert picture.min() >= 0 and picture.max() <= 1 and picture.std() > 0.05
        assert torch.equal(picture, draw(size, 1)) and not torch.equal(picture, draw(size, 2))


def test_the_head_is_shepp_and_logans() -> None:
    from skimage.data import shepp_logan_phantom

    theirs = as_image(shepp_logan_phantom().astype(np.float32), 64)
    assert float((head(64, 0) - theirs).abs().mean()) < 0.01


def test_of_a_picture_that_is_not_square_the_middle_is_taken() -> None:
    pixels = np.zeros((40, 100), np.float32)
    pixels[:, 30:70] = 1
    assert bool((as_image(pixels, 32) > 0.99).all())


@pytest.mark.parametrize("choice", [*OPERATORS, *NOISES], ids=choice_kind)
def test_a_form_offers_what_the_model_takes_and_nothing_beyond(choice: type[Made]) -> None:
    whole: TypeAdapter[object] = TypeAdapter(AnyOperator if choice in OPERATORS else AnyNoise)
    kind = {"kind": choice_kind(choice)}
    settings = choice_fields(choice)
    assert whole.validate_python(kind | {one.name: one.value for one in settings}) == choice()
    for one in settings:
        taken, refused = ends(one)
        for value in taken:
            whole.validate_python(kind | {one.name: value})
        for value in refused:
            with pytest.raises(ValidationError):
                whole.validate_python(kind | {one.name: value})
    assert choice.words and all(one.words for one in settings)


def ends(one: Setting) -> tuple[list[object], list[object]]:
    if one.kind == "yes":
        return [True, False], ["perhaps"]
    if one.kind == "one of":
        return list(one.options), ["another"]
    assert one.low is not None and one.high is not None and one.step is not None
    assert one.low <= float(one.value) <= one.high
    return [one.low, one.high], [one.low - one.step, one.high + one.step, math.nan]


# what is measured


@pytest.mark.parametrize("choice", OPERATORS, ids=choice_kind)
def test_a_measurement_is_a_times_x_and_the_noise_that_was_asked_for(choice: type[Made]) -> None:
    size, picture = SIZE, head(SIZE, 0)
    level = 0.05
    made = measured(picture, Setup(size=size, operator=choice(), noise=GaussianNoise(level=level)), EMPTY)
    A = made.process.A
    noise = made.y - A(made.x)
    mask = A.observed()
    values = torch.view_as_real(noise) if noise.is_complex() else noise
    m = int((noise != 0).sum()) * (2 if noise.is_complex() else 1) if mask is not None else values.numel()
    spread = float(values.square().sum() / max(m, 1)) ** 0.5
    assert spread == pytest.approx(level * A.norm(), rel=0.15)
    assert made.sigma == pytest.approx(level * A.norm(), rel=1e-6)
    look, words = look_of(made.y, A)
    assert look.ndim == 2 and look.min() >= 0 and look.max() <= 1 and words
    again = measured(picture, Setup(size=size, operator=choice(), noise=GaussianNoise(level=level)), EMPTY)
    other = measured(picture, Setup(size=size, operator=choice(), noise=GaussianNoise(level=level), seed=1), EMPTY)
    assert torch.equal(made.y, again.y) and not torch.equal(made.y, other.y)


def test_settings_reach_the_operator(x: torch.Tensor) -> None:
    def A(operator: Made) -> object:
        return operator_of(Setup(size=SIZE, operator=operator), EMPTY)

    assert A(Views(views=7, arc=90)).range[1] == 7  # type: ignore[attr-defined]
    assert float(A(Views(views=7, arc=90)).angles.max()) < 90  # type: ignore[attr-defined]
    assert A(FourierLines(acceleration=8)).mask.float().mean() == pytest.approx(1 / 8)  # type: ignore[attr-defined]
    assert A(FourierLines(real=False)).complex_domain  # type: ignore[attr-defined]
    assert A(MaskedPixels(dropped=0)).counts().item() == SIZE**2  # type: ignore[attr-defined]
    wide, narrow = (A(Blurred(sigma=sigma))(x) for sigma in (3.0, 0.5))  # type: ignore[operator]
    assert wide.std() < narrow.std()


def test_photons_are_counted_and_only_where_there_can_be_some(x: torch.Tensor) -> None:
    made = measured(x, Setup(size=SIZE, operator=Views(), noise=PhotonNoise(photons=50)), EMPTY)
    gain = float(made.process.mean(x).max()) / 50
    counts = made.y / gain
    assert torch.allclose(counts, counts.round(), atol=1e-3) and counts.max() > 30
    with pytest.raises(ValueError, match=r"FourierMask's measurements are complex. Take Gaussian noise"):
        measured(x, Setup(size=SIZE, operator=FourierLines(), noise=PhotonNoise()), EMPTY)


def test_a_matrix_that_is_too_large_is_refused_before_it_is_made() -> None:
    with pytest.raises(ValueError, match=r"4,096 mixtures of 128 × 128 pixels has 67 million entries.*fewer mixtures"):
        measured(head(128, 0), Setup(size=128, operator=RandomMixtures()), EMPTY)


# what is made of it


# By day real and complex measurements, and the operator with a method of its own.
OFTEN = (MaskedPixels, FourierLines, Views)


@pytest.mark.parametrize(
    "choice",
    [choice if choice in OFTEN else pytest.param(choice, marks=pytest.mark.nightly) for choice in OPERATORS],
    ids=choice_kind,
)
def test_each_method_has_a_result_and_its_figures_are_scikit_images(choice: type[Made], x: torch.Tensor) -> None:
    setup = Setup(size=SIZE, operator=choice())
    made = measured(x, setup, EMPTY)
    keys = [method.key for method in offered_methods(made, EMPTY).methods]
    assert keys == ["pinv", "fbp", "tv"] if choice is Views else ["pinv", "tv"]
    for result in compare(x, setup, keys):
        assert result.problem == "" and result.x is not None and result.seconds >= 0
        truth, found = x[0, 0].double().numpy(), result.x[0, 0].double().numpy()
        assert result.psnr == pytest.approx(peak_signal_noise_ratio(truth, found, data_range=1), abs=1e-6)
        expected = structural_similarity(
            truth, found, data_range=1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
        assert result.ssim == pytest.approx(expected, abs=2e-3)
        y = made.process.A(result.x)
        assert result.misfit == pytest.approx(float((y - made.y).norm() / made.y.norm()), rel=1e-4)


def test_what_a_hides_is_told_from_what_it_shows(x: torch.Tensor) -> None:
    missing = Setup(size=SIZE, operator=MaskedPixels(), noise=Noiseless())
    (filled,) = compare(x, missing, ["pinv"])
    assert filled.hidden == pytest.approx(1)  # what was measured is right
    (noisy,) = compare(x, Setup(size=SIZE, operator=Whole()), ["pinv"])
    assert noisy.hidden == pytest.approx(0, abs=1e-9)
    (exact,) = compare(x, Setup(size=SIZE, operator=Whole(), noise=Noiseless()), ["pinv"])
    assert exact.psnr == math.inf and math.isnan(exact.hidden)


def test_tv_fits_as_well_as_the_noise_allows(x: torch.Tensor) -> None:
    setup = Setup(size=SIZE, operator=Blurred(), noise=GaussianNoise(level=0.05))
    made = measured(x, setup, EMPTY)
    (result,) = compare(x, setup, ["tv"])
    assert result.x is not None and made.sigma is not None
    square = float((made.process.A(result.x) - made.y).square().mean())
    assert square == pytest.approx(made.sigma**2, rel=0.01) and "Converged" in result.words


def test_a_method_that_fails_says_why_and_the_others_go_on(x: torch.Tensor) -> None:
    made = measured(x, Setup(size=SIZE), EMPTY)

    def fails(made: Measured) -> Found:
        raise ValueError("no way")

    for run, expected in ((fails, "no way"), (lambda made: Found(made.x * math.nan), "not finite")):
        result = tried_method(Method(key="k", name="k", family="direct", about="", run=run), made)  # type: ignore[arg-type]
        assert expected in result.problem and result.x is None


def test_a_method_that_does_not_fit_is_named(x: torch.Tensor) -> None:
    with pytest.raises(LookupError, match="'fbp' is no method for this measurement; there are pinv, tv"):
        list(compare(x, Setup(size=SIZE), ["fbp"]))


# models on the collection


def test_the_shelf_holds_what_can_be_used_and_says_what_cannot(collection: Collection) -> None:
    names = [entry.name for entry in collection.reconstructors]
    own = [entry.name for entry in collection.reconstructors if not entry.ships]
    assert sorted(own) == ["inpainting/ei", "later", "several", "small"]  # a link is not followed
    assert sorted(set(names) - set(own)) == ["phantom-ct", "phantom-denoiser", "phantom-inpainting"]
    (refused,) = collection.refused
    assert refused.startswith("damaged/card.json: not JSON")
    assert Collection.of(None) == Collection.of(Path("no such folder"))
    assert all(entry.ships for entry in Collection.of(None).reconstructors) and not Collection.of(None).generators


def test_a_model_is_offered_where_its_process_fits_and_applied_as_it_is(
    collection: Collection, x: torch.Tensor
) -> None:
    key = entry_of(collection, "inpainting/ei")
    setup = Setup(size=SIZE, operator=AsLearnt(model=key))
    made = measured(x, setup, collection)
    assert made.sigma == pytest.approx(0.05) and isinstance(made.process.A, Mask)
    known = offered_methods(made, collection)
    method = known.named(f"model:{key}")
    assert method.name == "inpainting/ei" and "learnt under this very operator; nothing, seed 0" in method.about
    assert "another Mask" in known.named(f"model:{entry_of(collection, 'several')}").about
    assert len(known.left_out) == 2
    assert any(line.startswith('later: reconstructor "no-such-network": unknown') for line in known.left_out)
    assert "small: was trained on real images of 16 × 16 pixels; these images differ." in known.left_out
    (result,) = compare(x, setup, [method.key], collection=collection)
    f = collection.reconstructor(key)
    with torch.no_grad():
        assert result.x is not None and torch.equal(result.x, f(made.y, made.process))


def test_of_several_operators_one_is_taken_by_the_seed(collection: Collection, x: torch.Tensor) -> None:
    operator = AsLearnt(model=entry_of(collection, "several"))
    masks = collection.reconstructor(operator.model).process.A.mask  # type: ignore[union-attr]
    for seed in range(4):
        made = measured(x, Setup(size=SIZE, operator=operator, seed=seed), collection)
        assert torch.equal(made.process.A.mask, masks[seed % 3][None])  # type: ignore[attr-defined]
        known = offered_methods(made, collection)
        assert "this very operator" in known.named(f"model:{operator.model}").about


def test_a_model_is_not_offered_for_another_kind_of_measurement(collection: Collection, x: torch.Tensor) -> None:
    known = offered_methods(measured(x, Setup(size=SIZE, operator=Views()), collection), collection)
    assert all(method.family != "learnt" for method in known.methods)
    assert any("was trained with Mask, and this is Tomography." in line for line in known.left_out)


def test_what_a_model_has_learnt_on_says_its_size(collection: Collection, x: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="16 × 16 pixels, and this one has 1 and 32 × 32"):
        measured(x, Setup(size=SIZE, operator=AsLearnt(model=entry_of(collection, "small"))), collection)
    with pytest.raises(LookupError, match="No reconstructor 'gone' is in the collection"):
        measured(x, Setup(size=SIZE, operator=AsLearnt(model="gone")), collection)


# generators


@pytest.fixture(scope="module")
def with_generator(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    folder = tmp_path_factory.mktemp("generators")
    G = VAE(latent=4, size=SIZE, features=4)
    G.trained_on = "cpu"
    save_generator(G, folder / "digits", data="nothing")
    return Collection.of(folder)


def test_a_generator_is_moved_by_its_latent(with_generator: Collection) -> None:
    (entry,) = with_generator.generators
    G = with_generator.generator(entry.key)
    z = drawn_latent(G, 3)
    assert torch.equal(z, drawn_latent(G, 3)) and not torch.equal(z, drawn_latent(G, 4))
    one, other = picture_of(G, z.flatten().tolist()), picture_of(G, [0.0] * 4)
    with torch.no_grad():
        assert torch.allclose(one, G(z).clamp(0, 1)) and not torch.equal(one, other)
    with pytest.raises(ValueError, match="has 4 numbers, but got 2"):
        picture_of(G, [0.0, 1.0])


def test_a_generator_is_offered_as_a_prior_and_range_finds_its_own_picture(with_generator: Collection) -> None:
    (entry,) = with_generator.generators
    G = with_generator.generator(entry.key)
    x = picture_of(G, drawn_latent(G, 5).flatten().tolist())
    setup = Setup(size=SIZE, operator=MaskedPixels(), noise=GaussianNoise(level=0.001))
    keys = [method.key for method in offered_methods(measured(x, setup, with_generator), with_generator).methods]
    assert keys[2:] == [f"{prior}:{entry.key}" for prior in latent_priors()]
    pinv, best = compare(x, setup, ["pinv", f"range:{entry.key}"], collection=with_generator)
    assert best.problem == "" and best.psnr > pinv.psnr + 10, (pinv.psnr, best)
    assert {"range", "soft"} <= set(latent_priors())
    for result in compare(x, setup, keys[2:], collection=with_generator):
        assert result.problem == "" and result.words, result
    known = offered_methods(measured(head(64, 0), Setup(size=64), with_generator), with_generator)
    assert known.left_out == ("digits: makes images of 32 × 32 pixels, not such as these.",)


# verdicts


@pytest.mark.parametrize(
    ("operator", "group", "verdict"),
    [
        (MaskedPixels(), "shifts", "can"),
        pytest.param(Blurred(sigma=3), "shifts", "no", marks=pytest.mark.nightly),
        pytest.param(MaskedPixels(), "none", "no", marks=pytest.mark.nightly),
    ],
)
def test_the_verdict_is_identifys(operator: Made, group: str, verdict: str) -> None:
    found = verdict_of(operator_of(Setup(size=SIZE, operator=operator), EMPTY), group)
    assert found.verdict == verdict and found.reason


@pytest.mark.parametrize(
    "group", [one if one in ("none", "rotations") else pytest.param(one, marks=pytest.mark.nightly) for one in GROUPS]
)
def test_every_group_can_be_asked_for(group: str) -> None:
    assert verdict_of(operator_of(Setup(size=SIZE, operator=Whole()), EMPTY), group).verdict == "can"


def test_a_group_that_is_none_is_refused() -> None:
    with pytest.raises(LookupError, match="'twists' is no group; there are shifts, rotations"):
        verdict_of(operator_of(Setup(), EMPTY), "twists")
