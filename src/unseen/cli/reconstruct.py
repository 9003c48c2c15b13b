"""`unseen reconstruct MODEL FILES…`: pictures from measurements, by a model that has learnt to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def reconstruct(
    model: Annotated[Path, typer.Argument(help="a reconstructor's bundle, as `unseen.reconstruction.save` writes it")],
    files: Annotated[list[Path], typer.Argument(help="measurements: .npy, .npz, HDF5 (.h5, .hdf5), NIfTI")],
    out: Annotated[Path, typer.Option(help="the folder for the pictures: <file's name>.npy each")],
    name: Annotated[
        str | None, typer.Option(help="which array, where a .npz or HDF5 file holds several, such as kspace")
    ] = None,
    operators: Annotated[
        Path | None,
        typer.Option(help="which of the model's operators each measurement was made with, where it has several: .npy"),
    ] = None,
    png: Annotated[
        bool,
        typer.Option(
            "--png",
            help="also write each picture as <file's name>-<number>.png, from its least to "
            "its greatest value; of complex ones the modulus",
        ),
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or cuda:1")] = "cpu",
) -> None:
    """Reconstruct pictures from measurements, under the operator that the model has learnt under.

    A file holds one measurement or several, along its first axis; complex measurements are complex numbers. Files that
    are not read, or do not fit the model's operator, are named with the reason, and the others go on; the exit status
    is then 1.

    Examples:

      unseen reconstruct model sinograms.npy --out pictures

      unseen reconstruct model scan.h5 --name kspace --out pictures --png
    """
    import numpy as np

    from unseen.cli import console
    from unseen.cli.usage import UsageError
    from unseen.data.arrays import ArrayError, read_array
    from unseen.reconstruction.applying import grey, reconstructed
    from unseen.reconstruction.checking import MeasurementError
    from unseen.reconstruction.saved import load

    stems = [_stem(path) for path in files]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise UsageError(f"two files would both be written as {twice[0]}.npy. Give them in two commands")
    f = load(model)
    try:
        f.to(device)
    except (RuntimeError, AssertionError) as error:  # AssertionError: torch without CUDA
        raise UsageError(f"device {device}: cannot be used here ({str(error).splitlines()[0]}). Take cpu") from error
    rows = None if operators is None else read_array(operators)
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path, stem in zip(files, stems, strict=True):
        try:
            pictures = reconstructed(f, read_array(path, name=name), operators=rows).numpy()
        except (ArrayError, MeasurementError, FileNotFoundError) as reason:
            failed += 1
            console.note(f"{path}: {str(reason).removeprefix(f'{path}: ')}")
            continue
        np.save(out / f"{stem}.npy", pictures)
        if png:
            for number, picture in enumerate(pictures):
                grey(picture).save(out / f"{stem}-{number}.png")
        typer.echo(str(out / f"{stem}.npy"))
    console.note(f"{len(files) - failed} files reconstructed, {failed} not")
    console.limits()
    raise typer.Exit(1 if failed else 0)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]
