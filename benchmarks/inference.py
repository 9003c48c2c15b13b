"""One film's score at a time, by plain PyTorch, by the package's own modules, and by the package on OpenVINO."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.plain_ganomaly import PlainGanomaly
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.detectors.ganomaly import Ganomaly
from unseen.detectors.ganomaly_family import Aim
from unseen.detectors.openvino_runtime import compile_networks


def inference(*, size: int, features: int, films: int, threads: int) -> dict[str, Any]:  # Any: JSON
    """Milliseconds a film of each, median over `films` phantoms scored in turn, and how far its scores lie off.

    The films' view is made beforehand: timed is what a score costs from the network's input on.
    """
    torch.set_num_threads(threads)
    detector, other = (Ganomaly(view=View(frame="whole", size=size), features=features) for _ in range(2))
    images = torch.stack(
        [detector.look(film).masked for film in phantoms.normals(films + 8, seed=2, size=max(64, size))]
    )
    _settle(detector, images[:8])
    other.modules()
    for name, network in detector.networks.items():
        other.networks[name].load_state_dict(network.state_dict())
    plain = PlainGanomaly(detector.networks, size=size, features=features, latent=detector.config.latent)
    began = time.perf_counter()
    compile_networks(other)
    compiling_s = time.perf_counter() - began

    def in_bfloat16(x: torch.Tensor) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            return plain.score(x)

    contenders: dict[str, Callable[[torch.Tensor], float]] = {
        "plain_fp32": plain.score,
        "plain_bf16_autocast": in_bfloat16,
        "unseen_torch": lambda x: _score(detector, x),
        "unseen_openvino": lambda x: _score(other, x),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    scores: dict[str, list[float]] = {name: [] for name in contenders}
    for place, x in enumerate([images[:1], *torch.split(images[8:], 1)]):  # (1, 1, size, size) each
        print(f"\r  film {place} of {films}", end="", file=sys.stderr, flush=True)
        for name, score in contenders.items():
            began = time.perf_counter()
            value = score(x)
            if place > 0:  # the first warms up
                seconds[name].append(time.perf_counter() - began)
                scores[name].append(value)
    print(file=sys.stderr)
    right = scores["plain_fp32"]
    usual = statistics.median(seconds["plain_fp32"])
    return {
        "recipe": {"method": "ganomaly", "px": size, "features": features, "batch": 1, "threads": threads},
        "films": films,
        "openvino_compiling_s": round(compiling_s, 1),
        "contenders": {
            name: {
                "median_ms": round(1000 * statistics.median(seconds[name]), 1),
                "least_ms": round(1000 * min(seconds[name]), 1),
                "times_as_fast": round(usual / statistics.median(seconds[name]), 2),
                "largest_difference_of_scores": max(abs(a / b - 1) for a, b in zip(scores[name], right, strict=True)),
            }
            for name in contenders
        },
    }


def _score(detector: Ganomaly, x: torch.Tensor) -> float:
    with torch.inference_mode():
        distance, _ = detector.distance(Aim(x=x, y=x, support=torch.ones_like(x)))
        return float(distance)


def _settle(detector: Ganomaly, images: torch.Tensor) -> None:
    """Give the first weights' BatchNorm layers statistics of real activations."""
    networks = detector.modules()
    for network in networks.values():
        network.train()
    with torch.no_grad():
        networks["e2"](networks["de"](networks["e1"](images)))
    for network in networks.values():
        network.eval()
