"""Part of `unseen train` for imaging recipes: a reconstructor from images, arrays, phantoms or measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unseen.artifacts.number_words import number_of
from unseen.cli import console
from unseen.cli.console import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from unseen.artifacts.recipe import Recipe
    from unseen.physics.measurement import Measurement


def train_imaging(
    recipe: Recipe,
    *,
    source: str,
    data: str | None,
    settings: Sequence[str],
    measurements: Path | None,
    array: str | None,
    operator: Path | None,
    start_from: Path | None,
    out: Path | None,
    device: str | None,
    devices: int | None,
    nodes: int | None,
    seed: int | None,
    hold_out: float | None,
    origin: str,
    licence: str,
) -> None:
    """Train a reconstructor and print the path of its bundle; the arguments are the options of `unseen train`."""

    if out is not None:
        console.check_bundle_output(out, inputs=[console.recipe_file(source), data, measurements, operator, start_from])
    if array is not None and measurements is None and data is None:
        raise UsageError("--array goes with --measurements or --data: it names the array in a file of several")
    if operator is not None and measurements is None and data is None:
        raise UsageError("--operator goes with --measurements or --data: your own process needs your own images")
    if hold_out is not None:
        if not 0 <= hold_out < 1:
            raise UsageError(f"--hold-out is the share of held-out measurements, in [0, 1), but got {hold_out}")
        settings = [*settings, f"method.hold_out={hold_out}"]
    if start_from is not None:
        console.check_model(start_from, "reconstruction")
    from unseen.artifacts.errors import UserError
    from unseen.reconstruction.measurements import MeasurementError
    from unseen.runs.overrides import overridden
    from unseen.runs.reconstructor_training import train_reconstructor
    from unseen.runs.training import join, with_changes

    changed = with_changes(recipe, device=device, devices=devices, nodes=nodes, seed=seed)
    chosen = overridden(changed, settings, source=source)
    join(chosen)
    y = None if measurements is None else _read(measurements, array)
    process = None if operator is None else _process(operator, chosen)
    if process is not None and data is not None:
        height, width = process.A.domain[-2:]
        console.note(f"images have the size of the operator, {height} × {width}: larger ones are cropped and averaged")
    if y is not None and (process is not None or start_from is None):
        _note_noise(chosen)
    console.step(f"training {chosen.name}")
    try:
        with console.training(out):
            trained = train_reconstructor(
                chosen,
                data=data,
                array=array if measurements is None else None,
                measurements=y,
                process=process,
                start_from=start_from,
                out=out,
                origin=origin,
                licence=licence,
                progress=console.training_progress(),
            )
    except MeasurementError as error:
        raise UsageError(f"{measurements or data or chosen.name}: {error}") from error
    except UserError:  # it names its file or setting
        raise
    except ValueError as error:  # of operators, groups and losses
        raise UsageError(f"{measurements or data or chosen.name}: {error}") from error
    if trained.found:
        console.note(f"this training had been done before: {trained.run.folder}")
    learnt = number_of(len(trained.f.training_digests), "measurement")
    console.note(f"the model was trained on {learnt}; log: {trained.run.log}")
    if trained.history is not None and (epoch := trained.history.best_epoch()) is not None:
        console.note(
            f"the weights of epoch {epoch} were kept: the least held-out risk ({trained.run.folder / 'epochs.csv'})"
        )
    if trained.history is not None and trained.history.converged("loss") is False:
        console.note("not converged: the loss was still falling by more than 5 %; more epochs would change the model")
    model = out or trained.run.bundle
    console.result(str(model), model=model, run=trained.run.folder, found=trained.found)
    console.limits()


def _note_noise(recipe: Recipe) -> None:
    """Print the noise that the recipe states for the user's own measurements."""
    from unseen.artifacts.recipe import validated
    from unseen.runs.imaging_settings import ImagingSettings, noise_of

    noise = noise_of(validated(recipe.method.settings, ImagingSettings, where="method"))
    console.note(
        f"noise of the measurements, by the recipe: {noise or 'none'}. Give that of yours, in their units: --set "
        "method.sigma=…, method.gain=…"
    )


def _read(path: Path, array: str | None) -> Tensor:
    from unseen.data.array_files import read_array
    from unseen.reconstruction.measurements import tensor_of

    return tensor_of(read_array(path, name=array))


def _process(path: Path, recipe: Recipe) -> Measurement:
    """Return the operator of a file, with the link and the noise of the recipe."""
    from unseen.artifacts.recipe import validated
    from unseen.data.operator_files import read_operator
    from unseen.physics.measurement import BeerLambert, Measurement
    from unseen.runs.imaging_settings import ImagingSettings, noise_of

    settings = validated(recipe.method.settings, ImagingSettings, where="method")
    link = None if settings.photons is None else BeerLambert(settings.photons)
    return Measurement(read_operator(path), link=link, noise=noise_of(settings))
