"""A generator's study: each question against a generator whose answer is known; images, names and the report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from studies.generators import nearest_images
from studies.generators.bundles import halved, images_for, names_of, study_bundles, without
from studies.generators.components import principal_features
from studies.generators.distribution import distribution
from studies.generators.feasible import feasible
from studies.generators.latents import latents
from studies.generators.nearest_images import nearest_of, unfeasible
from studies.generators.report import Line, report_html, spread_chart, study_json, write_study
from studies.generators.smoothness import between, smoothness, steepest
from studies.generators.study import LEAST, Study, study
from tests.priors.small_generators import Bent, Convolutional
from tests.seeded import rng
from unseen.artifacts.recipe import RecipeError
from unseen.artifacts.research_only import LIMITS
from unseen.data.array_files import ArrayError
from unseen.data.drawn_shapes import squares_and_circles
from unseen.evaluation.bootstrap import mean_over, quantile_of, share_of
from unseen.evaluation.intervals import Interval
from unseen.evaluation.sample_precision import precision_recall
from unseen.priors import GENERATORS
from unseen.priors.autoencoders import VAE
from unseen.priors.principal_subspace import PrincipalSubspace
from unseen.priors.saved import save
from unseen.priors.search_settings import Search
from unseen.priors.trained import TrainedGenerator, digest_of
from unseen.priors.wrapped_generator import Wrapped
from unseen.runs.generator_training import Images
from unseen.training.settings import Training

QUICK = Search(restarts=2, iterations=15)
SHAPES = squares_and_circles(140, 16, torch.Generator().manual_seed(0))
DEALT = Images(SHAPES[:80], SHAPES[80:100], SHAPES[100:], tuple(i // 2 for i in range(40)), "drawn")


def value(figure: object) -> float:
    assert isinstance(figure, Interval)
    return figure.value


@pytest.fixture(scope="module")
def trained() -> dict[str, TrainedGenerator]:
    """Every generator of the registry, after two epochs of 80 shapes."""
    torch.set_num_threads(1)
    made: dict[str, TrainedGenerator] = {}
    for key in GENERATORS:
        kind: type[TrainedGenerator] = GENERATORS.load(key)
        made[key] = kind(latent=3, features=4).fit(
            DEALT.training, training=Training(epochs=2, batch_size=8, threads=1, device="cpu")
        )
    return made


@pytest.fixture(scope="module")
def studies(trained: dict[str, TrainedGenerator]) -> dict[str, Study]:
    return {key: study(G, DEALT, number=6, compared=30, search=QUICK) for key, G in trained.items()}


def test_every_registered_generator_is_studied(studies: dict[str, Study]) -> None:
    for key, one in studies.items():
        assert one.feasible.n == 6 and one.unfeasible.known and one.unfeasible.training == 80 and not one.left_out
        assert one.distribution.samples.n == one.distribution.samples.tested == 30
        assert one.distribution.real is not None and one.distribution.real.n == 20, "ten test images are too few"
        assert (one.latents is None) == (key == "wgan-gp") == ("no encoder" in one.sentences["latents"])
        assert (one.feasible.encoded_error is None) == (key == "wgan-gp")
        text = json.dumps(one.to_json(), allow_nan=False)
        assert key in text and one.made_by.startswith(f"<{key},")
    seen = {one.feasible.x.numpy().tobytes() for one in studies.values()}
    assert len(seen) == 1, "side by side, all are asked about the same images"


def test_the_same_seed_gives_the_same_study(trained: dict[str, TrainedGenerator], studies: dict[str, Study]) -> None:
    def figures(one: Study) -> dict[str, Any]:
        return {name: part for name, part in one.to_json().items() if name != "seconds"}

    again = study(trained["vae"], DEALT, number=6, compared=30, search=QUICK)
    assert figures(again) == figures(studies["vae"])
    other = study(trained["vae"], DEALT, number=6, compared=30, search=QUICK, seed=1)
    assert figures(other)["feasible"] != figures(again)["feasible"]


def test_images_of_the_range_are_found_in_it() -> None:
    G = Wrapped(_smooth(3, 16), (3,))
    x = G.sample(6, generator=rng(4)).detach()
    features = principal_features(SHAPES[:80], generator=rng())
    found = feasible(G, x, tuple(range(6)), features=features, search=Search(restarts=6, iterations=150), seed=0)
    assert found.relative_error.max() < 0.01 and found.psnr_db.min() > 40
    off = feasible(G, SHAPES[100:106], tuple(range(6)), features=features, search=QUICK, seed=0)
    assert off.relative_error.min() > 0.2
    best, _, worst = off.shown
    assert (
        off.relative_error[best] == off.relative_error.min() and off.relative_error[worst] == off.relative_error.max()
    )
    by_hand = torch.linalg.vector_norm((off.nearest - off.x).flatten(1), dim=1) / off.x.flatten(1).norm(dim=1)
    assert np.allclose(off.relative_error, by_hand.numpy(), rtol=1e-5)


def test_a_linear_generator_is_as_far_off_as_as_many_principal_components() -> None:
    G = PrincipalSubspace.fit(SHAPES[:80], components=5)
    one = study(G, DEALT, number=6, compared=20, search=Search(restarts=1, iterations=60))
    assert one.feasible.linear_error is not None
    assert np.allclose(one.feasible.relative_error, one.feasible.linear_error, rtol=2e-3)
    assert one.made_by == "PrincipalSubspace" and not one.unfeasible.known
    assert one.smoothness.slopes == pytest.approx(1.0, abs=1e-3), "its rows are orthonormal"
    assert one.smoothness.pace.to_json()["value"] == pytest.approx(1.0, abs=0.6), "a straight line, but on an arc"


def test_a_black_image_has_no_relative_error() -> None:
    x = torch.cat([SHAPES[:3], torch.zeros(1, 1, 16, 16)])
    G = PrincipalSubspace.fit(SHAPES[:80], components=2)
    with pytest.raises(ValueError, match="test image 3 is black"):
        feasible(G, x, (0, 1, 2, 3), features=principal_features(x, generator=rng()), search=QUICK, seed=0)


@pytest.mark.parametrize("shape", [(50, 1, 5, 5), (12, 2, 5, 5)])
def test_principal_components_are_scikit_learns(shape: tuple[int, ...]) -> None:
    from sklearn.decomposition import PCA

    x = torch.rand(*shape, generator=rng(1))
    features = principal_features(x, most=4, generator=rng())
    judge = PCA(4, svd_solver="full").fit(x.flatten(1).double().numpy())
    theirs = judge.transform(x.flatten(1).double().numpy())
    assert np.allclose(np.abs(features.of(x))[:, :4], np.abs(theirs), atol=1e-8), "but for the signs"
    assert features.explained == pytest.approx(judge.explained_variance_ratio_.sum())
    left = np.linalg.norm(x.flatten(1).double().numpy() - judge.inverse_transform(theirs), axis=1)
    assert np.allclose(features.residual(x, 4).numpy(), left) and np.allclose(features.of(x)[:, 4], left)


def test_images_that_vary_in_few_directions_have_few_components() -> None:
    x = SHAPES[:3].repeat(10, 1, 1, 1)
    features = principal_features(x, generator=rng())
    assert len(features.rows) == 2 and features.explained == pytest.approx(1.0)
    with pytest.raises(ValueError, match="two images or more"):
        principal_features(x[:1], generator=rng())


def test_the_nearest_training_image_is_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest_images, "_TOGETHER", 7)
    place, distance = nearest_of(SHAPES[80:90], SHAPES[:80])
    apart = (SHAPES[80:90, None].double() - SHAPES[None, :80].double()).square().flatten(2).mean(2).sqrt()
    assert torch.equal(place, apart.argmin(1)) and torch.allclose(distance, apart.min(1).values)
    assert float(nearest_of(SHAPES[5:6], SHAPES[:80])[1]) == 0, "a copy is at no distance, not at a rounded one"


def test_copies_and_noise_are_told_from_real_images() -> None:
    training, held, fresh = SHAPES[:80], SHAPES[80:110], SHAPES[110:]
    units = tuple(range(30))
    copies = unfeasible(training[:30] + 1e-4, held, units, training, known=True)
    noise = unfeasible(torch.rand(30, 1, 16, 16, generator=rng()), held, units, training, known=True)
    real = unfeasible(fresh, held, units, training, known=True)
    assert value(copies.nearer) == 1 and value(noise.nearer) == 0
    assert isinstance(real.nearer, Interval) and real.nearer.low < 0.5 < real.nearer.high
    below = (real.distance[:, None] < real.held_out[None, :]).mean()
    assert real.nearer.value == pytest.approx(below), "the Mann–Whitney statistic"
    ranks = noise.distance[list(noise.shown)]
    assert (np.diff(ranks) >= 0).all() and ranks[0] == noise.distance.min() and ranks[-1] == noise.distance.max()


def test_a_collapsed_generator_recalls_nothing_and_real_images_do_well() -> None:
    x = squares_and_circles(400, 16, rng(3))
    features = principal_features(SHAPES[:80], most=6, generator=rng())
    units = tuple(range(150))
    one_image = x[0].expand(150, -1, -1, -1) + 1e-3 * torch.randn(150, 1, 16, 16, generator=rng(5))
    found = distribution(one_image, x[:150], units, x[150:300], features=features, seed=0)
    assert found.real is not None and found.real.discrepancy.p is not None and found.real.discrepancy.p > 0.01
    assert value(found.samples.recall) < 0.1 < 0.6 < value(found.real.recall)
    assert found.samples.discrepancy.p is not None and found.samples.discrepancy.p < 0.01
    noise = (torch.rand(150, 1, 16, 16, generator=rng(6)) < 0.5).float() - 0.5 + x.mean(0)
    noisy = distribution(noise, x[:150], units, x[150:300], features=features, seed=0).samples
    in_components = precision_recall(features.of(x[:150])[:, :6], features.of(noise)[:, :6]).precision
    assert value(noisy.precision) < 0.05 < 0.9 < in_components, "noise has next to nothing of any component"
    few = distribution(x[:150], x[:150], units, x[:2], features=features, seed=0)
    assert few.real is None, "two images have no third neighbour"


@pytest.mark.parametrize("name", ["bent", pytest.param("convolutional", marks=pytest.mark.nightly)])
def test_slopes_are_the_largest_singular_values(name: str) -> None:
    G = Bent(4) if name == "bent" else Convolutional()
    z = G.latents(3 if name == "bent" else 1, generator=rng(2))  # a Jacobian takes a call for each pixel
    found = steepest(G, z, generator=rng(3))
    for one, slope in zip(z, found, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda at: G(at[None])[0], one).reshape(-1, z.shape[1])
        exact = float(torch.linalg.matrix_norm(jacobian.double(), 2))
        assert 0.9999 * exact <= float(slope) <= exact * (1 + 1e-5)


def test_a_jump_shows_in_the_pace_of_a_path() -> None:
    class Jump(Bent):
        def images(self, z: Tensor) -> Tensor:
            return torch.sigmoid(400 * z[:, :1]).reshape(-1, 1, 1, 1) * torch.ones(1, 1, 6, 6, dtype=z.dtype)

    x = torch.rand(5, 1, 6, 6, generator=rng(), dtype=torch.float64)
    even, jumping = (smoothness(G, x, number=20, generator=rng(1)) for G in (Bent(2), Jump(2)))
    assert value(jumping.pace) > 5 > 3 > value(even.pace) >= 1
    assert even.paths.shape == (3, 9, 1, 6, 6) and even.apart == pytest.approx(float(torch.pdist(x.flatten(1)).mean()))


def test_paths_keep_to_the_sphere_and_cross_it_where_they_must() -> None:
    start, end = torch.tensor([3.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 3.0])
    arc = between(start, end, torch.linspace(0, 1, 5))
    assert torch.allclose(arc.norm(dim=1), torch.full((5,), 3.0), atol=1e-5)
    chord = between(start, -start, torch.linspace(0, 1, 3))
    assert torch.allclose(chord[1], torch.zeros(3), atol=1e-6) and bool(chord.isfinite().all())


class Codes(nn.Module):
    """An encoder that reads z off the first pixels: x = z / 20 + ½; half of the code is log σ²."""

    def __init__(self, gain: Tensor, log_variance: Tensor) -> None:
        super().__init__()
        self.gain, self.log_variance = gain, log_variance

    def forward(self, x: Tensor) -> Tensor:
        z = (x.flatten(1)[:, : len(self.gain)]) * 10 * self.gain  # from [−1, 1]
        return torch.cat([z, self.log_variance.expand(len(x), -1)], dim=1)[..., None, None]


@pytest.mark.nightly
def test_codes_that_are_the_prior_look_so_and_dead_dimensions_are_counted() -> None:
    G = VAE(latent=3, size=16, features=4)
    z = torch.randn(400, 3, generator=rng(6)).clamp(-9, 9)
    x = torch.full((400, 1, 16, 16), 0.5)
    x[:, 0, 0, :3] = z / 20 + 0.5
    dead = torch.tensor([1.0, 1.0, 0.0])  # the third is the prior's, whatever the image
    setattr(G, "encoder", Codes(dead, torch.where(dead > 0, -40.0, 0.0)))  # noqa: B010, another class than declared
    fitting = latents(G, x, range(400), seed=0, generator=rng(7))
    assert (fitting.active.value, fitting.dimensions) == (2, 3) and fitting.discrepancy.p is not None
    assert fitting.discrepancy.p > 0.01
    for moment in (fitting.mean, fitting.variance, fitting.least, fitting.greatest):
        assert 0.9 * moment.low <= moment.value <= 1.1 * moment.high
    setattr(G, "encoder", Codes(torch.tensor([2.0, 0.5, 1.0]), torch.full((3,), -40.0)))  # noqa: B010
    wide = latents(G, x, range(400), seed=0, generator=rng(7))
    assert wide.greatest.value == pytest.approx(4 * float(z[:, 0].var()), rel=0.1) and wide.active.value == 3
    assert wide.least.value < wide.least.low and wide.discrepancy.p is not None and wide.discrepancy.p < 0.01


def test_images_that_were_learnt_from_are_not_tested(trained: dict[str, TrainedGenerator]) -> None:
    G = trained["vae"]
    mixed = Images(DEALT.training, DEALT.validation, torch.cat([DEALT.training[:5], DEALT.testing]),
                     tuple(range(45)), "mixed")  # fmt: skip
    one = study(G, mixed, number=45, compared=45, search=Search(restarts=1, iterations=2))
    assert one.left_out == 5 and one.feasible.n == 40
    learnt = {digest_of(x) for x in DEALT.training}
    assert not learnt & {digest_of(x) for x in one.feasible.x}
    short = Images(DEALT.training, DEALT.validation, DEALT.training[:20], tuple(range(20)), "learnt")
    with pytest.raises(ValueError, match=f"needs {LEAST} test images that the generator has not learnt from"):
        study(G, short)
    unlearnt = without(mixed, frozenset(learnt), where="mine")
    assert len(unlearnt.testing) == 40 and unlearnt.units == tuple(range(5, 45)) and "5 that have" in unlearnt.split
    with pytest.raises(ArrayError, match="of 20 test images 0 have not been learnt from"):
        without(short, frozenset(learnt), where="mine")


def test_of_many_test_images_the_others_are_the_real_ones(trained: dict[str, TrainedGenerator]) -> None:
    one = study(trained["ae"], DEALT, number=2, compared=15, search=Search(restarts=1, iterations=2))
    assert one.distribution.real is not None and one.distribution.real.n == 15


def test_wrong_images_and_numbers_are_told(trained: dict[str, TrainedGenerator]) -> None:
    large = squares_and_circles(60, 32, rng())
    with pytest.raises(ValueError, match=r"makes images of .*16"):
        study(trained["vae"], Images(large[:20], large[20:30], large[30:], tuple(range(30)), "large"))
    with pytest.raises(ValueError, match="number is at least 1"):
        study(trained["vae"], DEALT, number=0)


def test_figures_have_intervals_that_hold_the_value() -> None:
    values = np.random.default_rng(0).normal(size=200) ** 2
    for figure in (quantile_of(values, 0.95), mean_over(values), share_of(values > 1)):
        assert isinstance(figure, Interval) and figure.low < figure.value < figure.high
    by_subject = share_of(np.repeat([True, False, True, False], 25), [i // 25 for i in range(100)])
    alone = share_of(np.repeat([True, False, True, False], 25))
    assert isinstance(by_subject, Interval) and isinstance(alone, Interval)
    assert by_subject.high - by_subject.low > 2 * (alone.high - alone.low), "four subjects, not 100 images"


def test_half_of_ones_own_images_is_held_out() -> None:
    dealt = halved(SHAPES, frozenset(), seed=0, where="mine.npy")
    names = [{digest_of(x) for x in part} for part in (dealt.training, dealt.testing)]
    assert [len(part) for part in names] == [70, 70] and not names[0] & names[1]
    other = halved(SHAPES, frozenset(), seed=1, where="mine.npy")
    assert not torch.equal(other.testing, dealt.testing)
    learnt = {digest_of(x) for x in SHAPES[:100]}
    assert not learnt & {digest_of(x) for x in halved(SHAPES, frozenset(learnt), seed=0, where="mine.npy").testing}
    with pytest.raises(ArrayError, match=r"mine.npy: holds 140 images, 135 of which a generator has learnt from"):
        halved(SHAPES, frozenset(digest_of(x) for x in SHAPES[:135]), seed=0, where="mine.npy")


def test_own_images_are_read_from_files_and_folders(trained: dict[str, TrainedGenerator], tmp_path: Path) -> None:
    G = {"vae": trained["vae"]}
    np.save(tmp_path / "mine.npy", SHAPES[80:, 0].numpy())
    assert images_for(G, str(tmp_path / "mine.npy")).testing.shape == (30, 1, 16, 16)
    images = tmp_path / "images"
    images.mkdir()
    for number, x in enumerate(SHAPES[80:100, 0].numpy()):
        deep = number % 2 == 0
        grey = (x * (65535 if deep else 255) + 0.5).astype(np.uint16 if deep else np.uint8)
        Image.fromarray(grey).save(images / f"{number:02}.png")
    dealt = images_for(G, str(images))
    every = torch.cat([dealt.training, dealt.testing])
    assert len(every) == 20 and dealt.testing.shape == (10, 1, 16, 16)
    assert float(nearest_of(every, SHAPES[80:100])[1].max()) < 0.003, "16 bits and 8 mean the same"


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((20, 8, 8), np.float32), r"make \(n, 1, 16, 16\)"),
        (np.full((20, 16, 16), 255.0), "values from 255 to 255.*Divide"),
        (np.zeros((20, 16, 16), np.complex64), "complex.*take abs"),
        (np.full((20, 16, 16), np.nan), "values from nan"),
        (np.zeros((0, 16, 16)), "holds no image"),
        (np.zeros((10, 16, 16)), "holds 10 images"),
    ],
)
def test_files_that_do_not_fit_are_told(
    trained: dict[str, TrainedGenerator], tmp_path: Path, array: np.ndarray[Any, Any], words: str
) -> None:
    np.save(tmp_path / "mine.npy", array)
    with pytest.raises(ArrayError, match=words):
        images_for({"vae": trained["vae"]}, str(tmp_path / "mine.npy"))


def test_images_that_are_not_there_are_told(trained: dict[str, TrainedGenerator], tmp_path: Path) -> None:
    G = trained["vae"]
    with pytest.raises(RecipeError, match="did you mean digits"):
        images_for({"vae": G}, "digit")
    with pytest.raises(RecipeError, match=r"one size, but these make a .*16.*, b .*32"):
        images_for({"a": G, "b": VAE(latent=2, size=32, features=4)}, "shapes")
    with pytest.raises(ArrayError, match=r"holds none of \.png"):
        images_for({"a": G}, str(tmp_path))
    Image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "a.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(ArrayError, match=r"b\.png: is .*8.*a\.png is .*16"):
        images_for({"a": G}, str(tmp_path))
    (tmp_path / "b.png").write_bytes(b"no image")
    with pytest.raises(ArrayError, match=r"b\.png: cannot be read as an image"):
        images_for({"a": G}, str(tmp_path))


def test_bundles_are_named_by_what_tells_them_apart() -> None:
    assert names_of([Path("runs/a-0/bundle"), Path("runs/b-0/bundle")]) == ["a-0", "b-0"]
    assert names_of([Path("x/model/bundle"), Path("y/model")]) == ["x/model", "y/model"]
    assert len(set(names_of([Path("x/model/bundle"), Path("x/model")]))) == 2
    for given in ([], [Path("a"), Path("./a")]):
        with pytest.raises(RecipeError, match="one bundle or more, each given once"):
            names_of(given)


def test_the_report_is_whole_by_itself(studies: dict[str, Study], tmp_path: Path) -> None:
    named = {"<b>vae</b>" if key == "vae" else key: one for key, one in studies.items()}
    write_study(tmp_path / "out", named, facts={"pictures": "shapes & more"})
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert LIMITS in page and "<script" not in page and "<b>vae" not in page and "shapes &amp; more" in page
    assert not re.findall(r"(?:src|href)=\"(?!data:image/png;base64,)", page) and "url(" not in page
    assert page.count("<img") == 3 * (3 * 3 + 2 * 8 + 3)
    for one in studies.values():
        for sentence in one.sentences.values():
            assert sentence.replace("'", "&#39;") in page
    told = json.loads((tmp_path / "out" / "study.json").read_text(encoding="utf-8"))
    assert told == study_json(named, facts={"pictures": "shapes & more"}) and told["limits"] == LIMITS
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "study.json"]
    with pytest.raises(ValueError, match="one generator or more"):
        report_html({}, facts={})


def test_a_report_that_fails_leaves_the_old_one(
    studies: dict[str, Study], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(tmp_path, studies, facts={"seed": "0"})
    before = [(tmp_path / name).read_bytes() for name in ("report.html", "study.json")]
    monkeypatch.setattr("studies.generators.report.report_html", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_study(tmp_path, studies, facts={"seed": "1"})
    assert [(tmp_path / name).read_bytes() for name in ("report.html", "study.json")] == before


def test_several_subjects_images_give_no_p_value(studies: dict[str, Study]) -> None:
    one = studies["vae"]
    assert len(set(one.unfeasible.units)) < len(one.unfeasible.units)
    assert one.distribution.samples.discrepancy.p is None and "permutation" not in one.sentences["distribution"]
    assert "Several test images show one subject" in report_html({"vae": one}, facts={})


def test_a_chart_of_equal_or_zero_values_is_a_chart() -> None:
    for values in (np.zeros(3), np.full(1, 0.3), np.array([1e-9, 2e-9])):
        drawn = spread_chart([Line("a <generator> with a very long name", values)], axis="x & y", label='"it"')
        assert "nan" not in drawn and "<generator>" not in drawn and "x &amp; y" in drawn


def test_bundles_are_studied_side_by_side(trained: dict[str, TrainedGenerator], tmp_path: Path) -> None:
    for key in ("vae", "wgan-gp"):
        save(trained[key], tmp_path / key)
    np.save(tmp_path / "mine.npy", SHAPES[80:].numpy())
    said: list[str] = []
    found = study_bundles(
        [tmp_path / "vae", tmp_path / "wgan-gp"],
        str(tmp_path / "mine.npy"),
        out=tmp_path / "out",
        number=2,
        compared=20,
        search=QUICK,
        progress=said.append,
    )
    assert list(found) == ["vae", "wgan-gp"] and not any(one.unfeasible.known for one in found.values())
    assert [line.split(":")[0] for line in said] == ["vae"] * 5 + ["wgan-gp"] * 4, "a WGAN has no codes to look at"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What vae, wgan-gp can draw" in page and "are not those that the generator names" in page
    (tmp_path / "file").touch()
    with pytest.raises(RecipeError, match="is a file, and the report needs a folder"):
        study_bundles([tmp_path / "vae"], "shapes", out=tmp_path / "file")


def _smooth(latent: int, size: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        inner, outer = nn.Linear(latent, 16), nn.Linear(16, size**2)
        return nn.Sequential(inner, nn.Tanh(), outer, nn.Sigmoid(), nn.Unflatten(1, (1, size, size)))
