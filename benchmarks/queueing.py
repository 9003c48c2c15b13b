"""Films that queue: stages one behind the other, simulated event by event with simpy; and Erlang's formula to check it.

Films come at random moments (a Poisson process). Each stage has some equal servers and one queue, first come first
served. The same seed gives the same waits.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

Service = Callable[[random.Random], float]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Stage of the simulation: one queue and its equal servers.

    Args:
        servers: Number of films that are served at once.
        service: Draws the seconds that one film takes.
    """

    name: str
    servers: int
    service: Service


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One film's way, by stage: the seconds that it waited, and those from its arrival until it was served."""

    waited_s: tuple[float, ...]
    after_s: tuple[float, ...]


def simulate(stages: Sequence[Stage], *, per_s: float, films: int, seed: int, warm: int | None = None) -> list[Passage]:
    """Return the ways of `films` films through the stages, in the order in which they leave.

    per_s  films that come in a second
    warm   films before them that are not counted: the queues are empty at first. None: a tenth as many
    """
    rng = random.Random(seed)
    before = films // 10 if warm is None else warm
    environment: Any = simpy.Environment()  # Any: simpy has no types
    resources = [simpy.Resource(environment, capacity=stage.servers) for stage in stages]
    left: list[Passage] = []

    def pass_through(number: int) -> Iterator[object]:
        came = environment.now
        waited, after = [], []
        for stage, resource in zip(stages, resources, strict=True):
            asked = environment.now
            with resource.request() as turn:
                yield turn
                waited.append(environment.now - asked)
                yield environment.timeout(stage.service(rng))
            after.append(environment.now - came)
        if number >= before:
            left.append(Passage(waited_s=tuple(waited), after_s=tuple(after)))

    def come() -> Iterator[object]:
        for number in range(before + films):
            yield environment.timeout(rng.expovariate(per_s))
            environment.process(pass_through(number))

    environment.process(come())
    environment.run()
    return left


def constant(seconds: float) -> Service:
    """Return a service of constant time."""
    return lambda rng: seconds


def exponential(mean_s: float) -> Service:
    """Return a service of exponential times, as in Erlang's formula."""
    return lambda rng: rng.expovariate(1 / mean_s)


def one_of(seconds: Sequence[float]) -> Service:
    """Return one of the measured times, each as likely as the other."""
    return lambda rng: rng.choice(seconds)


def log_normal(median_s: float, p95_s: float) -> Service:
    """Return the log-normal distribution with this median and this 95th percentile."""
    spread = math.log(p95_s / median_s) / statistics.NormalDist().inv_cdf(0.95)
    return lambda rng: median_s * math.exp(spread * rng.gauss(0, 1))


def erlang_c(servers: int, load: float) -> float:
    """Return the probability that a film waits in M/M/c; `load` is λ/μ, below `servers` (Erlang 1917).

    The recursion is that of Erlang's B: B(k) = load B(k−1) / (k + load B(k−1)); C = B / (1 − ρ (1 − B)), ρ = load/c.
    """
    if not 0 < load < servers:
        raise ValueError(f"a load of {load} on {servers} servers: the queue has no steady state")
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def mean_wait_s(servers: int, *, per_s: float, mean_s: float) -> float:
    """Return the mean wait in M/M/c: C / (c μ − λ)."""
    return erlang_c(servers, per_s * mean_s) / (servers / mean_s - per_s)


def wait_quantile_s(servers: int, *, per_s: float, mean_s: float, share: float) -> float:
    """Return the wait that a share of the films does not exceed in M/M/c: P(W > t) = C exp(−(c μ − λ) t)."""
    waits = erlang_c(servers, per_s * mean_s)
    return max(0.0, math.log(waits / (1 - share)) / (servers / mean_s - per_s))
