"""The laws of operators, noises, losses and priors.

Each `check_…` runs all laws of its kind on one object, as scikit-learn's `check_estimator` does, and raises
AssertionError with a sentence that names the law that is broken. The laws stand by name in `OPERATOR_LAWS`,
`NOISE_LAWS`, `LOSS_LAWS` and `PRIOR_LAWS`; this package's own contract tests run the same ones.
"""

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import torch
from scipy.sparse.linalg import aslinearoperator
from torch import Tensor

from unseen.losses.loss import Loss, Seen, Units
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.immutability import functions_within
from unseen.physics.measurement import Measurement
from unseen.physics.noise import Noise
from unseen.physics.operator import Operator
from unseen.physics.poisson_noise import PoissonGaussian
from unseen.physics.tensor_products import result_dtype
from unseen.priors.prior import Prior
from unseen.testing.detectors import close, holds, refuses

UNIT: Final = 4.0  # a power of two, which changes no rounding
DRAWS: Final = 20_000
LARGEST_Z: Final = 5.0
"""Standard errors that a mean over `DRAWS` may be off: by chance once in two million draws."""

# operators ----------------------------------------------------------------------------------------------------------


def check_operator(A: Operator) -> None:
    """Check every law of an operator; a small one, since its matrix is made.

    Args:
        A: of a few dozen pixels, such as `Mask(torch.ones(1, 6, 6))`.

    Raises:
        AssertionError: the law that is broken.

    >>> from unseen.physics import Downsampling
    >>> check_operator(Downsampling(8, 2))
    """
    for law in OPERATOR_LAWS.values():
        law(A)


def linear(A: Operator) -> None:
    """Check that A, its adjoint and its pseudo-inverse are linear."""
    for name, (act, tensor) in actions(A).items():
        if name == "pinv":
            adjoint(A)  # conjugate gradients need it: of another adjoint they give NaN
        other = tensor.flip(0).roll(1, dims=-1)
        expected = -1.7 * act(tensor) + act(other)
        close(act(-1.7 * tensor + other), expected, 1e-8 * float(expected.abs().max()), f"{name} is not linear")


def adjoint(A: Operator) -> None:
    """Check that ⟨A x, y⟩ = ⟨x, A* y⟩ over real components, to 1e-12 in double and 1e-6 in single precision, and that
    types are kept.
    """
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        x, y = _image(A, 1, dtype), _measured(A, 2, dtype)
        there, back = A(x), A.adjoint(y)
        holds(there.shape == y.shape and there.dtype == y.dtype, "A x has another shape or type than A.range")
        holds(back.shape == x.shape and back.dtype == x.dtype, "A* y has another shape or type than A.domain")
        x, y, there, back = (components(tensor).double() for tensor in (x, y, there, back))
        gap = ((there * y).sum(dim=1) - (x * back).sum(dim=1)).abs()
        holds(bool((gap <= tolerance * there.norm(dim=1) * y.norm(dim=1)).all()), f"⟨A x, y⟩ ≠ ⟨x, A* y⟩ in {dtype}")


def pseudo_inverse(A: Operator) -> None:
    """Check that A⁺ satisfies the four conditions of Moore and Penrose."""
    for sample in range(A.batch or 1):
        forward, inverse = matrix(A, sample=sample), matrix(A, "pinv", sample=sample)
        seen, shown = forward @ inverse, inverse @ forward
        for words, product, expected in (
            ("A A⁺ A ≠ A", seen @ forward, forward),
            ("A⁺ A A⁺ ≠ A⁺", shown @ inverse, inverse),
            ("A A⁺ is not symmetric", seen, seen.T),
            ("A⁺ A is not symmetric", shown, shown.T),
        ):
            far = torch.linalg.matrix_norm(product - expected)
            holds(bool(far <= 1e-6 * torch.linalg.matrix_norm(expected)), words)


def norm(A: Operator) -> None:
    """norm() is the largest singular value."""
    exact = max(float(torch.linalg.matrix_norm(matrix(A, sample=i), ord=2)) for i in range(A.batch or 1))
    holds(abs(A.norm() - exact) <= 1e-3 * exact + 1e-12, f"norm() is {A.norm()}, the largest singular value {exact}")


def immutable(A: Operator) -> None:
    """Check that no use of A changes it or its arguments, and that copies and pickles do the same as A.

    An operator of a function that cannot be pickled, such as a lambda, needs no pickle.
    """
    x, y = _image(A, 1), _measured(A, 2)
    given_x, given_y, before = x.clone(), y.clone(), A(x)
    for attribute in ("domain", "range", "batch"):
        try:
            setattr(A, attribute, None)
        except AttributeError:
            continue
        raise AssertionError(f"{attribute} can be assigned")
    A.pinv(y), A.adjoint(y), A.norm(), A(x.to(torch.complex64 if A.complex_domain else torch.float32))
    holds(torch.equal(A(x), before), "A x is another one after A was used")
    holds(torch.equal(x, given_x) and torch.equal(y, given_y), "what A is given is changed")
    for name, (act, tensor) in actions(A).items():
        shared = act(tensor).untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr()
        holds(not shared, f"the result of {name} is in the memory of what it was given: a change of it changes both")
    holds(torch.equal(copy.deepcopy(A)(x), before), "a copy does something else")
    if any(_pickling_error(function) is not None for _, function in functions_within(A)):
        return  # a lambda, or another function that no pickle holds
    error = _pickling_error(A)
    holds(error is None, f"it cannot be pickled ({error})")
    holds(torch.equal(pickle.loads(pickle.dumps(A))(x), before), "a pickled one does something else")


def _pickling_error(thing: object) -> Exception | None:
    try:
        pickle.dumps(thing)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return error
    return None


def sample_by_sample(A: Operator) -> None:
    """Check that the result of a batch is that of its samples, one by one."""
    for name, (act, tensor) in actions(A).items():
        together = act(tensor)
        for i in range(len(tensor)):
            alone = A.select(torch.tensor([i]))
            which: Callable[[Tensor], Tensor] = {"A": alone, "adjoint": alone.adjoint, "pinv": alone.pinv}[name]  # type: ignore[assignment]
            one = which(tensor[i : i + 1])
            close(one[0], together[i], 1e-9, f"{name} of a sample depends on its batch mates")


def gradient(A: Operator) -> None:
    """Check that the gradient is that of the matrix."""
    for name, (act, tensor) in actions(A).items():
        tensor = tensor.requires_grad_()
        there = act(tensor)
        probe = _numbers(tuple(there.shape), 5, complex_too=there.is_complex())
        (found,) = torch.autograd.grad((components(probe) * components(there)).sum(), tensor)
        one_for_all = matrix(A, name) if A.batch is None else None
        for sample in range(len(tensor)):
            own = matrix(A, name, sample=sample) if one_for_all is None else one_for_all
            expected = own.T @ components(probe)[sample]
            close(components(found)[sample], expected, 1e-8, f"the gradient of {name} is wrong")


def bad_input(A: Operator) -> None:
    """Check that a wrong shape and whole numbers are refused."""
    for name, (act, tensor) in actions(A).items():
        for words, wrong in (("shape", tensor[..., 1:]), ("type", torch.zeros(tensor.shape, dtype=torch.int64))):
            refuses(ValueError, partial(act, wrong), f"{name} takes a wrong {words}")


def vectorised(A: Operator) -> None:
    """`torch.func.vmap` over an axis before the batch gives what each element gives alone."""
    for name, (act, tensor) in actions(A).items():
        several = torch.stack([tensor, -2 * tensor.flip(1)])
        try:
            found = torch.func.vmap(act)(several)
        except RuntimeError as error:
            raise AssertionError(
                f"torch.func.vmap does not follow {name} ({error}). Write it without in-place operations on new "
                "tensors: make these from the argument, such as y.new_zeros(shape)."
            ) from error
        close(found, torch.stack([act(one) for one in several]), 1e-8, f"vmap of {name} is wrong")


def forward_derivative(A: Operator) -> None:
    """Check that the derivative in forward mode, `torch.func.jvp`, is the operator itself."""
    for name, (act, tensor) in actions(A).items():
        direction = tensor.flip(1)
        value, derivative = torch.func.jvp(act, (tensor,), (direction,))
        close(value, act(tensor), 1e-8, f"{name} within jvp is another")
        expected = act(direction)
        allowed = 1e-6 * float(expected.abs().max()) + 1e-9
        close(derivative, expected, allowed, f"the forward derivative of {name} is wrong")


def meta_tensors(A: Operator) -> None:
    """Tensors on the device "meta" give the shape and type of the result."""
    for name, (act, tensor) in actions(A).items():
        expected, found = act(tensor), act(tensor.to("meta"))
        holds(found.is_meta, f"{name} of a meta tensor is on {found.device}")
        holds((found.shape, found.dtype) == (expected.shape, expected.dtype), f"{name} of a meta tensor is {found}")


def half_precision(A: Operator) -> None:
    """Half precision is kept where numbers are real; complex numbers are returned in single precision."""
    for dtype in (torch.float16, torch.bfloat16):
        for name, (act, tensor) in actions(A).items():
            exact = act(tensor)
            short = tensor.to(torch.complex64 if tensor.is_complex() else dtype)
            found = act(short)
            kept = torch.float32 if tensor.is_complex() else dtype
            kind = result_dtype(kept, complex_numbers=exact.is_complex())
            holds(found.dtype == kind, f"{name} of {short.dtype} is {found.dtype}, not {kind}")
            close(found.to(exact.dtype), exact, 0.05 * float(exact.abs().max()), f"{name} of {dtype} is inexact")


def empty_batch(A: Operator) -> None:
    """Check that a batch of no samples gives none, and keeps the graph."""
    if A.batch is not None:
        return
    for name, (act, tensor) in actions(A).items():
        nothing, whole = tensor[:0].requires_grad_(), act(tensor)
        found = act(nothing)
        holds(found.shape == whole[:0].shape and found.dtype == whole.dtype, f"{name} of an empty batch is {found}")
        (derivative,) = torch.autograd.grad(found.abs().sum(), nothing)
        holds(derivative.shape == nothing.shape, f"{name} of an empty batch has no gradient")


def placed(A: Operator) -> None:
    """`A.to` accepts what modules accept, and `A.H` is the adjoint."""
    y = _measured(A, 1)
    holds(A.to("cpu", torch.float32) is A, "A.to gives another operator")
    close(A.H(y), A.adjoint(y), 0.0, "A.H is not the adjoint")


def flat_vectors(A: Operator) -> None:
    """`scipy.sparse.linalg.aslinearoperator(A)` is A and its adjoint on flat vectors."""
    flat = aslinearoperator(A)
    rng = np.random.default_rng(0)
    u, v = (rng.normal(size=n) + (1j * rng.normal(size=n) if flat.dtype.kind == "c" else 0) for n in flat.shape[::-1])
    there, back = flat.matvec(u), flat.rmatvec(v)
    gap = abs(np.vdot(there, v) - np.vdot(u, back))
    holds(gap <= 1e-9 * np.linalg.norm(there) * np.linalg.norm(v) + 1e-30, "matvec and rmatvec are not adjoint")
    holds(there.dtype == flat.dtype and back.dtype == flat.dtype, f"matvec gives {there.dtype}, not {flat.dtype}")
    samples = A.batch or 1
    x = _image(A, 1)[:samples]
    expected = A(x)
    vectors = (one if flat.dtype.kind == "c" else components(one) for one in (x, expected))
    entries, measured = (one.reshape(-1).numpy() for one in vectors)
    holds(np.allclose(flat.matvec(entries), measured, atol=1e-9), "matvec is not A x in reading order")


def compiled(A: Operator) -> None:
    """Check that `torch.compile` compiles a function that calls the operator, which runs outside of the graph."""
    torch.compiler.reset()
    for name, (act, tensor) in actions(A).items():
        function = torch.compile(partial(_doubled, act), backend="eager")
        close(function(tensor), 2 * act(tensor), 1e-9, f"{name} within torch.compile is another")


def _doubled(act: Callable[[Tensor], Tensor], tensor: Tensor) -> Tensor:
    return 2 * act(tensor)


OPERATOR_LAWS: Final[dict[str, Callable[[Operator], None]]] = {
    law.__name__: law
    for law in (
        linear,
        adjoint,
        pseudo_inverse,
        norm,
        immutable,
        sample_by_sample,
        gradient,
        bad_input,
        vectorised,
        forward_derivative,
        meta_tensors,
        half_precision,
        empty_batch,
        placed,
        flat_vectors,
        compiled,
    )
}

# noises -------------------------------------------------------------------------------------------------------------


def check_noise(noise: Noise) -> None:
    """Check every law of a noise.

    Args:
        noise: the noise.

    Raises:
        AssertionError: the law that is broken.

    >>> from unseen.physics import Gaussian
    >>> check_noise(Gaussian(0.3))
    """
    for law in NOISE_LAWS.values():
        law(noise)


def mean_and_variance(noise: Noise) -> None:
    """Check that 20,000 draws have the mean u and the variance of `variance`, within five standard errors."""
    levels = torch.tensor([0.0, 0.1, 0.9, 2.0, 7.5, 60.0], dtype=torch.float64)
    drawn = noise.sample(levels.expand(DRAWS, 1, 1, -1), generator=_rng(1))[:, 0, 0] - levels  # (draws, levels)
    variance = noise.variance(levels)
    holds(bool((drawn[:, variance == 0] == 0).all()), "entries without variance are changed")
    drawn, variance = drawn[:, variance > 0], variance[variance > 0]
    squares = drawn.square()
    z_mean = drawn.mean(0) / (variance / DRAWS).sqrt()
    z_variance = (squares.mean(0) - variance) / (squares.std(0) / DRAWS**0.5)
    holds(bool((z_mean.abs() < LARGEST_Z).all()), f"the mean is not u: {z_mean.tolist()} standard errors off")
    holds(bool((z_variance.abs() < LARGEST_Z).all()), f"the variance is off by {z_variance.tolist()} standard errors")


def independent_entries(noise: Noise) -> None:
    """Check that entries are drawn independently."""
    drawn = noise.sample(torch.full((DRAWS, 1, 1, 2), 3.0), generator=_rng(2))[:, 0, 0]
    holds(abs(float(torch.corrcoef(drawn.T)[0, 1])) < LARGEST_Z / DRAWS**0.5, "two entries are correlated")


def generator_alone(noise: Noise) -> None:
    """Check that the generator alone decides what is drawn, and that shape and type are kept."""
    u = torch.full((2, 1, 8, 8), 1.5)
    first = noise.sample(u, generator=_rng(3))
    torch.rand(5)
    holds(torch.equal(first, noise.sample(u, generator=_rng(3))), "the same generator gives other draws")
    holds(not torch.equal(first, noise.sample(u, generator=_rng(4))), "another generator gives the same draws")
    holds(first.dtype == u.dtype and first.shape == u.shape, "a draw has another shape or type than u")


def likelihood(noise: Noise) -> None:
    """Check that the log-likelihood is one finite value a sample, and independent of batch mates."""
    u = torch.rand(5, 1, 4, 4, generator=_rng(0), dtype=torch.float64) + 0.5
    y = noise.sample(u, generator=_rng(5))
    values = noise.log_likelihood(y, u)
    holds(values.shape == (5,) and bool(torch.isfinite(values).all()), "it is not one finite value a sample")
    close(values[2:3], noise.log_likelihood(y[2:3], u[2:3]), 1e-6, "it depends on batch mates")
    refuses(ValueError, lambda: noise.log_likelihood(y, u[..., 1:]), "shapes that differ are taken")


NOISE_LAWS: Final[dict[str, Callable[[Noise], None]]] = {
    law.__name__: law for law in (mean_and_variance, independent_entries, generator_alone, likelihood)
}

# losses -------------------------------------------------------------------------------------------------------------


def check_loss(loss: Loss, process: Measurement) -> None:
    """Check every law of a loss that learns from measurements.

    Args:
        loss: such as `Sure()`.
        process: by which it is to learn, with an operator of a few dozen pixels, and the noise that the loss needs.

    Raises:
        AssertionError: the law that is broken.

    >>> from unseen.losses import Sure
    >>> from unseen.physics import Gaussian, Mask
    >>> check_loss(Sure(), Measurement(Mask(torch.ones(1, 6, 6).triu()), noise=Gaussian(0.3)))
    """
    for law in LOSS_LAWS.values():
        law(loss, process)


def one_value_a_sample(loss: Loss, process: Measurement) -> None:
    """Check that there is one finite value a sample, in single precision or better."""
    value = _value(loss, process, *_batch(process))
    holds(value.shape == (4,) and bool(torch.isfinite(value).all()), f"it gives {value}, not one finite value a sample")
    holds(value.dtype in (torch.float32, torch.float64), f"it is computed in {value.dtype}")


def independent_of_batch_mates(loss: Loss, process: Measurement) -> None:
    """Check that a sample's value depends on that sample alone."""
    weights, x, y = _batch(process)
    others = torch.cat([weights[:1], -7 * weights[1:]]), x, y
    alone, among = _value(loss, process, weights, x, y)[0], _value(loss, process, *others)[0]
    close(alone, among, 1e-6 * float(alone.detach().abs().clamp(min=1)), "a value depends on batch mates")


def gradient_flows(loss: Loss, process: Measurement) -> None:
    """Check that every sample has a gradient."""
    weights, x, y = _batch(process)
    (found,) = torch.autograd.grad(_value(loss, process, weights.requires_grad_(), x, y).sum(), weights)
    holds(bool((found != 0).flatten(1).any(dim=1).all()), "a sample has no gradient")


def reads_what_it_needs(loss: Loss, process: Measurement) -> None:
    """Check that it never looks at the truth unless `needs` names it."""
    holds(set(loss.needs) <= {"x", "y", "A", "f"}, f"needs is {set(loss.needs)}; it names some of x, y, A, f")
    if "x" not in loss.needs:
        weights, _, y = _batch(process)
        _value(loss, process, weights, None, y, kind=_Blind)


def same_generator_same_value(loss: Loss, process: Measurement) -> None:
    """Check that the same generator gives the same value, and that the global one is left alone."""
    state = torch.random.get_rng_state()
    first, second = (_value(loss, process, *_batch(process)) for _ in range(2))
    holds(torch.equal(first, second), "the same generator gives another value")
    holds(torch.equal(state, torch.random.get_rng_state()), "it draws from the global generator")


def follows_the_unit(loss: Loss, process: Measurement) -> None:
    """Check that, in another unit of Gaussian noise or counts, it is that unit's power `degree` times as large."""
    noise = process.noise
    if process.link is not None or not isinstance(noise, Gaussian | PoissonGaussian | None):
        return
    if noise is not None:
        sigma = UNIT * noise.sigma
        noise = Gaussian(sigma) if isinstance(noise, Gaussian) else PoissonGaussian(UNIT * noise.gain, float(sigma))
    (weights, x, y), scaled = _batch(process), replace(process, noise=noise)
    one = _value(loss, process, weights, x, y).detach().double()
    other = _value(loss, scaled, weights, UNIT * x, UNIT * y, unit=UNIT).detach().double()
    words = f"it compares {loss.compares} in power {loss.degree}, but in another unit it is another multiple"
    close(loss.in_own_scale(other, Units(UNIT, UNIT)), one, 1e-4 * float(one.abs().max()) + 1e-9, words)


class _Blind(Seen):
    """Values that a loss may read, without the truth."""

    def __getattribute__(self, name: str) -> object:
        if name == "x":
            raise AssertionError("it looks at x, which `needs` does not name")
        return super().__getattribute__(name)


def _batch(process: Measurement) -> tuple[Tensor, Tensor, Tensor]:
    x = 1 + _numbers((4, *process.A.domain), 6, complex_too=process.A.complex_domain).abs().float()
    return _numbers((4, *process.A.domain), 7, complex_too=False).float(), x, process(x, generator=_rng(8))


def _value(
    loss: Loss,
    process: Measurement,
    weights: Tensor,
    x: Tensor | None,
    y: Tensor,
    *,
    kind: type[Seen] = Seen,
    unit: float = 1.0,
) -> Tensor:
    """Return the loss of a network whose weights are one image a sample."""
    f = lambda y, process: weights * process.A.pinv(process.linearise(y)) + 0.3 * unit * weights.square()  # noqa: E731
    return loss(kind(y, process, f, x=x, units=Units(unit, unit)), generator=_rng(9))


LOSS_LAWS: Final[dict[str, Callable[[Loss, Measurement], None]]] = {
    law.__name__: law
    for law in (
        one_value_a_sample,
        independent_of_batch_mates,
        gradient_flows,
        reads_what_it_needs,
        same_generator_same_value,
        follows_the_unit,
    )
}

# priors -------------------------------------------------------------------------------------------------------------


def check_prior(prior: Prior, A: Operator) -> None:
    """Check every law of a prior.

    Args:
        prior: with a weight above 0.
        A: an operator on the images that it knows.

    Raises:
        AssertionError: the law that is broken.

    >>> from unseen.physics import Mask
    >>> from unseen.priors import Tikhonov
    >>> check_prior(Tikhonov(0.1), Mask(torch.ones(1, 6, 6).triu()))
    """
    for law in PRIOR_LAWS.values():
        law(prior, A)


def solves_one_by_one(prior: Prior, A: Operator) -> None:
    """n measurements give the n images that each gives alone."""
    y = A(_image(A, 10))
    together = prior.solve(y, A).x
    for i in range(len(y)):
        close(prior.solve(y[i : i + 1], A).x[0], together[i], 1e-4, "an image depends on the other measurements")


def larger_weight_fits_no_better(prior: Prior, A: Operator) -> None:
    """Check that a larger weight never fits the measurement better."""
    y, before = A(_image(A, 10)), torch.zeros(())
    for factor in (1.0, 10.0, 100.0):
        misfit = components(A(prior.weighted(factor * prior.weight).solve(y, A).x) - y).square().sum(1)
        holds(bool((misfit >= before - 1e-4 * misfit).all()), f"{factor:g} times the weight fits better")
        before = misfit


PRIOR_LAWS: Final[dict[str, Callable[[Prior, Operator], None]]] = {
    law.__name__: law for law in (solves_one_by_one, larger_weight_fits_no_better)
}

# what the laws are written with -------------------------------------------------------------------------------------


def components(tensor: Tensor) -> Tensor:
    """(batch, real components)."""
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).flatten(1)


def actions(A: Operator) -> dict[str, tuple[Callable[[Tensor], Tensor], Tensor]]:
    """Return A, its adjoint and its pseudo-inverse, each with a batch to act on."""
    return {"A": (A, _image(A, 1)), "adjoint": (A.adjoint, _measured(A, 1)), "pinv": (A.pinv, _measured(A, 1))}


def matrix(A: Operator, action: str = "A", *, sample: int = 0) -> Tensor:
    """Return A's dense matrix for one sample, over real components."""
    entry = actions(A)[action][1][0]
    count = components(entry[None]).numel()
    alone = A if A.batch is None else A.select(torch.tensor([sample]))
    alike = alone if alone.batch is None else A.select(torch.full((count,), sample))
    units = torch.eye(count, dtype=torch.float64)
    batch = torch.view_as_complex(units.reshape(count, -1, 2)) if entry.is_complex() else units
    return components(actions(alike)[action][0](batch.reshape(count, *entry.shape))).T


def _image(A: Operator, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    drawn = _numbers((A.batch or 3, *A.domain), seed, complex_too=A.complex_domain)
    return drawn.to(dtype.to_complex() if A.complex_domain else dtype)


def _measured(A: Operator, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    drawn = _numbers((A.batch or 3, *A.range), seed, complex_too=A.complex_range)
    return drawn.to(dtype.to_complex() if A.complex_range else dtype)


def _numbers(shape: tuple[int, ...], seed: int, *, complex_too: bool) -> Tensor:
    return torch.randn(shape, generator=_rng(seed), dtype=torch.complex128 if complex_too else torch.float64)


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
