"""Validation of a training on held-out measurements: the weights of the epoch with the least risk are kept.

The risk is the objective on held-out measurements, with an unbiased risk for each term (`Loss.judge`). On its training
measurements f fits their noise, or the few images that they show, so that the estimate is too low there. Probes,
transformations and noise are the same for every epoch, so that only f differs between epochs.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from unseen.losses.backprojection import BackprojectedConsistency
from unseen.losses.count_thinning import thinned
from unseen.losses.loss import UNITS, Loss, Reconstruct, Seen, Units, noise_energy, observed, observed_count
from unseen.losses.recorruption import recorrupted
from unseen.losses.splitting import Splitting
from unseen.losses.sums import squares
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.noise import Noise
from unseen.physics.poisson_noise import PoissonGaussian
from unseen.reconstruction.reconstructor import Reconstructor

SHARE = 0.1
DRAWS = 4  # of probes, transformations and noise for each measurement held out
AT_ONCE = 8  # measurements evaluated at a time
KEPT = 0.9  # share of a noise-free measurement that f is given; the rest evaluates it
RISK = "held-out risk"
"""Name of the sum in `history.validation`; where it chooses no epoch it is `CONSISTENCY`."""
CONSISTENCY = "held-out consistency"
TWIN = "twin"


@dataclass(frozen=True)
class MeasurementSet:
    """Measurements with their process, for training or for validation.

    Args:
        y, x, rows: measurements, their truth if it is known, and the index of the operator of each.
        process: process of the measurements.
        units: units of the losses.
        at: (n,), index of the measurements that count; None: all. They are read when needed, so that a file that is
            mapped into memory is never read whole.
    """

    y: Tensor
    x: Tensor | None
    rows: Tensor
    process: Measurement
    units: Units = UNITS
    at: Tensor | None = None

    def __len__(self) -> int:
        return len(self.y) if self.at is None else len(self.at)

    def seen(self, index: Tensor, f: Reconstruct, *, modules: Iterable[nn.Module] = ()) -> Seen:
        """Return the batch at an index, on the device of the index.

        Args:
            index: (batch,).
            f: the reconstruction.
            modules: the networks that f runs.
        """
        at = index.cpu() if self.at is None else self.at[index.cpu()]
        return Seen(
            self.y[at].to(index.device),
            self.process.select(self.rows[at]),
            f,
            x=None if self.x is None else self.x[at].to(index.device),
            modules=modules,
            pool=None if self.process.A.batch is None else self.process,
            units=self.units,
        )


@dataclass(frozen=True)
class HeldOut:
    """Measurements and the losses that validate f on them.

    Args:
        measurements: held-out measurements; with `twin`, the training measurements.
        losses: weighted losses by name.
        seed: seed of probes, transformations and noise.
        chooses: whether the weights of the least value are kept.
        twin: a second measurement of each, independent of the first and of its shape, and its noise.
        fidelity: weight of the misfit to the twin.
    """

    measurements: MeasurementSet
    losses: Mapping[str, Loss]
    seed: int
    chooses: bool = True
    twin: tuple[Tensor, Noise] | None = None
    fidelity: float = 1.0

    def __len__(self) -> int:
        return len(self.measurements)

    @property
    def name(self) -> str:
        """Name of the sum, in the history."""
        return RISK if self.chooses else CONSISTENCY

    @torch.no_grad()
    def judged(self, f: Reconstructor) -> dict[str, float]:
        """Return the weighted sum of all terms, and each term, in the scale of f."""
        units, y = self.measurements.units, self.measurements.y
        device = next((weight.device for weight in f.parameters()), y.device)
        total: dict[str, float] = dict.fromkeys(self.losses, 0.0) | ({} if self.twin is None else {TWIN: 0.0})
        generator = torch.Generator().manual_seed(self.seed)
        for start in range(0, len(self), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            seen = self.measurements.seen(torch.arange(len(self), device=device)[part], f)
            for name, loss in self.losses.items():
                for _ in range(DRAWS):
                    value = loss.in_own_scale(loss(seen, generator=generator), units)
                    total[name] += float(value.double().sum()) / DRAWS / len(self)
            if self.twin is not None:
                twin, noise = self.twin[0][part].to(device), self.twin[1].select(torch.arange(len(self))[part])
                total[TWIN] += float(self._misfit(seen, twin, noise)) / len(self)
        weights = {TWIN: self.fidelity} | {name: loss.weight for name, loss in self.losses.items()}
        return {self.name: sum(weights[name] * value for name, value in total.items())} | {
            f"held-out {name}": value for name, value in total.items()
        }

    def _misfit(self, seen: Seen, twin: Tensor, noise: Noise) -> Tensor:
        """Return the risk of the remeasured image by its independent twin, summed over the batch."""
        process = seen.process
        total = squares(observed(process, twin - seen.remeasured)) - noise_energy(noise, process, twin)
        return (total.double() / observed_count(process, twin) / seen.units.measurement**2).sum()


def divided(
    whole: MeasurementSet,
    losses: Sequence[Loss],
    share: float,
    subjects: Sequence[Hashable] | None,
    *,
    seed: int,
) -> tuple[MeasurementSet, HeldOut | None]:
    """Divide into training and held-out measurements; None: nothing can be held out.

    Args:
        whole: all measurements.
        losses: of the training; the held-out measurements are validated by the risks that they become.
        share: about this share is held out, whole subjects, in (0, 1).
        subjects: (n,), subject of each measurement; None: each is of its own.
        seed: chooses the measurements, and is the seed of the validation.

    Warns:
        UserWarning: no measurement can be held out, or there is no unbiased risk.
    """
    process, rows, n = whole.process, whole.rows, len(whole.y)
    judging = judges(dict(zip(names_of(losses), losses, strict=True)), process)
    fidelity = fidelity_of([*judging.values(), *losses])
    chooses = process.noise is not None or any(map(sees_the_null_space, judging.values()))
    if not judging:
        _warn("none of the losses is a risk, so held-out measurements cannot choose an epoch.")
        return whole, None
    held = held_rows(n, share, subjects, seed=seed)
    if not bool(held.any()) and process.noise is not None:
        if process.noise.batch is not None:  # a level for each measurement
            process, rows = process.select(rows), torch.arange(n)
        two = twins(whole.y, process.noise, share=share, seed=seed)
        if two is not None:
            learnt = replace(whole, y=two.y, rows=rows, process=replace(process, noise=two.noise))
            terms = {name: loss for name, loss in judging.items() if loss.compares != "measurements"}
            return learnt, HeldOut(learnt, terms, seed, twin=(two.twin, two.its_noise), fidelity=fidelity)
        held = held_rows(n, 1 / n, subjects, seed=seed)
    if not bool(held.any()):
        _warn("the measurements are too few, or of one subject, and their noise cannot be split.")
        return whole, None
    if not chooses:
        _warn(
            "without noise, and without a loss that sees the null space, held-out measurements give only their "
            f"consistency, which is no unbiased risk; it is logged as {CONSISTENCY!r}."
        )
    learnt, rest = (replace(whole, at=some.nonzero().flatten()) for some in (~held, held))
    return learnt, HeldOut(rest, judging, seed, chooses=chooses, fidelity=fidelity)


class Best(nn.Module):
    """Weights of the least risk so far; a module of the learner, so that a checkpoint contains them."""

    risk: Tensor  # ()

    def __init__(self, f: Reconstructor) -> None:
        super().__init__()
        self.register_buffer("risk", torch.tensor(math.inf, dtype=torch.float64))
        for i, tensor in enumerate(f.state_dict().values()):
            self.register_buffer(f"kept_{i}", tensor.detach().clone())

    @torch.no_grad()
    def consider(self, f: Reconstructor, risk: float) -> None:
        """Keep the weights of f if their risk is the least so far."""
        if risk < float(self.risk):
            self.risk.fill_(risk)
            for i, tensor in enumerate(f.state_dict().values()):
                getattr(self, f"kept_{i}").copy_(tensor)

    def give_back(self, f: Reconstructor) -> None:
        """Load the kept weights into f; if no epoch had a finite risk, f is unchanged."""
        if math.isfinite(float(self.risk)):
            f.load_state_dict({name: getattr(self, f"kept_{i}") for i, name in enumerate(f.state_dict())})


def held_rows(n: int, share: float, subjects: Sequence[Hashable] | None, *, seed: int) -> Tensor:
    """Choose the measurements to hold out: about `share`, whole subjects, (n,) bool; none where too few would be left.

    >>> held_rows(10, 0.2, None, seed=0).nonzero().flatten().tolist()
    [5, 7]
    >>> held_rows(4, 0.25, ["a", "b", "a", "b"], seed=0).tolist()
    [False, True, False, True]
    >>> bool(held_rows(4, 0.25, ["a", "a", "a", "a"], seed=0).any()), bool(held_rows(4, 0.1, None, seed=0).any())
    (False, False)
    """
    labels: Sequence[Hashable] = range(n) if subjects is None else _labels(subjects)
    if len(labels) != n:
        raise ValueError(f"subjects are texts or numbers, one for each of the {n} measurements, but got {len(labels)}.")
    whole = list(dict.fromkeys(labels))
    drawn = int.from_bytes(hashlib.sha256(f"{seed}/held out".encode()).digest()[:7], "big")
    order = torch.randperm(len(whole), generator=torch.Generator().manual_seed(drawn)).tolist()
    judging, count = set[Hashable](), 0
    for i in order[: len(whole) - 1]:  # one subject at least is learnt from
        if count >= math.floor(share * n):
            break
        judging.add(whole[i])
        count += sum(label == whole[i] for label in labels)
    return torch.tensor([label in judging for label in labels])


def _labels(subjects: Sequence[Hashable]) -> list[Hashable]:
    """Return the subject of each measurement; the elements of a tensor become numbers, which compare by value.

    Raises:
        TypeError: a label is neither a text nor a number.

    >>> _labels(torch.tensor([0, 1, 0]))
    [0, 1, 0]
    """
    given: object = subjects
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"subjects are texts or numbers, one for each measurement, but got {subjects!r}.")
    labels = [one.item() if isinstance(one, Tensor) and one.numel() == 1 else one for one in subjects]
    for label in labels:
        if isinstance(label, Tensor) or not isinstance(label, Hashable):
            raise TypeError(
                f"subjects are texts or numbers, one for each measurement, but got a {type(label).__name__}."
            )
    return labels


def names_of(losses: Sequence[Loss]) -> list[str]:
    """Return a name in the log for each loss: its class, with a number if several have the same class."""
    kinds = [type(loss).__name__ for loss in losses]
    seen: Counter[str] = Counter()
    names = []
    for kind in kinds:
        seen[kind] += 1
        names.append(kind if kinds.count(kind) == 1 else f"{kind} {seen[kind]}")
    return names


def judges(losses: Mapping[str, Loss], process: Measurement) -> dict[str, Loss]:
    """Return the risk of each term on held-out measurements; terms without a risk are left out.

    Where all of them compare measurements without noise, which f can fit exactly with any null space, consistency is
    evaluated on the part of a held-out measurement that f was not given.
    """
    found = {name: judge for name, loss in losses.items() if (judge := loss.judge(process)) is not None}
    if process.noise is None and not any(map(sees_the_null_space, found.values())):
        return {"Splitting": Splitting(KEPT, weight=fidelity_of(list(losses.values())))}
    return found


def sees_the_null_space(loss: Loss) -> bool:
    """Return whether a loss compares images, and so also those parts of them that A does not measure.

    >>> from unseen.losses import MeasurementConsistency, Supervised
    >>> sees_the_null_space(MeasurementConsistency()), sees_the_null_space(Supervised())
    (False, True)
    """
    return loss.compares != "measurements" and not isinstance(loss, BackprojectedConsistency)


def fidelity_of(losses: Sequence[Loss]) -> float:
    """Return the weight of the first term that compares measurements; 1 where there is none."""
    return next((loss.weight for loss in losses if loss.compares == "measurements"), 1.0)


@dataclass(frozen=True)
class Twins:
    """Each measurement as two independent ones.

    Args:
        y, noise: for training.
        twin, its_noise: for validation.
    """

    y: Tensor
    noise: Noise
    twin: Tensor
    its_noise: Noise


def twins(y: Tensor, noise: Noise | None, *, share: float, seed: int) -> Twins | None:
    """Split every measurement; the twin has `share` of the information. None if the noise cannot be split."""
    generator = torch.Generator().manual_seed(seed)
    if isinstance(noise, Gaussian):
        first, second = recorrupted(y, noise, share=share, generator=generator)
        sigma = noise.sigma
        return Twins(first, Gaussian(sigma / math.sqrt(1 - share)), second, Gaussian(sigma / math.sqrt(share)))
    if isinstance(noise, PoissonGaussian) and noise.sigma == 0:
        first, second = thinned(y, noise, share=share, generator=generator)
        return Twins(first, PoissonGaussian(noise.gain / (1 - share)), second, PoissonGaussian(noise.gain / share))
    return None


def _warn(reason: str) -> None:
    warnings.warn(
        f"The weights of the last epoch are returned: {reason} Say hold_out=0 where that is meant.",
        UserWarning,
        stacklevel=4,
    )
