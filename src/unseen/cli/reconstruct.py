"""`unseen reconstruct`: images from measurements, by a model or a prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unseen.cli import console
from unseen.cli.console import UsageError
from unseen.priors.search_settings import RESTARTS

if TYPE_CHECKING:
    from torch import Tensor

    from unseen.data.array_files import Array
    from unseen.physics.measurement import Measurement

_AT_A_TIME = 16  # images, each from all its starts


def reconstruct(
    words: Annotated[
        list[Path],
        typer.Argument(
            metavar="MODEL|FILE",
            help="a reconstructor's bundle, as `unseen.reconstruction.save` writes it (with --prior range, soft or "
            "sparse a generator's, of `unseen prior train`; with the others none); then the measurements: .npy, "
            ".npz, HDF5 (.h5, .hdf5), NIfTI, MATLAB (.mat)",
        ),
    ],
    out: Annotated[Path, typer.Option(help="the folder for the images: <file's name>.npy each")],
    name: Annotated[
        str | None, typer.Option(help="which array, where a .npz, HDF5 or .mat file holds several, such as kspace")
    ] = None,
    operators: Annotated[
        Path | None,
        typer.Option(help="which of the operators each measurement was made with, where there are several: .npy"),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            help="without training for this operator: range, soft or sparse, which have a generator; lasso, tgv, "
            "tikhonov, tv or wavelets"
        ),
    ] = None,
    operator: Annotated[
        Path | None,
        typer.Option(
            help='what measured, a .toml such as operator = "mask", mask = "m.npy": with --prior, or of a model that '
            "was saved without its process"
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(help="of a model with a network of your own: package.module:Class, which is called to make it"),
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(help="with --prior: the noise's standard deviation, in the measurements' units; it sets λ"),
    ] = None,
    weight: Annotated[float | None, typer.Option(help="with --prior, instead of --sigma: λ")] = None,
    restarts: Annotated[
        int | None,
        typer.Option(help=f"of a generator's latents: starts for each image; default: {RESTARTS}", min=1),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="of the starts; default: 0")] = None,
    png: Annotated[
        bool,
        typer.Option(
            "--png",
            help="also write each image as <file's name>-<number>.png, from its least to "
            "its greatest value; of complex ones the modulus",
        ),
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
) -> None:
    """Reconstruct images from measurements: by a model, under the operator that it has learnt under; or by a prior,
    under any operator.

    A file holds one measurement or several, along its first axis; complex measurements are complex numbers. Files that
    are not read, or do not fit the operator, are named with the reason, and the others go on; the exit status is then
    1.

    Examples:

      unseen reconstruct model sinograms.npy --out images

      unseen reconstruct model scan.h5 --name kspace --out images --png

      unseen reconstruct --prior soft generator y.npy --operator scan.toml --sigma 0.05 --out images

      unseen reconstruct --prior tv y.npy --operator scan.toml --sigma 0.05 --out images
    """
    console.check_output(out, folder=True)
    import numpy as np

    from unseen.artifacts.files import replacing
    from unseen.data.array_files import ArrayError, read_array
    from unseen.data.operator_files import files_of_operator
    from unseen.reconstruction.grey_image import grey
    from unseen.reconstruction.measurements import MeasurementError
    from unseen.runs.reconstructor_images import SUFFIXES

    of_starts = {"--restarts": restarts, "--seed": seed}
    if prior is None:
        if {sigma, weight} != {None}:
            raise UsageError("--sigma and --weight belong to --prior: a model has its own noise level and weights")
        console.refuse(of_starts, "for --prior range, soft or sparse, which search a generator's latents")
        solve, files = _by_model(words, device, operator, network), words[1:]
    else:
        if network is not None:
            raise UsageError("--network belongs to a model, not to --prior")
        solve, files = _by_prior(prior, words, operator, sigma, weight, of_starts=of_starts, device=device)
    if not files:
        raise UsageError("no file of measurements is named")
    stems = [_stem(path) for path in files]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise UsageError(f"two files would both be written as {twice[0]}.npy. Give them in two commands")
    model = words[: len(words) - len(files)]
    read = [*files, operators, *([] if operator is None else files_of_operator(operator))]
    for stem in stems:
        console.check_output(out / f"{stem}.npy", inputs=read, folders=model)
    rows = None if operators is None else read_array(operators)
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path, stem in zip(files, stems, strict=True):
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            failed += 1
            console.note(f"{path}: an image is no measurement. `unseen evaluate MODEL --data FOLDER` measures images")
            continue
        try:
            found, said = solve(read_array(path, name=name), rows)
        except (ArrayError, MeasurementError, FileNotFoundError) as error:
            failed += 1
            reason = console.file_sentence(error) if isinstance(error, FileNotFoundError) else str(error)
            console.note(f"{path}: {reason.removeprefix(f'{path}: ')}")
            continue
        images = found.numpy()
        with replacing(out / f"{stem}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, images, allow_pickle=False)
        if png:
            for number, image in enumerate(images):
                with replacing(out / f"{stem}-{number}.png") as temporary:
                    grey(image).save(temporary, format="PNG")
        for sentence in said:
            console.note(f"{path}: {sentence}")
        console.item("images", str(out / f"{stem}.npy"), {"measurements": path, "images": out / f"{stem}.npy"})
    console.note(f"{len(files) - failed} files reconstructed, {failed} not")
    console.limits()
    raise typer.Exit(1 if failed else 0)


def _by_model(
    words: list[Path], device: str, operator: Path | None, network: str | None
) -> Callable[[Array, Array | None], tuple[Tensor, list[str]]]:
    from unseen.artifacts.registry import imported
    from unseen.data.operator_files import read_operator
    from unseen.reconstruction.many_measurements import reconstructed
    from unseen.reconstruction.saved import load

    try:
        process = None if operator is None else read_operator(operator)
    except OSError as error:
        raise UsageError(console.file_sentence(error)) from error
    f = load(words[0], network=None if network is None else imported(network)(), process=process)
    _usable(device)
    f.to(device)
    return lambda y, rows: (reconstructed(f, y, operators=rows), [])


def _by_prior(
    prior: str,
    words: list[Path],
    operator: Path | None,
    sigma: float | None,
    weight: float | None,
    *,
    of_starts: Mapping[str, int | None],
    device: str,
) -> tuple[Callable[[Array, Array | None], tuple[Tensor, list[str]]], list[Path]]:
    """Return a solver under the prior, which returns an image and sentences about it; and the prior's files."""
    import torch

    from unseen.artifacts.registry import did_you_mean
    from unseen.data.operator_files import OperatorError, read_operator
    from unseen.physics.measurement import Measurement
    from unseen.priors import PRIORS
    from unseen.priors.named_priors import latent_priors, solved
    from unseen.priors.saved import load
    from unseen.priors.search_settings import Search
    from unseen.reconstruction.many_measurements import applied
    from unseen.reconstruction.measurements import MeasurementError

    if prior not in PRIORS:
        raise UsageError(f"--prior {prior}: {did_you_mean(prior, PRIORS)}")
    if operator is None:
        raise UsageError('--prior needs --operator scan.toml: what measured, such as operator = "mask", mask = "m.npy"')
    if (sigma is None) == (weight is None):
        raise UsageError("--prior needs --sigma, the noise's standard deviation, or --weight, λ itself: one of them")
    try:
        A = read_operator(operator)
    except OperatorError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(console.file_sentence(error)) from error
    if prior not in latent_priors():
        console.refuse(
            of_starts, f"for {', '.join(latent_priors())}, which search a generator's latents, not for {prior}"
        )
    restarts, seed = of_starts["--restarts"] or RESTARTS, of_starts["--seed"] or 0
    _usable(device)
    G = load(words[0]).to(device) if prior in latent_priors() else None

    def solve(y: Array, rows: Array | None) -> tuple[Tensor, list[str]]:
        said = []

        def some(part: Tensor, process: Measurement) -> Tensor:
            generator = torch.Generator().manual_seed(seed)
            x, sentence = solved(
                prior, part, process.A, G=G, sigma=sigma, weight=weight, search=Search(restarts=restarts),
                generator=generator,
            )  # fmt: skip
            said.append(sentence)
            return x

        try:
            return applied(some, Measurement(A), y, operators=rows, batch_size=_AT_A_TIME, device=device), said
        except MeasurementError:
            raise
        except ValueError as error:  # sigma, weight or the generator does not fit
            raise UsageError(str(error)) from error

    return solve, words if G is None else words[1:]


def _usable(device: str) -> None:
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        raise UsageError(f"device {device}: cannot be used here ({str(error).splitlines()[0]}). Take cpu") from error


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]
