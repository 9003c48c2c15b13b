"""`learn`: training of a reconstructor from measurements alone, stopped by held-out measurements.

Its steps: check the measurements, make the network, hold out measurements, find the network's units, train.
"""

import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor, nn

from unseen.artifacts.installed_models import located
from unseen.artifacts.recipe import configured
from unseen.losses.backprojection import BackprojectedConsistency
from unseen.losses.loss import Loss, Units
from unseen.losses.measurement_consistency import MeasurementConsistency
from unseen.losses.objectives import objective
from unseen.physics import GROUPS
from unseen.physics.group import Group
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction import RECONSTRUCTORS
from unseen.reconstruction import measurements as measured
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.data_consistency import Consistency
from unseen.reconstruction.held_out import SHARE, MeasurementSet, divided
from unseen.reconstruction.learner import ReconstructionLearner
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.reconstruction.start_noise import warn_of_scale, warn_of_start
from unseen.reconstruction.tensor_digests import digest, measurement_digest, with_digests
from unseen.training.loop import train
from unseen.training.placement import computed_on
from unseen.training.progress import Progress
from unseen.training.progress_display import shown_on
from unseen.training.settings import Training

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
    """Train f(y, process) → x̂ by Adam on the weighted sum of `losses`, each in the scale of the reconstructor.

    The scale is the size of f's first images, and of what white noise of that size adds to a measurement. Training is
    therefore the same for images in other units and for 2 · A, and the same weights balance the losses.

    With noise, a tenth of the measurements is held out. After each epoch the objective is computed on them, with an
    unbiased risk in place of measurement consistency, and the weights of the least value are returned
    (`f.history.best_epoch()`, `f.history.plot()`). A network that overfits the noise of its training measurements gets
    worse on others, which this shows without any truth. With few measurements by several operators a network can
    overfit without noise too: give `hold_out=0.1`. If there are fewer than ten measurements, or all are of one
    subject, each is split in two instead, if the noise allows it.

    The same seed, settings, measurements, device and number of threads give the same weights, bit for bit, also if an
    interrupted training is resumed from its folder.

    Args:
        measurements: (n, *A.range), on the CPU. An array, here and as `truth`, is converted to a tensor in single
            precision. An array of `numpy.load(…, mmap_mode="r")` is read batch by batch and may be larger than memory.
            So may an iterable of measurements, A.range each, or a `DataLoader` of batches of them: it is read once and
            written to a temporary file, and the batches of the training are those of `training`.
        process: process of the measurements; an operator: a process without noise. If A has an operator for each of
            several samples, see `operators`.
        losses: "ei", "rei", "rei-r2r", "es", "sure", "unsure", "mc", "supervised", "supervised+ei" or
            "ei+adversarial", as in `unseen.losses.objective`; or the terms of an objective: MC and EQ are EI; SURE and
            REQ, REI.
        group: for "ei", "rei", "rei-r2r" and "es": transformations under which images remain images; or the name of a
            group in `unseen.physics.GROUPS`, such as "shifts".
        truth: (n, *A.domain), for losses that need x; None: it is not known.
        operators: (n,), index of the operator of each measurement, and of its noise level if the noise has several;
            None: the i-th operator for the i-th measurement.
        hold_out: share of held-out measurements, in [0, 1); None: 0.1 with noise, else 0. 0: the weights of the last
            epoch are returned. Without noise, consistency on held-out measurements is exact, and the objective chooses
            as it does with noise. If no loss sees the null space (consistency alone), f reconstructs from nine tenths
            of a held-out measurement and is evaluated on the rest: this is not an unbiased risk, so it is logged and
            chooses no weights.
        subjects: (n,), subject of each measurement: those of one subject are held out together. None: each measurement
            is of its own subject.
        network: a reconstructor, trained in place (fine-tuned from its weights, in its units, if it was trained, such
            as `load("models/phantom-inpainting")`); the name of one in `unseen.reconstruction.RECONSTRUCTORS`, such as
            "unrolled", whose first weights are drawn from `training.seed`; or any network from images to images, for an
            `ArtifactRemoval`; None: "artifact-removal".
        consistency: "project": in training and afterwards each image is moved to its measurement,
            x̂ + λ A⁺(y − A x̂), with λ = 1 without noise and less with it (`data_consistency.projected`); None: the
            setting of the reconstructor ("none" for a new one).
        training: epochs, batch size, seed, precision, device; None: 100 epochs, batches of 4.
        epochs: short for `training=Training(epochs=epochs, batch_size=4)`.
        learning_rate: learning rate of Adam, > 0; its weight decay is 1e-8.
        milestones: numbers of epochs after which the rate is divided by 10.
        optimiser: function from f's parameters to an optimiser, such as
            `lambda weights: torch.optim.SGD(weights, lr=0.1)`, with its own learning rates; None: Adam.
        schedule: function from the number of steps to a factor of the learning rates, instead of milestones.
        folder: for the log and the checkpoint from which the same call resumes; None: nothing is written.
        validate: called after each epoch with f, in eval mode, and the number of finished epochs; its figures are kept
            in `f.history.validation` and have no effect.
        progress: called after each step; True: prints a line.

    Returns:
        f, in eval mode, on the CPU; `f.history` contains every loss.

    Warns:
        UserWarning: nothing can be held out, or there is no unbiased risk; MC is used on noisy measurements; all
            measurements are zero, or contain less than the stated noise; k-space is not that of the mask, or
            measurements are not those of the truth; noise hides the images that the network begins with, or they are
            in other units than a trained network's; or the loss has grown to more than a million times its first
            values: the training diverges.

    Raises:
        ValueError: measurements, truth or operators do not fit the process or are not finite, a loss needs the
            truth and it is missing, or both epochs and training are given.
        UnknownName: no such group or network; the message names the nearest one.
        TrainingError: the checkpoint belongs to another training, a device is missing, a loss is NaN.
        KeyboardInterrupt: Ctrl-C, after the batch and its checkpoint.

    Example:
        >>> import tempfile
        >>> import unseen as un
        >>> drawn = un.data.phantoms.normals(4, seed=0, size=64)
        >>> x = torch.stack([torch.from_numpy(film.pixels)[None] for film in drawn])  # never seen by what follows
        >>> A = un.physics.Mask(torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)) < 0.7)
        >>> process = un.physics.Measurement(A, un.physics.Gaussian(0.05))
        >>> y = process(x).numpy()
        >>> f = learn(y, process, losses="rei", group=un.physics.Shifts(), training=Training(epochs=1, threads=1))
        >>> card = f.save(tempfile.mkdtemp() + "/inpainter")
        >>> f(y).shape, card.kind
        ((4, 1, 64, 64), 'reconstruction')

    Source: settings of Chen, Tachella & Davies, ICCV 2021 and CVPR 2022 (Adam, rate 5e-4, weight decay 1e-8, steps of
    0.1).
    """
    process = Measurement.of(process)
    training = _training_of(training, epochs)
    shown = None if isinstance(progress, bool) else progress
    _check_functions(optimiser=optimiser, schedule=schedule, validate=validate, progress=shown)
    if not isinstance(folder, str | PathLike | None):
        raise TypeError(f"folder is a path for the log and the checkpoint, but got a {type(folder).__name__}.")
    terms = objective(losses, process, group=GROUPS.load(group)() if isinstance(group, str) else group)
    ordered = not (truth is None and operators is None and subjects is None and process.batch is None)
    y = measured.gathered(measurements, ordered=ordered).detach()
    x = None if truth is None else measured.tensor_of(truth).detach()
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
    if _nothing_is_learnt(f, terms, process):
        warnings.warn(
            "With consistency='project' and without noise, f measures y exactly: measurement consistency alone is "
            "zero, and nothing is learnt. Add a loss on images, such as losses='ei' with a group.",
            stacklevel=2,
        )

    share = (SHARE if process.noise is not None else 0.0) if hold_out is None else hold_out
    whole = MeasurementSet(y, x, rows, process)
    learnt, held = divided(whole, terms, share, subjects, seed=training.seed) if share else (whole, None)
    some = torch.arange(len(y)) if learnt.at is None else learnt.at
    some = some[:PREPARED_ON]
    # units are those of `process`: measurements that were divided to hold out a part have more noise
    first, measured_by = learnt.y[some], process.select(rows[some])
    measured.warn_of_units(first, measured_by)
    if x is not None:
        measured.warn_of_truth(x[some], y[some], process.select(rows[some]))
    began_with, seen_before = "", tuple[str, ...]()
    if f.trained_on:
        began_with, seen_before = digest(*f.state_dict().values()), f.training_digests
        f.adjust(process)
        warn_of_scale(f, first, measured_by)
    else:
        warn_of_start(f, first, measured_by)
        f.prepare(first, measured_by)
    units = Units.of(f.size_of_images(first, measured_by), first, measured_by)

    for term in terms:
        term.begin()
    learner = ReconstructionLearner(
        f,
        replace(learnt, units=units),
        terms,
        learning_rate=learning_rate,
        milestones=milestones,
        steps_per_epoch=training.steps_per_epoch(len(learnt)),
        held_out=None if held is None else replace(held, measurements=replace(held.measurements, units=units)),
        optimiser=optimiser,
        schedule=schedule,
    )
    f.process, f.learnt_process = process, None  # for validate, which may call f(y)
    new = tuple(map(measurement_digest, y))  # stated before training, so that an interrupted fine-tuning states them
    f.training_digests = (*(one for one in seen_before if one not in set(new)), *new)
    if x is not None:
        f.training_images = with_digests(f.training_images, x)
    f.learning = True
    try:
        f.history = train(
            learner,
            [torch.arange(len(learnt))],
            training,
            folder=None if folder is None else Path(folder),
            validate=None if held is None and validate is None else partial(_validated, learner, validate),
            progress=partial(shown_on(), f.key) if progress is True else progress or None,
            identity=learner.identity(began_with) if folder is not None else "",
        )
    finally:
        f.learning = False
    if learner.best is not None:
        learner.best.give_back(f)
    f.trained_on = computed_on(f.history.device, training)
    f.learnt_process = process
    return f


def _training_of(training: Training | None, epochs: int | None) -> Training:
    if epochs is not None and training is not None:
        raise ValueError("epochs is short for training=Training(epochs=…): give one of them.")
    given: object = training
    if not isinstance(given, Training | None):
        raise TypeError(f"training is a Training, such as Training(epochs=10), but got a {type(given).__name__}.")
    return training or Training(epochs=100 if epochs is None else epochs, batch_size=4)


def _check_functions(*, optimiser: object, schedule: object, validate: object, progress: object) -> None:
    """Raise TypeError where one of them is given and cannot be called."""
    for name, value, example in (
        ("optimiser", optimiser, "lambda weights: torch.optim.SGD(weights, lr=0.1)"),
        ("schedule", schedule, "lambda step: 0.99**step"),
        ("validate", validate, 'lambda f, epoch: {"psnr": 30.0}'),
        ("progress", progress, "print"),
    ):
        if not (value is None or callable(value)):
            raise TypeError(f"{name} is a function, such as {example}, but got a {type(value).__name__}.")


def _nothing_is_learnt(f: Reconstructor, losses: Sequence[Loss], process: Measurement) -> bool:
    """Return whether all losses are zero for any weights: f is consistent with its measurement by construction."""
    only_consistency = all(isinstance(one, MeasurementConsistency | BackprojectedConsistency) for one in losses)
    return f.config.consistency == "project" and process.noise is None and only_consistency


def _validated(
    learner: ReconstructionLearner,
    validate: Callable[[Reconstructor, int], Mapping[str, float]] | None,
    epochs: int,
) -> Mapping[str, float]:
    """Return the figures of the held-out measurements, and those of `validate`."""
    held_out = learner.judged(learner.f)
    return held_out if validate is None else {**held_out, **_found(validate(learner.f, epochs))}


def _found(values: object) -> Mapping[str, float]:
    """Check the figures that `validate` returned.

    Raises:
        TypeError: no mapping of names to numbers.
    """
    try:
        if isinstance(values, Mapping):
            return {str(name): float(value) for name, value in values.items()}
    except (TypeError, ValueError, RuntimeError):  # RuntimeError: torch's, of a tensor with several numbers
        pass
    raise TypeError(f'validate gives numbers by name, such as {{"psnr": 30.0}}, but gave {values!r}.')


def _reconstructor(
    network: str | Reconstructor | nn.Module | None, process: Measurement, *, seed: int
) -> Reconstructor:
    """Return the reconstructor that `network` is or names; first weights are drawn from `seed`."""
    if isinstance(network, nn.Module) and not any(weight.requires_grad for weight in network.parameters()):
        raise ValueError(
            f"network has no weights to learn: {network!r}. Give a network with parameters, which are not frozen: "
            "network.requires_grad_(True)."
        )
    if isinstance(network, Reconstructor):
        return network
    if isinstance(network, nn.Module):
        return ArtifactRemoval.for_process(process, network=network)
    given: object = network
    if not isinstance(given, str | None):
        cure = f"Make it: {given.__name__}(…)." if isinstance(given, type) else "Wrap it in a torch.nn.Module."
        raise TypeError(f"network is a reconstructor, its name, or a torch.nn.Module, but got {given!r}. {cure}")
    if network is not None and network not in RECONSTRUCTORS and located(Path(network)).is_dir():
        raise ValueError(f'network="{network}" is a folder. Load the model in it: network=load("{network}").')
    architecture = RECONSTRUCTORS.load(ArtifactRemoval.key if network is None else network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made: Reconstructor = architecture.for_process(process)
        return made
