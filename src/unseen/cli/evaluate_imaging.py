"""Part of `unseen evaluate` for reconstructors: PSNR and SSIM on images, next to A† and total variation."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from unseen.cli import console
from unseen.cli.console import UsageError

_PHANTOMS, _NUMBER = 7110, 40  # seed of the phantoms, which no recipe trains on by default; and their number


def evaluate_imaging(
    model: Path,
    *,
    data: str,
    out: Path,
    measurements: Path | None,
    array: str | None,
    metric: Literal["psnr", "psnr-ei"],
    seed: int,
    device: str,
) -> None:
    """Evaluate a reconstructor and print its figures; the arguments are the options of `unseen evaluate`."""
    from unseen.data.array_files import read_array
    from unseen.evaluation.reconstruction_quality import NETWORK, Metric, evaluate_reconstructor
    from unseen.reconstruction.measurements import tensor_of
    from unseen.reconstruction.saved import load
    from unseen.runs.reconstructor_images import images_of

    console.check_output(out, folder=True, folders=[model])
    console.check_output(out / "metrics.json", inputs=[measurements, data])
    console.check_output(out / "side-by-side.png", inputs=[measurements, data], folders=[data])  # it would be an image
    f = load(model)
    if f.process is None:
        raise UsageError(
            f"{model}: was saved without its process, so nothing can be measured. Save it again with registered parts"
        )
    f.to(device)
    channels, height, width = f.process.A.domain
    of_images, of_measurements = (array, None) if measurements is None else (None, array)
    x = images_of(data, channels=channels, size=(height, width), number=_NUMBER, seed=_PHANTOMS, array=of_images)
    y = None if measurements is None else tensor_of(read_array(measurements, name=of_measurements))
    metrics: tuple[Metric, ...] = ("psnr", "ssim") if metric == "psnr" else ("psnr", "ssim", metric)
    console.step(f"reconstructing {len(x)} images by the network, A† and total variation")
    try:
        found = evaluate_reconstructor(f, x, measurements=y, metrics=metrics, seed=seed)
    except ValueError as error:
        raise UsageError(f"{data}: {error}") from error
    found.write(out)
    for line in found.lines:
        console.result(line)
    console.result(None, **{key: value for key, value in found.to_json().items() if key != "values"})
    if found.left_out:
        console.result(f"{found.left_out} of {len(x)} images left out: the model was trained on measurements of them.")
    if not found.converged:
        console.note("total variation has not converged on all images; its figures could be higher")
    columns = ", ".join(found.shown)
    console.result(f"images side by side ({columns}): {out / 'side-by-side.png'}", report=out / "side-by-side.png")
    gain = found.gain("A†", "psnr")
    console.note(f"{NETWORK} minus A†: {gain} dB on {found.images} images of {data}")
    console.limits()
