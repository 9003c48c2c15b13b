"""Equality of the frozen networks with their reference implementations on random weights, and their speed.

    python -m studies.backbones --reference PYTHON --dinov2 CHECKOUT     rows backbones/equality/…
    python -m studies.backbones --speed                                  rows backbones/speed/…

PYTHON is the interpreter of an environment with torchvision, timm, transformers and torchxrayvision; CHECKOUT is a
checkout of facebookresearch/dinov2. The environments exchange weights and maps by file. The difference of a map is the
largest absolute difference over the standard deviation of the reference's map, both in float32. As a control, each
row also has the difference after all weights have changed by a thousandth.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studies.row_files import add_rows_option, write_row
from studies.rows import Row
from unseen import __version__
from unseen.detectors.architectures import ARCHITECTURES, DEFAULT
from unseen.detectors.backbone_file import Backbone
from unseen.detectors.frozen_features import FrozenNetwork

LIMIT = 1e-5
"""Largest difference that counts as equal, in standard deviations of the reference's map."""
CASES = (
    "densenet121-xrv/torchxrayvision",
    "resnet50/torchvision",
    "resnet50/timm",
    "convnext-tiny/torchvision",
    "convnext-tiny/timm",
    "dinov2-vitb14/facebookresearch",
    "dinov2-vitb14/facebookresearch-registers",
    "dinov2-vitb14/transformers-registers",
    "rad-dino/transformers",
    "rad-dino/transformers-518",
)
"""An architecture, and the reference that it is compared with."""
SIDES = {"rad-dino": 518}
"""Side of the image whose speed is measured, where it is not 224 pixels."""
_REFERENCES = Path(__file__).parent / "peers" / "backbone_references.py"
_FILMS = 5  # timed, after one that is not


def main(arguments: Sequence[str] | None = None) -> None:
    """Compute rows and print them."""
    parser = argparse.ArgumentParser(prog="python -m studies.backbones", description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, help="interpreter of the reference environment")
    parser.add_argument("--dinov2", type=Path, help="checkout of facebookresearch/dinov2")
    parser.add_argument("--speed", action="store_true", help="measure memory and time per film")
    parser.add_argument("--only", help="names that begin with this text")
    add_rows_option(parser)
    parser.add_argument("--measure", choices=ARCHITECTURES, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.measure:
        print(json.dumps(measured(given.measure)))
        return
    if given.reference is None and not given.speed:
        parser.error("give --reference PYTHON, --speed, or both")
    failed = []
    if given.reference is not None:
        for case in [one for one in CASES if one.startswith(given.only or "")]:
            row = equality_row(case, given.reference, given.dinov2)
            print(write_row(row, given.rows), f"largest difference {row['largest']:.1e}", flush=True)
            if row["largest"] > LIMIT:
                failed.append(case)
    if given.speed:
        for name in [one for one in ARCHITECTURES if one.startswith(given.only or "")]:
            row = speed_row(name)
            print(write_row(row, given.rows), f"{row['milliseconds']} ms, {row['memory_mb']} MB", flush=True)
    if failed:
        sys.exit(f"above {LIMIT}: {', '.join(failed)}")


def equality_row(case: str, python: Path, dinov2: Path | None) -> Row:
    """Compare our network with a reference on its random weights."""
    architecture = case.split("/")[0]
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), str(_REFERENCES), "--case", case, "--folder", folder]
        if dinov2 is not None:
            command += ["--dinov2", str(dinov2)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        given = Backbone.read(Path(folder) / "weights.safetensors")
        expected = dict(np.load(Path(folder) / "outputs.npz"))
    differences: dict[str, float] = {}
    spreads: dict[str, float] = {}
    images = sorted(name for name in expected if name.startswith("image-"))
    for name in images:
        number, image = name.removeprefix("image-"), expected[name]
        maps = {key.split("-")[2]: found for key, found in expected.items() if key.startswith(f"map-{number}-")}
        blocks = sorted(map(int, maps))
        network = FrozenNetwork(blocks, ARCHITECTURES[architecture].name)
        network.fill(given.weights)
        network.eval()
        with torch.inference_mode():
            x = 2 * torch.from_numpy(image)[None, None] - 1
            ours = network.network(x, blocks)
        for block, found in zip(blocks, ours, strict=True):
            theirs = maps[str(block)]
            away, spread = float(np.abs(found.numpy() - theirs).max()), float(theirs.std())
            if not (np.isfinite(away) and 0 < spread < np.inf):
                raise ValueError(f"{case}, block {block}: the maps are not finite, or constant; draw other weights")
            key = f"{image.shape[0]}x{image.shape[1]} block {block}"
            spreads[key], differences[key] = float(f"{spread:.3g}"), float(f"{away / spread:.3g}")
    control = _changed(network, x, blocks, ours)
    return {
        "recipe": f"backbones/equality/{case}",
        "seed": 0,
        "architecture": architecture,
        **json.loads(printed.splitlines()[-1]),
        "spreads": spreads,
        "differences": differences,
        "largest": max(differences.values()),
        "control": control,
        "limit": LIMIT,
        **_where(),
    }


def _changed(network: FrozenNetwork, x: Tensor, blocks: Sequence[int], before: Sequence[Tensor]) -> float:
    """Return the difference of the last map after each weight has changed by a thousandth, as a control."""
    with torch.inference_mode():
        for tensor in network.parameters():
            tensor.mul_(1 + 1e-3 * torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)))
        after = network.network(x, blocks)[-1]
        return float(f"{float((after - before[-1]).abs().max() / before[-1].std()):.3g}")


def speed_row(name: str) -> Row:
    """Measure one network in a process of its own."""
    found = subprocess.run(
        [sys.executable, "-m", "studies.backbones", "--measure", name], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    return {
        "recipe": f"backbones/speed/{name}",
        "seed": 0,
        "architecture": name,
        **json.loads(found),
        "weights": "random",
        **_where(),
    }


def measured(name: str) -> Row:
    """Measure the processor time per film, on one thread, and the memory that the network adds."""
    architecture = ARCHITECTURES[name]
    blocks, side = architecture.blocks, SIDES.get(name, 256 if name == DEFAULT else 224)
    torch.set_num_threads(1)  # processor time of one thread hardly depends on what else runs
    before = _peak_mb()
    torch.manual_seed(0)
    network = FrozenNetwork(blocks, architecture.name)
    for tensor in network.parameters():
        tensor.data.normal_(0, 0.02)
    network.eval()
    spent = []
    with torch.inference_mode():
        for _ in range(_FILMS + 1):
            x = torch.rand(1, 1, side, side) * 2 - 1
            began = time.process_time()
            network.network(x, blocks)
            spent.append(1000 * (time.process_time() - began))
    return {
        "px": side,
        "blocks": list(blocks),
        "parameters": sum(one.numel() for one in network.parameters()),
        "milliseconds": round(float(np.median(spent[1:])), 1),
        "memory_mb": round(_peak_mb() - before),
        "threads": torch.get_num_threads(),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _where() -> Row:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").is_file() else []
    name = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return {
        "device": f"cpu, {name}",
        "torch": torch.__version__,
        "version": __version__,
        "date": datetime.now(UTC).date().isoformat(),
    }


if __name__ == "__main__":
    main()
