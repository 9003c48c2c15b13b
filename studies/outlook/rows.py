"""Rows of the outlook, `outlook/<question>-<arm>-<seed>` in `studies/results/outlook.jsonl`."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from datetime import UTC, datetime

import torch
from torch import Tensor

from studies.imaging.rows import processor
from studies.imaging.spent import Spent
from studies.rows import Row
from unseen import __version__
from unseen.artifacts.run_folder import Run
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.psnr_ssim import psnr
from unseen.training.history import History

STUDY = "outlook"


def run_of(question: str, arm: str, seed: int, settings: Mapping[str, object]) -> tuple[str, Run]:
    """Return the digest that names a training, and its folder."""
    said = json.dumps({"question": question, "arm": arm, **settings, "version": __version__}, sort_keys=True)
    name = hashlib.sha256(said.encode()).hexdigest()
    return name, Run.named(f"{STUDY}/{question}-{arm}", fold=None, seed=seed, digest=name)


def row_of(
    question: str,
    arm: str,
    *,
    seed: int,
    settings: Mapping[str, object],
    by_picture: Mapping[str, list[float]],
    n: Mapping[str, int],
    facts: Mapping[str, object],
) -> Row:
    """Return a row with the figures of each test image and their means.

    Args:
        question: A name of `studies.outlook`.
        arm: What was tried.
        seed: Of the training; 0 where nothing is trained.
        settings: Of the measurement, the network and the training.
        by_picture: Figures of each test image.
        n: Numbers of images trained on and tested.
        facts: What else is to be kept.
    """
    units = {name: tuple(range(len(values))) for name, values in by_picture.items()}
    return {
        "recipe": f"{STUDY}/{question}-{arm}",
        "question": question,
        "arm": arm,
        "seed": seed,
        "settings": dict(settings),
        "n": dict(n),
        "metrics": {name: mean_of(values, units[name]).to_json() for name, values in by_picture.items()},
        "by_picture": dict(by_picture),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        **facts,
    }


def psnr_of(found: Tensor, truth: Tensor) -> list[float]:
    """Return the PSNR of each image in dB, with a peak of 1."""
    return [round(float(value), 4) for value in psnr(found, truth)]


def training_facts(digest: str, history: History, spent: Spent, *, features: int) -> dict[str, object]:
    """Return what a row keeps of a training."""
    cpu = spent.total_s()
    return {
        "recipe_digest": digest,
        "features": features,
        "device": f"{history.device} ({platform.machine()}), {torch.get_num_threads()} thread(s)",
        "machine": processor(),
        "steps": history.steps,
        "seconds": round(history.seconds, 1),
        "cpu_seconds": None if math.isnan(cpu) else round(cpu, 1),
    }
