"""Reads metrics.json without trusting it: a figure, a count or words by their path, and an answer for "not there"."""

from __future__ import annotations

from collections.abc import Mapping

from unseen.evaluation.interval import Figure, Json, Missing, from_json


def entry_at(metrics: Mapping[str, Json], *path: str) -> Json:
    """What lies at `path`; None where nothing does."""
    here: Json = dict(metrics)
    for key in path:
        if not isinstance(here, dict):
            return None
        here = here.get(key)
    return here


def figure_at(metrics: Mapping[str, Json], *path: str) -> Figure:
    """The figure at `path`.

    >>> figure_at({"auroc": {"pooled": {"value": 0.5, "low": 0.4, "high": 0.6}}}, "auroc", "pooled").value
    0.5
    """
    entry = entry_at(metrics, *path)
    return from_json(entry) if isinstance(entry, dict) else Missing("not computed")


def text_at(metrics: Mapping[str, Json], *path: str) -> str:
    """The words at `path`, or ""."""
    entry = entry_at(metrics, *path)
    return entry if isinstance(entry, str) else ""


def count(metrics: Mapping[str, Json], *path: str) -> int:
    """The number under ``n`` at `path`, or 0."""
    entry = entry_at(metrics, "n", *path)
    return entry if isinstance(entry, int) else 0
