"""A training of either library: the same first weights, images, steps, batch and schedule of the learning rate."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studies.against_deepinv.problems import (
    FEATURES,
    LEARNING_RATE,
    MILESTONE,
    NOISE_OF_ITS_OWN,
    TUNED_FOR,
    ContestProblem,
)
from studies.imaging.running import reconstructed
from unseen import __version__
from unseen.artifacts.recipe import RecipeError
from unseen.evaluation.psnr_ssim import psnr
from unseen.losses.count_thinning import Thinning
from unseen.losses.equivariance import RobustEquivariance
from unseen.losses.loss import Loss
from unseen.networks.residual_unet import ResidualUNet
from unseen.physics.fourier_mask import FourierMask
from unseen.physics.operator import Mask
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.learning import learn
from unseen.reconstruction.reconstructor import as_complex, as_pairs
from unseen.runs.imaging_settings import losses_of
from unseen.training.settings import Training

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
LIBRARIES = ("unseen", "deepinv")
_SIDE = Path(__file__).with_name("deepinv_side.py")
_NOISE_SEEDS = {"training": 1000, "validation": 1001, "testing": 1002}

Option = Mapping[str, object]


@dataclass(frozen=True)
class Trained:
    """Results of a training: images of the validation and test measurements, seconds, and the loss by step or epoch.

    `direct` holds the images of the test measurements that are the network's input.
    """

    validation: Tensor
    testing: Tensor
    direct: Tensor | None
    seconds: float
    steps: int
    curve: list[float]
    version: str


def train(problem: ContestProblem, library: str, option: Option, *, seed: int, share: int = 1) -> Trained:
    """Train for a `share`-th of the epochs. Raises RecipeError where deepinv's environment is missing."""
    return (_ours if library == "unseen" else _theirs)(problem, option, seed=seed, share=share)


def choose(problem: ContestProblem, library: str) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return the option with the best PSNR on validation images (seed 0, a third of the steps), and all tried."""
    options = problem.contest.options(library)
    tried = []
    for option in options:
        done = train(problem, library, option, seed=0, share=TUNED_FOR)
        value = float(psnr(done.validation, problem.validation.x).mean())
        tried.append({**option, "validation_psnr": round(value, 3), "seconds": round(done.seconds, 1)})
        print(problem.name, library, tried[-1], flush=True)
    best = max(range(len(tried)), key=lambda at: float(str(tried[at]["validation_psnr"])))
    return dict(options[best]), tried


def first_weights(problem: ContestProblem, seed: int) -> ResidualUNet:
    """Return the network whose weights both libraries start from."""
    channels = problem.process.A.domain[0] * (2 if problem.process.A.complex_domain else 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ResidualUNet(channels=channels, features=FEATURES, depth=problem.settings.depth)


def schedule_of(problem: ContestProblem, share: int) -> tuple[int, int, int]:
    """Return epochs, steps, and the epoch after which the learning rate falls to a tenth."""
    epochs = max(2, problem.contest.epochs // share)
    steps = problem.contest.steps // problem.contest.epochs * epochs
    return epochs, steps, math.ceil(MILESTONE * epochs)


def _ours(problem: ContestProblem, option: Option, *, seed: int, share: int) -> Trained:
    epochs, steps, milestone = schedule_of(problem, share)
    f = ArtifactRemoval.for_process(problem.process, features=FEATURES, depth=problem.settings.depth)
    f.network.load_state_dict(first_weights(problem, seed).state_dict())
    began = time.perf_counter()
    learn(
        problem.training.y,
        problem.process,
        losses=_losses(problem, str(option["losses"])),
        subjects=problem.subjects,
        network=f,
        consistency="project" if option["consistency"] == "project" else None,
        training=Training(epochs=epochs, batch_size=problem.contest.batch, seed=seed, precision="fp32", threads=1),
        learning_rate=LEARNING_RATE,
        milestones=[milestone],
    )
    seconds = time.perf_counter() - began
    assert f.history is not None
    if f.history.steps != steps:
        raise ValueError(f"{problem.name}: {f.history.steps} steps in place of {steps}; correct the contest's steps")
    found = {part: reconstructed(f, getattr(problem, part), problem) for part in ("validation", "testing")}
    return Trained(found["validation"], found["testing"], None, seconds, steps, f.history.by_epoch("loss"), __version__)


def _losses(problem: ContestProblem, name: str) -> list[Loss]:
    """Return the losses of a name.

    "thinning": counts split at random in place of SURE; "measurements" or "pictures": the space of consistency; any
    other name: the recipe's losses.
    """
    objective = problem.contest.objective
    if name == "thinning":
        return [Thinning(), RobustEquivariance(problem.group)]
    settings = problem.settings
    if name in ("measurements", "pictures"):
        tau = settings.tau if name == settings.compared else None
        settings = settings.model_copy(update={"compared": name, "tau": tau})
    return losses_of("rei" if objective == "rei" else "ei", settings, problem.process, group=problem.group)


def _theirs(problem: ContestProblem, option: Option, *, seed: int, share: int) -> Trained:
    if not PEERS.is_file():
        raise RecipeError(f"{PEERS} is missing. `make peers` installs deepinv, in an environment of its own")
    contest, settings = problem.contest, problem.settings
    epochs, steps, milestone = schedule_of(problem, share)
    job = {
        "problem": problem.name,
        "size": contest.size,
        "features": FEATURES,
        "depth": settings.depth,
        "channels": problem.process.A.domain[0] * (2 if problem.process.A.complex_domain else 1),
        "sigma": settings.sigma,
        "gain": settings.gain,
        "photons": settings.photons,
        "views": settings.views,
        "attenuation": settings.attenuation,
        "m": problem.process.A.range[-1],
        "group": settings.group,
        "batch": contest.batch,
        "steps": steps,
        "falls_at": [milestone * (steps // epochs)],
        "learning_rate": LEARNING_RATE,
        "seed": seed,
        "noise_seeds": _NOISE_SEEDS,
        **option,
    }
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "job.json").write_text(json.dumps(job), encoding="utf-8")
        np.savez(place / "given.npz", allow_pickle=False, **_given(problem, seed))
        done = subprocess.run(
            [str(PEERS), "-W", "ignore", str(_SIDE), *(str(place / n) for n in ("job.json", "given.npz", "out.npz"))],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        if done.returncode:
            raise RecipeError(f"deepinv, {problem.name}: {done.stderr.strip().splitlines()[-1]}")
        with np.load(place / "out.npz", allow_pickle=False) as file:
            out = {name: file[name] for name in file.files}
    images = {name: torch.from_numpy(out[name]) for name in ("validation", "testing", "direct")}
    if problem.process.A.complex_domain:
        images = {name: as_complex(x) for name, x in images.items()}
    return Trained(
        images["validation"],
        images["testing"],
        images["direct"],
        float(out["seconds"]),
        steps,
        [float(value) for value in out["curve"]],
        str(out["version"]),
    )


def _given(problem: ContestProblem, seed: int) -> dict[str, np.ndarray]:
    """Return deepinv's input: first weights, the mask, and y, or x where it measures with an operator of its own."""
    tensors: dict[str, Tensor] = {f"w/{k}": v for k, v in first_weights(problem, seed).state_dict().items()}
    for part in _NOISE_SEEDS:
        measured = getattr(problem, part)
        if problem.name in NOISE_OF_ITS_OWN:
            tensors[f"x_{part}"] = measured.x
            if problem.name == "single-pixel":  # orthogonal patterns of the same set: the same energy
                tensors[f"energy_{part}"] = measured.y.double().square().sum()
        else:
            tensors[f"y_{part}"] = as_pairs(measured.y)
    A = problem.process.A
    if isinstance(A, FourierMask):
        tensors["mask"] = A.mask[0, 0]
    elif isinstance(A, Mask):
        tensors["mask"] = A.mask[0]
    return {name: tensor.numpy() for name, tensor in tensors.items()}
