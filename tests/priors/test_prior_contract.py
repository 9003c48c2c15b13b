"""Laws of every prior and of every search over latents: checked for each in `unseen.priors.PRIORS`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.priors.small_generators import Bent, Convolutional, Straight
from unseen.physics import FourierMask, Identity, Mask, Operator, stack
from unseen.priors import L1, PRIORS, TGV, TV, Lasso, Range, Search, Soft, Sparse, Squares, Tikhonov, Wavelets
from unseen.priors.damped import DampedLeastSquares
from unseen.priors.latent_prior import LatentPrior, Task
from unseen.priors.solvers.latent_restarts import LatentSolution
from unseen.priors.solvers.palm import SearchState
from unseen.priors.solvers.solution import Solution
from unseen.testing import PRIOR_LAWS

SIZE = 6
LATENT: dict[str, type[LatentPrior]] = {"range": Range, "soft": Soft, "sparse": Sparse}
WEIGHTS = {"range": 0.02, "soft": 0.3, "sparse": 0.05}
MU = {"range": 1.0, "soft": 0.05, "sparse": 0.2}


def made(name: str, G: object, **changed: object) -> LatentPrior:
    settings: dict[str, object] = {"weight": WEIGHTS[name]} | ({} if name == "range" else {"mu": MU[name]})
    return LATENT[name](G, **(settings | changed))  # type: ignore[arg-type]


# The slowest search, that of `Sparse`, keeps by day to the laws that all priors keep to, and to what is its own.
FASTER = [name if name != "sparse" else pytest.param(name, marks=pytest.mark.nightly) for name in LATENT]


def operators() -> dict[str, Operator]:
    rng = torch.Generator().manual_seed(3)
    frequencies = torch.rand(SIZE, SIZE, generator=rng) > 0.5
    return {
        "identity": Identity((1, SIZE, SIZE)),
        "mask": Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.5),
        "fourier": FourierMask(frequencies),
        "two masks": stack(
            Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.5),
            2 * Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.3),
        ),
    }


def as_domain(x: Tensor, A: Operator) -> Tensor:
    return x.to(torch.complex128) if A.complex_domain else x


def measured(A: Operator, n: int = 3, *, seed: int = 1) -> Tensor:
    """Images that no generator here makes, with a little noise."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 1, SIZE, SIZE, generator=rng, dtype=torch.float64)
    y = A(as_domain(x, A))
    mask = A.observed()
    noise = 0.05 * torch.randn(y.shape, generator=rng, dtype=torch.float64)
    return y + (noise if mask is None else mask(noise))


def objective(name: str, prior: LatentPrior, A: Operator, y: Tensor, x: Tensor, z: Tensor) -> Tensor:
    """Written down anew from METHODS, with A scaled to ‖A‖ = 1 over real images."""
    unit = torch.eye(SIZE**2, dtype=torch.float64).reshape(-1, 1, SIZE, SIZE)
    columns = A(as_domain(unit, A)).flatten(1)
    columns = torch.view_as_real(columns).flatten(1) if columns.is_complex() else columns
    norm = float(torch.linalg.matrix_norm(columns, 2))
    misfit = (A(as_domain(x, A)) - y).abs().square().flatten(1).sum(1) / (2 * norm**2)
    w = x - prior.G(z)
    rest = {
        "range": z.square().sum(1),
        "soft": w.square().flatten(1).sum(1) + MU["soft"] * z.square().sum(1),
        "sparse": w.abs().flatten(1).sum(1) + MU["sparse"] * z.square().sum(1),
    }[name]
    return misfit + WEIGHTS[name] * rest


def test_every_prior_of_the_registry_is_one() -> None:
    for name in PRIORS:
        assert PRIORS.load(name).__name__ == PRIORS[name].split(":")[1]
    assert set(PRIORS) == set(every_prior())


def every_prior() -> dict[str, Callable[[], object]]:
    return {name: lambda name=name: made(name, Bent()) for name in LATENT} | {
        "tikhonov": lambda: Tikhonov(0.1),
        "tv": lambda: TV(0.02),
        "tgv": lambda: TGV(0.02),
        "lasso": lambda: Lasso(0.02),
        "wavelets": lambda: Wavelets(0.02, wavelet="db2"),
    }


class ShortTGV(TGV):
    """TGV with 100 iterations, for laws that every iterate fulfils: the minimum takes thousands."""

    def solve(self, y: Tensor, A: Operator, **settings: object) -> Solution:
        return super().solve(y, A, iterations=100, **settings)  # type: ignore[arg-type]


class ShortWavelets(Wavelets):
    """Wavelets with 100 iterations, for the reason of `ShortTGV`."""

    def solve(self, y: Tensor, A: Operator, **settings: object) -> Solution:
        return super().solve(y, A, iterations=100, **settings)  # type: ignore[arg-type]


SHORT: dict[str, Callable[[], object]] = {
    "tgv": lambda: ShortTGV(0.02),
    "wavelets": lambda: ShortWavelets(0.02, wavelet="db2"),
}


@pytest.mark.parametrize(
    ("name", "make"),
    [
        *(pytest.param(name, SHORT.get(name), id=name) for name in PRIORS),
        *(pytest.param(name, None, marks=pytest.mark.nightly, id=f"{name} to its minimum") for name in SHORT),
    ],
)
@pytest.mark.parametrize("law", PRIOR_LAWS)
def test_every_law_holds(name: str, make: Callable[[], object] | None, law: str) -> None:
    PRIOR_LAWS[law]((make or every_prior()[name])(), operators()["mask"])  # type: ignore[arg-type]


# Each by one mask is among the laws above.
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        if kind == "two masks" and name in ("soft", "tikhonov")
        else pytest.param(name, kind, marks=pytest.mark.nightly)
        for kind in ("mask", "two masks")
        for name in PRIORS
    ],
)
def test_n_measurements_give_the_n_images_that_each_gives_alone(name: str, kind: str) -> None:
    A = operators()[kind]
    prior, y = every_prior()[name](), measured(A, 4)
    together = prior.solve(y, A)  # type: ignore[attr-defined]
    assert together.x.shape == (4, 1, SIZE, SIZE) and together.converged.all(), together.sentence
    for i in range(4):
        alone = prior.solve(y[i : i + 1], A)  # type: ignore[attr-defined]
        assert torch.allclose(alone.value, together.value[i : i + 1], rtol=1e-6)
        assert torch.allclose(alone.x[0], together.x[i], atol=1e-4)


@pytest.mark.nightly  # among the laws above, with fewer weights
@pytest.mark.parametrize("name", PRIORS)
def test_a_larger_weight_never_fits_better(name: str) -> None:
    A = operators()["mask"]
    y, misfits = measured(A), []
    for factor in (1.0, 10.0, 100.0):
        prior = every_prior()[name]()
        prior = prior.weighted(factor * prior.weight)  # type: ignore[attr-defined]
        misfits.append((A(prior.solve(y, A).x) - y).square().flatten(1).sum(1))
    assert all((b >= a - 1e-4 * a).all() for a, b in itertools.pairwise(misfits))
    assert (misfits[-1] > misfits[0]).all()


# That of `TGV` takes long, and is CVXPY's for each of several images (`test_tgv`).
@pytest.mark.parametrize(
    "name", [*LATENT, "tikhonov", "lasso", pytest.param("tgv", marks=pytest.mark.nightly), "wavelets"]
)
def test_distances_are_one_a_image_and_nothing_below_zero(name: str) -> None:
    prior = every_prior()[name]()
    x = torch.rand(4, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = prior.distance(x)  # type: ignore[attr-defined]
    assert found.shape == (4,) and bool((found >= 0).all())
    assert torch.allclose(found[2:3], prior.distance(x[2:3]), rtol=1e-5)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "kind",
    [kind if kind == "fourier" else pytest.param(kind, marks=pytest.mark.nightly) for kind in operators()],
)
@pytest.mark.parametrize("name", LATENT)
def test_objectives_never_rise_and_are_what_they_are_said_to_be(name: str, kind: str) -> None:
    A = operators()[kind]
    prior, y = made(name, Bent()), measured(A)
    solution = prior.solve(y, A)
    assert solution.converged.all(), solution.sentence
    assert (solution.paths.diff(dim=0) <= 0).all()
    assert (solution.paths[0] > solution.paths[-1]).all()
    assert torch.equal(solution.values, solution.paths[-1])
    assert torch.equal(solution.value, solution.values.amin(1))
    assert torch.equal(solution.winner, solution.values.argmin(1))
    assert torch.equal(solution.trace[-1, 1], solution.value) and solution.trace.shape[1:] == (3, 3)
    assert torch.equal(solution.ends[torch.arange(3), solution.winner], solution.z)
    assert torch.allclose(solution.x, prior.G(solution.z) + solution.residual)
    expected = objective(name, prior, A, y, solution.x, solution.z)
    assert torch.allclose(solution.value, expected, rtol=2e-3 if kind == "fourier" else 1e-6)  # the norm by Lanczos
    if name == "range":
        assert not solution.residual.any()


@pytest.mark.parametrize("name", LATENT)
def test_slopes_are_those_of_the_objective(name: str) -> None:
    """Central differences of the objective as written down anew, with the other block held."""
    A = operators()["two masks"]
    G = Bent()
    prior, y = made(name, G), measured(A, 4)
    z = G.latents(4, generator=torch.Generator().manual_seed(9))
    task = Task(y, A, prior.weight, restarts=1)
    point = prior._evaluate(task, torch.arange(4), z, prior._first_state(task))
    w = point.state[0] if point.state else torch.zeros_like(point.image)
    assert torch.allclose(point.value, objective(name, prior, A, y, G(z) + w, z), rtol=1e-6)
    for k in range(2):
        step = torch.zeros_like(z)
        step[:, k] = 1e-5
        rise = [objective(name, prior, A, y, G(moved) + w, moved) for moved in (z - step, z + step)]
        assert torch.allclose(point.slope[:, k], (rise[1] - rise[0]) / 2e-5, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("images", [2, pytest.param(5, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    "name", [name if name == "soft" else pytest.param(name, marks=pytest.mark.nightly) for name in LATENT]
)
def test_the_solution_is_the_best_of_a_grid_over_latents(name: str, images: int) -> None:
    """2-D latents; A = 1, where the other block has a closed form for each z. A search that misses the best minimum of
    one image in two is found by 2 images with a probability of 0.75, by 5 with 0.97."""
    G, A = Bent(), Identity((1, SIZE, SIZE))
    prior, y = made(name, G), measured(A, images)
    solution = prior.solve(y, A, search=Search(restarts=40, tolerance=1e-7))
    axis = torch.linspace(-5, 5, 161, dtype=torch.float64)
    finer = torch.cartesian_prod(*2 * [torch.linspace(-0.07, 0.07, 41, dtype=torch.float64)])
    coarse = torch.cartesian_prod(axis, axis)
    for i in range(images):
        values = best_for_each_latent(name, prior, A, y[i : i + 1], coarse)
        basins = coarse[values.argsort()[:10]]
        z = (basins[:, None] + finer).reshape(-1, 2)
        values = best_for_each_latent(name, prior, A, y[i : i + 1], z)
        best = int(values.argmin())
        assert float(solution.value[i]) == pytest.approx(float(values[best]), rel=1e-5)
        assert torch.linalg.vector_norm(solution.z[i] - z[best]) < 0.01


def best_for_each_latent(name: str, prior: LatentPrior, A: Operator, y: Tensor, z: Tensor) -> Tensor:
    """Return the objective for A = 1 with the other block at its closed-form best: (len(z),)."""
    g, weight = prior.G(z), WEIGHTS[name]
    off = y - g
    w = {
        "range": torch.zeros_like(g),
        "soft": off / (1 + 2 * weight),
        "sparse": off.sign() * (off.abs() - weight).clamp(min=0),
    }[name]
    return objective(name, prior, A, y, g + w, z)


@pytest.mark.parametrize("name", LATENT)
def test_one_image_and_64_take_the_same_calls(name: str) -> None:
    A = operators()["mask"]
    for n in (1, 64):
        G = Bent()
        search = Search(restarts=3, iterations=12, tolerance=0)
        solution = made(name, G).solve(measured(A, n), A, search=search)
        assert G.calls == [3 * n] * 13, "one call an iteration, one at the start, all starts in each"
        assert solution.calls == 13 and solution.iterations.tolist() == [12] * n


@pytest.mark.parametrize("name", FASTER)
def test_starts_are_drawn_from_the_generators_prior_and_shared(name: str) -> None:
    A, G = operators()["mask"], Bent()
    y = measured(A, 2)
    seen: list[Tensor] = []
    original = G.images
    G.images = lambda z: (seen.append(z.detach().clone()), original(z))[1]  # type: ignore[method-assign]
    prior = made(name, G)
    prior.solve(y, A, search=Search(restarts=4, iterations=1), generator=torch.Generator().manual_seed(5))
    drawn = G.latents(4, generator=torch.Generator().manual_seed(5))
    assert torch.equal(seen[0], torch.cat([drawn, drawn]))
    first, again = prior.solve(y, A), prior.solve(y, A)
    assert torch.equal(first.x, again.x), "the same seed, the same bytes"


@pytest.mark.parametrize("name", FASTER)
def test_a_search_goes_on_from_where_another_ended(name: str) -> None:
    A = operators()["mask"]
    prior, y = made(name, Bent()), measured(A)
    whole = prior.solve(y, A, search=Search(tolerance=1e-6))
    on = prior.solve(y, A, start=whole.ends, search=Search(tolerance=1e-6))
    assert (on.value <= whole.value * (1 + 1e-4)).all() and on.converged.all()
    assert int(on.iterations.max()) < int(whole.iterations.max())
    one = prior.solve(y, A, start=whole.z[:, None])
    assert one.values.shape == (3, 1) and "one start" in one.sentence


@pytest.mark.parametrize("name", FASTER)
def test_complex_measurements_of_a_real_image(name: str) -> None:
    """An operator on complex images is asked about real ones, as one on real images is."""
    mask = operators()["fourier"].mask  # type: ignore[attr-defined]
    A, real = FourierMask(mask[0]), FourierMask(mask[0], real=True)
    y = measured(A)
    a, b = (made(name, Bent()).solve(y, op) for op in (A, real))
    assert not a.x.is_complex()
    assert torch.allclose(a.value, b.value, rtol=1e-2) and torch.allclose(a.x, b.x, atol=1e-2)
    dirty = y + 7 * ~mask
    assert torch.equal(made(name, Bent()).solve(dirty, A).x, a.x), "what was not measured does not count"


@pytest.mark.parametrize("name", FASTER)
def test_an_operator_for_each_image(name: str) -> None:
    rng = torch.Generator().manual_seed(3)
    masks = torch.rand(3, 1, SIZE, SIZE, generator=rng) > 0.5
    A, y = Mask(masks), measured(Mask(masks))
    prior = made(name, Bent())
    together = prior.solve(y, A)
    for i in range(3):
        assert torch.allclose(prior.solve(y[i : i + 1], Mask(masks[i])).x[0], together.x[i], atol=1e-4)


@pytest.mark.parametrize("name", FASTER)
def test_a_weight_for_each_image(name: str) -> None:
    A = operators()["mask"]
    y, exactly = measured(A, 2), Search(tolerance=1e-7)
    weights = torch.tensor([0.5, 0.02])
    both = made(name, Bent(), weight=weights).solve(y, A, search=exactly)
    for i, weight in enumerate(weights.tolist()):
        alone = made(name, Bent(), weight=weight).solve(y[i : i + 1], A, search=exactly)
        assert torch.allclose(alone.x[0], both.x[i], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("range", "relative"),
        ("soft", "relative"),
        ("soft", "sigma known"),
        *(
            pytest.param(*one, marks=pytest.mark.nightly)
            for one in (
                ("range", "sigma known"),
                ("sparse", "relative"),
                ("sparse", "sigma known"),
            )
        ),
    ],
)
def test_an_operator_of_any_size(name: str, fit: str) -> None:
    """Times a power of two, all roundings are the same: every start ends where it ended, to the last bit.

    Times 100 they are not, and between two minima of `Sparse` the last bit decides to which a start goes: so its search
    begins where the best start ended.
    """
    A = operators()["mask"]
    y, exactly = measured(A, 2), Search(tolerance=1e-7)

    def solved(by: float, start: Tensor | None = None) -> LatentSolution:
        prior = (
            made(name, Bent(), weight=torch.tensor([0.5, 0.02]))
            if fit == "relative"
            else made(name, Bent(), weight=2.0, fit=Squares(0.1 * by))
        )
        return prior.solve(by * y, by * A, search=exactly, start=start)

    one = solved(1.0)
    for by in (2.0**7, 2.0**-7):
        same = solved(by)
        assert torch.equal(same.x, one.x) and torch.equal(same.ends, one.ends) and torch.equal(same.values, one.values)
    large = solved(100.0, one.z[:, None] if name == "sparse" else None)
    assert torch.allclose(large.x, one.x, atol=1e-4) and torch.allclose(large.value, one.value, rtol=1e-4)


@pytest.mark.parametrize("name", FASTER)
def test_outliers_count_for_less_in_the_l1_fit(name: str) -> None:
    G, A = Bent(), Identity((1, SIZE, SIZE))
    x = G.sample(4, generator=torch.Generator().manual_seed(2))
    y = x.clone()
    y[:, :, 0, :3] += 5
    weight = {"range": 1e-6, "soft": 1.0, "sparse": 2.0}[name]
    errors = [
        float(
            (made(name, G, weight=weight, fit=fit, **({} if name == "range" else {"mu": 0.0})).solve(y, A).x - x)
            .abs()
            .flatten(1)
            .mean(1)
            .median()
        )
        for fit in (Squares(), L1())
    ]
    assert errors[1] < 0.2 * errors[0]


@pytest.mark.slow
@pytest.mark.parametrize("images", [8, pytest.param(24, marks=pytest.mark.nightly)])
def test_images_of_a_generator_are_found_in_its_range(images: int) -> None:
    """min over z of ‖G(z) − x‖ / ‖x‖ < 1e-3 for each of 8, or 95 % of 24 images made by G, without the penalty."""
    G = Convolutional()
    x = G.sample(images, generator=torch.Generator().manual_seed(11))
    solution = Range(G).nearest(x, search=Search(restarts=10))
    share = (solution.value / x.double().square().flatten(1).sum(1)).sqrt()
    assert float((share < 1e-3).double().mean()) >= 0.95, share
    assert torch.allclose(Range(G).distance(x[:4]), solution.value[:4], atol=1e-6)


def test_whoever_watches_sees_each_iteration() -> None:
    A, moments = operators()["mask"], list[SearchState]()
    solution = made("range", Bent()).solve(measured(A, 2), A, progress=moments.append)
    assert [moment.iteration for moment in moments] == list(range(1, solution.calls))
    assert moments[-1].moving == 0 and moments[0].value.shape == (20,)
    assert torch.equal(moments[-1].value, solution.values.flatten())


def test_a_solution_says_what_became_of_it() -> None:
    A = operators()["mask"]
    short = made("range", Bent()).solve(measured(A), A, search=Search(iterations=2))
    assert "Not converged" in short.sentence and "more iterations" in short.sentence
    full = made("range", Bent()).solve(measured(A), A)
    assert full.sentence.startswith("Converged: all 3 at a minimum (the best of 10 starts)")
    G = Bent()
    G.outer = G.outer * torch.nan
    assert "Nothing found: for 3 of 3" in made("range", G).solve(measured(A), A).sentence


@pytest.mark.parametrize("name", LATENT)
def test_bad_input_is_told_what_was_expected(name: str) -> None:
    A = operators()["mask"]
    prior, y = made(name, Bent()), measured(A)
    with pytest.raises(ValueError, match="weight is a finite number"):
        made(name, Bent(), weight=-1.0)
    with pytest.raises(ValueError, match="restarts=0"):
        Search(restarts=0)
    with pytest.raises(ValueError, match="tolerance"):
        Search(tolerance=float("nan"))
    with pytest.raises(ValueError, match="NaN or infinity"):
        prior.solve(y * float("nan"), A)
    with pytest.raises(ValueError, match="takes"):
        prior.solve(y[..., :-1], A)
    with pytest.raises(ValueError, match="real or complex"):
        prior.solve(y.long(), A)
    with pytest.raises(ValueError, match="empty"):
        prior.solve(y[:0], A)
    with pytest.raises(ValueError, match="complex"):
        prior.solve(y.to(torch.complex128), A)
    with pytest.raises(ValueError, match="start is"):
        prior.solve(y, A, start=torch.zeros(3, 2, 7))
    latent = tuple(prior.G.latent_shape)
    for bad, words in (
        (torch.full((3, 2, *latent), torch.nan), "NaN"),
        (torch.zeros(3, 2, *latent, dtype=torch.complex64), "start is real"),
        (torch.zeros(3, 0, *latent), "got none"),
    ):
        with pytest.raises(ValueError, match=words):
            prior.solve(y, A, start=bad)
    with pytest.raises(ValueError, match=r"makes images of \(1, 6, 6\), but Identity takes \(1, 8, 8\)"):
        prior.solve(torch.zeros(1, 1, 8, 8), Identity((1, 8, 8)))
    with pytest.raises(ValueError, match="weights for 2 images, but the batch has 3"):
        made(name, Bent(), weight=torch.ones(2)).solve(y, A)
    with pytest.raises(ValueError, match="real images"):
        prior.distance(torch.zeros(3, 3))
    if name != "range":
        with pytest.raises(ValueError, match="mu"):
            made(name, Bent(), mu=-1.0)
    with pytest.raises(ValueError, match=r"G is in training mode.*BatchNorm2d"):
        made(name, torch.nn.BatchNorm2d(1))


@pytest.mark.parametrize("kind", operators())
def test_damped_least_squares_by_each_way(kind: str) -> None:
    A = operators()[kind]
    from unseen.priors.real_images import of_real_images

    real = of_real_images(A)
    r, tau = measured(A, 2), torch.tensor([0.3, 2.0], dtype=torch.float64)
    columns = real(torch.eye(SIZE**2, dtype=torch.float64).reshape(-1, 1, SIZE, SIZE)).flatten(1)
    seen = r.flatten(1)
    if seen.is_complex():
        columns, seen = torch.view_as_real(columns).flatten(1), torch.view_as_real(seen).flatten(1)
    expected = torch.stack(
        [
            torch.linalg.solve(columns @ columns.T + t * torch.eye(SIZE**2, dtype=torch.float64), columns @ s)
            for t, s in zip(tau, seen, strict=True)
        ]
    ).reshape(2, 1, SIZE, SIZE)
    solver = DampedLeastSquares(real)
    ways = {"identity": "frame", "mask": "frame", "fourier": "spectral", "two masks": "spectral"}
    assert solver.way == ways[kind]
    assert torch.allclose(solver.solve(r, tau), expected, atol=1e-9)
    solver._frame, solver.__class__ = None, _ByGradients
    assert solver.way == "conjugate gradients"
    for start in (None, torch.ones_like(expected)):
        assert torch.allclose(solver.solve(r, tau, start=start), expected, atol=1e-8)


class _ByGradients(DampedLeastSquares):
    way = "conjugate gradients"  # type: ignore[assignment]


def test_the_straight_generators_answers_are_closed_forms() -> None:
    """Range and Soft with G(z) = mean + V z are linear least squares."""
    G, A = Straight(), operators()["two masks"]
    y = measured(A, 3)
    norm = A.norm()
    columns = A(torch.eye(SIZE**2, dtype=torch.float64).reshape(-1, 1, SIZE, SIZE)).flatten(1).T / norm
    seen, V = y.flatten(1) / norm, G.rows
    weight, mu = 0.2, 0.1
    inside = columns @ V.T
    z = torch.linalg.solve(inside.T @ inside + 2 * weight * torch.eye(3), inside.T @ (seen - G.mean @ columns.T).T).T
    found = Range(G, weight=weight).solve(y, A, search=Search(restarts=2, tolerance=1e-9))
    assert torch.allclose(found.z, z, atol=1e-4)
    n = SIZE**2
    eye = torch.eye(n, dtype=torch.float64)
    upper = torch.cat([columns.T @ columns + 2 * weight * eye, -2 * weight * V.T], dim=1)
    lower = torch.cat([-2 * weight * V, 2 * weight * (V @ V.T + mu * torch.eye(3))], dim=1)
    right = torch.cat([seen @ columns + 2 * weight * G.mean, -2 * weight * (V @ G.mean).expand(3, 3)], dim=1)
    both = torch.linalg.solve(torch.cat([upper, lower]), right.T).T
    soft = Soft(G, weight=weight, mu=mu).solve(y, A, search=Search(restarts=2, tolerance=1e-9))
    assert torch.allclose(soft.x.flatten(1), both[:, :n], atol=1e-4)
    assert torch.allclose(soft.z, both[:, n:], atol=1e-4)


@pytest.mark.parametrize("kind", [TV, Tikhonov, Lasso])
def test_a_prior_keeps_the_weights_that_it_was_given(kind: Callable[[Tensor], Any]) -> None:
    """Before, a change of the tensor in place changed the prior, and so did one of `weighted`."""
    weight, x = torch.tensor([0.1, 0.2]), torch.rand(2, 1, 8, 8)
    first, other = kind(weight), kind(torch.ones(())).weighted(weight)
    A = Identity((1, 8, 8))
    before = first.solve(x, A).x, other.solve(x, A).x
    weight.mul_(100)
    assert torch.equal(first.solve(x, A).x, before[0]) and torch.equal(other.solve(x, A).x, before[1])


@pytest.mark.parametrize("weight", ["a", None, [], torch.tensor([0.1j])])
@pytest.mark.parametrize("kind", [TV, Tikhonov])
def test_a_weight_that_is_no_number_is_named(kind: Callable[[object], object], weight: object) -> None:
    with pytest.raises(ValueError, match="'s weight is a finite number"):
        kind(weight)
