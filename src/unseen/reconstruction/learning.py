"""`learn`: training of a reconstructor from measurements alone, stopped by held-out measurements.

`ReconstructionLearner` gives the training loop the reconstructor, Adam, and the losses on a batch of measurements.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from unseen.artifacts.recipe import configured
from unseen.losses.backprojection import noise_of_linearised
from unseen.losses.loss import Loss, Seen, Units
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.losses.objectives import objective
from unseen.losses.sums import squares
from unseen.physics import GROUPS
from unseen.physics.dense import Dense
from unseen.physics.group import Group
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction import RECONSTRUCTORS
from unseen.reconstruction import measurements as measured
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.data_consistency import Consistency
from unseen.reconstruction.held_out import SHARE, Best, HeldOut, fidelity_of, judges, names_of
from unseen.reconstruction.reconstructor import Reconstructor, Start, starting_image
from unseen.training.fused_adam import FusedAdam
from unseen.training.learner import Step, steps_taken
from unseen.training.loop import train
from unseen.training.placement import computed_on
from unseen.training.progress import Progress
from unseen.training.progress_display import shown_on
from unseen.training.settings import Training

WEIGHT_DECAY = 1e-8  # the authors', in all of their problems
CONDITION = 100.0
"""Condition above which noise of 1 % along a matrix's strongest direction hides an image along its weakest in A⁺y."""
HALF = 0.5
"""Share of noise in the energy of starting images, above which it hides them."""
JUDGED_ON = 4  # measurements from which that share is found
RATE_FALLS_TO = 0.1  # at each milestone


@runtime_checkable
class WithCritic(Protocol):
    """A loss that has a network of its own, which learns beside the reconstructor, a step after each of its steps."""

    critic: nn.Module
    critic_rate: ClassVar[float | None]
    """Learning rate of Adam; None: the reconstructor's."""

    def critic_loss(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        """Return the critic's loss, one value per sample: (batch,); the reconstructor's graph is gone by then."""
        ...


class ReconstructionLearner:
    """The law of `training.Learner`; a batch is the index of its measurements: (index,)."""

    def __init__(
        self,
        f: Reconstructor,
        learnt: HeldOut,
        losses: Sequence[Loss],
        *,
        learning_rate: float,
        milestones: Sequence[int],
        steps_per_epoch: int,
        held_out: HeldOut | None = None,
        optimiser: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] | None = None,
        schedule: Callable[[int], float] | None = None,
    ) -> None:
        self.f, self.learnt, self.units, self.held_out, self.schedule = f, learnt, learnt.units, held_out, schedule
        self.process, self.losses = learnt.process, dict(zip(names_of(losses), losses, strict=True))
        self.learning_rate, self.falls_at = learning_rate, sorted(epochs * steps_per_epoch for epochs in milestones)
        self.critics = {f"{name} critic": loss for name, loss in self.losses.items() if isinstance(loss, WithCritic)}
        self.modules: dict[str, nn.Module] = {"reconstructor": _UnderFabric(f)}
        self.modules |= {name: loss.critic for name, loss in self.critics.items()}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "loss" if name == "reconstructor" else name: FusedAdam(
                module.parameters(), lr=self._rate_of(name), weight_decay=WEIGHT_DECAY
            )
            for name, module in self.modules.items()
        }
        self.given = None if optimiser is None else optimiser(f.parameters())
        if self.given is not None:
            self.optimisers["loss"] = self.given
        self.rates = [[group["lr"] for group in optimiser.param_groups] for optimiser in self.optimisers.values()]
        self.taken = _Taken()
        if schedule is not None:
            self.modules["steps"] = self.taken
        self.best = None if held_out is None else Best(f)
        if self.best is not None:
            self.modules["best"] = self.best

    def _rate_of(self, name: str) -> float:
        rate = self.critics[name].critic_rate if name in self.critics else None
        return self.learning_rate if rate is None else rate

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        y, rows, x = self.learnt.some(*batch)
        self._set_rates()
        wrapped = self.modules["reconstructor"]

        def f(y: Tensor, process: Measurement) -> Tensor:
            reconstruction: Tensor = wrapped(lambda: (y, process))
            return reconstruction

        seen = Seen(
            y,
            self.process.select(rows),
            f,
            x=x,
            modules=(wrapped,),
            pool=None if self.process.A.batch is None else self.process.A,
            units=self.units,
        )
        parts = {
            name: loss.in_own_scale(loss(seen, generator=rng).mean(), self.units) for name, loss in self.losses.items()
        }
        yield Step("loss", torch.stack([self.losses[name].weight * part for name, part in parts.items()]).sum(), parts)
        for name, loss in self.critics.items():
            yield Step(name, loss.critic_loss(seen, generator=rng).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Count the step."""
        self.taken.steps += 1

    def identity(self, began_with: str = "") -> str:
        """Return the text that identifies this training, besides its settings.

        Args:
            began_with: digest of the weights of a trained network; empty for a new one.
        """
        return json.dumps(
            {
                "losses": [repr(loss) for loss in self.losses.values()],
                "falls_at": self.falls_at,
                "reconstructor": f"{self.f.own_network or self.f.key} {self.f.config.model_dump_json()}",
                "process": repr(self.process),
                "measurements": _digest(*(tensor for tensor in (self.learnt.y, self.learnt.x) if tensor is not None)),
                "learnt from": _digest(torch.arange(len(self.learnt)) if self.learnt.at is None else self.learnt.at),
                "A of an image": _mark(self.process.A),
            }
            | ({} if self.process.A.batch is None else {"operators": _digest(self.learnt.rows)})
            | ({} if self.held_out is None else {"judged by": [repr(loss) for loss in self.held_out.losses.values()]})
            | ({"began with": began_with} if began_with else {})
        )

    def judged(self, f: Reconstructor) -> Mapping[str, float]:
        """Validate f on held-out measurements; its weights are kept where it is the best so far."""
        if self.held_out is None or self.best is None:
            return {}
        found = self.held_out.judged(f)
        if self.held_out.chooses:
            self.best.consider(f, found[self.held_out.name])
        return found

    def _set_rates(self) -> None:
        """Set the rate, a function of the steps that were taken, which a checkpoint holds."""
        for optimiser, rates in zip(self.optimisers.values(), self.rates, strict=True):
            if self.schedule is not None:
                factor = self.schedule(int(self.taken.steps))
            elif optimiser is self.given:
                continue
            else:
                factor = RATE_FALLS_TO ** sum(steps_taken(optimiser) >= fall for fall in self.falls_at)
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * factor


class _Taken(nn.Module):
    """Number of batches that were learnt from; among the modules, so that a checkpoint holds it."""

    steps: Tensor  # ()

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))


class _UnderFabric(nn.Module):
    """f for Fabric, which rounds every tensor that it is handed to bfloat16, and takes dataclasses apart: what f is
    given goes past it in a function."""

    def __init__(self, f: Reconstructor) -> None:
        super().__init__()
        self.f = f

    def forward(self, given: Callable[[], tuple[Tensor, Measurement]]) -> Tensor:
        reconstruction: Tensor = self.f(*given())
        return reconstruction


def _mark(A: Operator) -> list[str]:
    """Return two figures of what A makes of one image: another mask or other angles of the same shape give others."""
    dtype = torch.complex64 if A.complex_domain else torch.float32
    image = torch.randn(A.batch or 1, *A.domain, dtype=dtype, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        sizes = A(image).abs().double().flatten()
    return [f"{sizes.mean():.5g}", f"{(sizes * torch.linspace(0, 1, len(sizes), dtype=torch.float64)).mean():.5g}"]


PREPARED_ON = 64  # measurements from which a network's units are found: enough for a root mean square


def learn(
    measurements: Tensor | measured.Array | Iterable[Tensor | measured.Array],
    process: Measurement | Operator,
    *,
    losses: str | Loss | Sequence[Loss],
    group: str | Group | None = None,
    truth: Tensor | measured.Array | None = None,
    operators: Tensor | measured.Array | Sequence[int] | None = None,
    hold_out: float | None = None,
    subjects: Sequence[Hashable] | None = None,
    network: str | Reconstructor | nn.Module | None = None,
    consistency: Consistency | None = None,
    training: Training | None = None,
    epochs: int | None = None,
    learning_rate: float = 5e-4,
    milestones: Sequence[int] = (),
    optimiser: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] | None = None,
    schedule: Callable[[int], float] | None = None,
    folder: Path | str | None = None,
    validate: Callable[[Reconstructor, int], Mapping[str, float]] | None = None,
    progress: Callable[[Progress], None] | bool | None = None,
) -> Reconstructor:
    """Train f(y, process) → x̂ by Adam on the weighted sum of `losses`, each in the reconstructor's own scale.

    That scale is the size of f's first images, and of what white noise of that size adds to a measurement: so the
    same images in other units, or measured by 2 · A, are learnt alike, and the same weights balance the losses.

    It stops itself: where there is noise, a tenth of the measurements is held out. After each epoch the objective is
    taken on them, with consistency replaced by its unbiased risk, and the weights with the least value are returned
    (`f.history.best_epoch()`, `f.history.plot()`). A network learns the noise of its own measurements by heart, and
    what it makes of others then gets worse: that is seen without any truth. Fewer than ten measurements, or those of
    one subject, are each split in two instead, where the noise allows it.

    The same seed, settings, measurements, device and number of threads give the same weights, bit for bit, also where
    an interrupted training is resumed from its folder.

    Args:
        measurements: (n, *A.range), on the CPU. An array, here and as `truth`, becomes a tensor in single precision;
            one that `numpy.load(…, mmap_mode="r")` maps is read batch by batch, and may be larger than memory. So may
            an iterable of measurements, A.range each, or a `DataLoader` of batches of them, which is read once and
            written to a temporary file: batches are those of `training`.
        process: how they were made; an operator alone: without noise. Where A has an operator for each of several
            samples, see `operators`.
        losses: "ei", "rei", "rei-r2r", "es", "sure", "unsure", "mc", "supervised", "supervised+ei" or
            "ei+adversarial", as in `unseen.losses.objective`; or the terms of an objective: MC and EQ are EI; SURE and
            REQ, REI.
        group: of "ei", "rei", "rei-r2r" and "es": what images may undergo and still be images; or the name of one in
            `unseen.physics.GROUPS`, such as "shifts".
        truth: (n, *A.domain), for losses that need x; None: it was never seen.
        operators: (n,), which of A's operators each measurement was made with; None: the i-th with the i-th.
        hold_out: the share that judges, in [0, 1); None: 0.1 where there is noise, else 0. 0: the last epoch's weights
            are returned. Given without noise, what f makes of nine tenths of a held-out measurement is judged by the
            rest: no unbiased risk, so it is logged and chooses nothing.
        subjects: (n,), whose each measurement is: a subject's are held out together. None: each is by itself.
        network: a reconstructor, trained in place (fine-tuned from its weights, in its units, if it was trained, such
            as `load("models/phantom-inpainting")`); the name of one in `unseen.reconstruction.RECONSTRUCTORS`, such as
            "unrolled", whose first weights are drawn from `training.seed`; or any network from images to images, which
            becomes an `ArtifactRemoval`'s; None: "artifact-removal".
        consistency: "project": in training and afterwards each image is moved to its measurement,
            x̂ + λ A⁺(y − A x̂), with λ = 1 without noise and less with it (`data_consistency.projected`); None: as the
            reconstructor's settings say ("none" for a new one).
        training: epochs, batch size, seed, precision, device; None: 100 epochs, batches of 4.
        epochs: short for `training=Training(epochs=epochs, batch_size=4)`.
        learning_rate: of Adam, > 0; its weight decay is 1e-8.
        milestones: after so many epochs each, the rate is divided by 10.
        optimiser: makes your own from f's parameters, such as `lambda weights: torch.optim.SGD(weights, lr=0.1)`; None:
            Adam. Its rates are its own.
        schedule: by what the rates are multiplied after so many steps, instead of milestones.
        folder: for the log and the checkpoint from which the same call resumes; None: nothing is written.
        validate: called after each epoch with f, in eval mode, and the number of epochs done; what it returns is kept
            in `f.history.validation`, and changes nothing.
        progress: called after each step; True: prints a line.

    Returns:
        f, in eval mode, on the CPU; `f.history` holds every loss.

    Warns:
        UserWarning: nothing can be held out, or nothing unbiased judges; MC is asked of noisy measurements; all
            measurements are zero, or hold less than the stated noise; noise hides the images that the network begins
            with; or the loss has grown to more than a million times its first values: the training diverges.

    Raises:
        ValueError: measurements, truth or operators do not fit the process or are not finite, a loss needs the
            truth and there is none, or both epochs and training are given.
        UnknownName: no such group or network; the message names the nearest one.
        TrainingError: the checkpoint belongs to another training, a device is missing, a loss is NaN.
        KeyboardInterrupt: Ctrl-C, after the batch and its checkpoint.

    Example:
        >>> import tempfile
        >>> import unseen as un
        >>> drawn = un.data.phantoms.normals(12, seed=0, size=64)
        >>> x = torch.stack([torch.from_numpy(film.pixels)[None] for film in drawn])  # never seen by what follows
        >>> A = un.physics.Mask(torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.7)
        >>> process = un.physics.Measurement(A, un.physics.Gaussian(0.05))
        >>> y = process(x).numpy()
        >>> f = learn(y, process, losses="rei", group=un.physics.Shifts(), training=Training(epochs=1, threads=1))
        >>> card = f.save(tempfile.mkdtemp() + "/inpainter")
        >>> f(y).shape, card.kind
        ((12, 1, 64, 64), 'reconstruction')

    Source: settings of Chen, Tachella & Davies, ICCV 2021 and CVPR 2022 (Adam, rate 5e-4, weight decay 1e-8, steps of
    0.1).
    """
    process = Measurement.of(process)
    if epochs is not None and training is not None:
        raise ValueError("epochs is short for training=Training(epochs=…): give one of them.")
    training = training or Training(epochs=100 if epochs is None else epochs, batch_size=4)
    terms = objective(losses, process, group=GROUPS.load(group)() if isinstance(group, str) else group)
    ordered = not (truth is None and operators is None and subjects is None and process.A.batch is None)
    y, x = measured.gathered(measurements, ordered=ordered), None if truth is None else measured.tensor_of(truth)
    measured.check_measurements(y, process)
    rows = measured.operator_rows(len(y), process, operators)
    if x is not None:
        measured.check_images(x, process)
    measured.check_settings(y, x, terms, learning_rate, milestones, hold_out)
    if schedule is not None and milestones:
        raise ValueError("schedule takes the place of milestones: give one of them.")
    f = _reconstructor(network, process, seed=training.seed)
    if consistency is not None:
        f.config = configured(None, f.config.model_dump() | {"consistency": consistency}, f.Config, where=f.key)
    only_consistency = all(isinstance(one, MeasurementConsistency) for one in terms)
    if f.config.consistency == "project" and process.noise is None and only_consistency:
        warnings.warn(
            "With consistency='project' and without noise, f measures y exactly: measurement consistency alone is "
            "zero, and nothing is learnt. Add a loss on images, such as losses='ei' with a group.",
            stacklevel=2,
        )
    judging = judges(dict(zip(names_of(terms), terms, strict=True)), process)
    whole = HeldOut(
        y=y,
        x=x,
        rows=rows,
        process=process,
        losses=judging,
        seed=training.seed,
        fidelity=fidelity_of([*judging.values(), *terms]),
        chooses=process.noise is not None,
    )
    share = (SHARE if process.noise is not None else 0.0) if hold_out is None else hold_out
    learnt, held = whole.divided(share, subjects) if share else (whole, None)
    first, of_first, _ = learnt.some(torch.arange(min(PREPARED_ON, len(learnt))))
    measured_by = process.select(of_first)
    measured.warn_of_units(first, measured_by)
    if not f.trained_on:
        _warn_of_start(f, first[:JUDGED_ON], measured_by.select(torch.arange(min(JUDGED_ON, len(first)))))
    began_with, seen_before = "", f.training_digests if f.trained_on else ()
    if f.trained_on:
        began_with = _digest(*f.state_dict().values())
    else:
        f.prepare(first, measured_by)
    units = Units.of(f.size_of_images(first, measured_by), first, measured_by)
    learner = ReconstructionLearner(
        f,
        replace(learnt, units=units),
        terms,
        learning_rate=learning_rate,
        milestones=milestones,
        steps_per_epoch=training.steps_per_epoch(len(learnt)),
        held_out=None if held is None else replace(held, units=units),
        optimiser=optimiser,
        schedule=schedule,
    )
    f.process = process  # for validate, which may call f(y)
    f.history = train(
        learner,
        [torch.arange(len(learnt))],
        training,
        folder=None if folder is None else Path(folder),
        validate=None
        if held is None and validate is None
        else lambda epochs: {**learner.judged(f), **({} if validate is None else _found(validate(f, epochs)))},
        progress=partial(shown_on(), f.key) if progress is True else progress or None,
        identity=learner.identity(began_with) if folder is not None else "",
    )
    if learner.best is not None:
        learner.best.give_back(f)
    f.trained_on = computed_on(f.history.device, training)
    new = tuple(map(measurement_digest, y))
    f.training_digests = (*(digest for digest in seen_before if digest not in set(new)), *new)
    return f


def _found(values: object) -> Mapping[str, float]:
    """Return what validate gave.

    Raises:
        TypeError: no mapping of names to numbers.
    """
    try:
        if isinstance(values, Mapping):
            return {str(name): float(value) for name, value in values.items()}
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: torch's, of a tensor with several numbers
        pass
    raise TypeError(f'validate gives numbers by name, such as {{"psnr": 30.0}}, but gave {values!r}.')


def _warn_of_start(f: Reconstructor, y: Tensor, process: Measurement) -> None:
    """Warn where f begins with a linear inverse of an ill-conditioned A, in which noise hides the image.

    Args:
        f: the reconstructor.
        y: (batch, *A.range), some measurements.
        process: how they were made, with the operators of these.
    """
    start: Start = getattr(f.config, "start", "adjoint")
    if start == "adjoint" or process.noise is None:
        return
    reason = ""
    if isinstance(process.A, Dense):
        if (condition := process.A.condition()) > CONDITION:
            reason = (
                f"The condition number of A is {condition:.3g}, above {CONDITION:g}, and the network begins with A⁺y, "
                "in which noise hides the image"
            )
    else:
        noise = noise_of_linearised(process, y, generator=torch.Generator().manual_seed(0))
        linear = Measurement(process.A)

        def share(start: Start) -> float:
            drawn, whole = starting_image(noise, linear, start), starting_image(y, process, start)
            return float(squares(drawn).double().sum() / squares(whole).double().sum().clamp(min=1e-300))

        if (found := share(start)) > HALF and found > 2 * share("adjoint"):
            reason = f"Noise has {100 * min(found, 1):.0f} % of the energy of the images that the network begins with"
    if reason:
        warnings.warn(
            f"{reason}. Begin with the adjoint: network={type(f).__name__}.for_process(process, start='adjoint')",
            stacklevel=3,
        )


def _reconstructor(
    network: str | Reconstructor | nn.Module | None, process: Measurement, *, seed: int
) -> Reconstructor:
    if isinstance(network, Reconstructor):
        return network
    if isinstance(network, nn.Module):
        if not any(True for _ in network.parameters()):
            raise ValueError(f"network has no weights to learn: {network!r}. Give a network with parameters.")
        return ArtifactRemoval.for_process(process, network=network)
    given: object = network
    if not isinstance(given, str | None):
        cure = f"Make it: {given.__name__}(…)." if isinstance(given, type) else "Wrap it in a torch.nn.Module."
        raise TypeError(f"network is a reconstructor, its name, or a torch.nn.Module, but got {given!r}. {cure}")
    architecture = RECONSTRUCTORS.load(ArtifactRemoval.key if network is None else network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: Reconstructor = architecture.for_process(process)
        return made


def measurement_digest(y: Tensor) -> str:
    """Return the SHA-256 of one measurement, as a reconstructor keeps it of those that it has learnt from.

    Args:
        y: of any shape; dtype and values decide.

    Example:
        >>> measurement_digest(torch.zeros(4))[:8]
        '374708ff'
    """
    return _digest(y)


def _digest(*tensors: Tensor) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
