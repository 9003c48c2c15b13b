"""Small films, tables and a detector that needs no training, for this folder's tests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import polars as pl
import pytest

from unseen.data.film import Film, NotRead
from unseen.evaluation.simple_statistics import STATISTIC_NAMES
from unseen.evaluation.table import score_schema

TableMaker = Callable[..., pl.DataFrame]


def make_table(
    n: int = 300,
    *,
    seed: int = 0,
    shift: float = 1.0,
    folds: int = 0,
    sources: Sequence[str] = ("montgomery", "shenzhen"),
    planted: float = 0.0,
) -> pl.DataFrame:
    """Rows as `score_table` makes them: abnormal scores are `shift` standard deviations up, sharpness `planted`."""
    rng = np.random.default_rng(seed)
    abnormal = rng.random(n) < 0.5
    table: dict[str, list[object]] = {name: [None] * n for name in score_schema()}
    table["file"] = [f"film-{i}.png" for i in range(n)]
    table["status"] = ["scored"] * n
    table["label"] = ["abnormal" if a else "normal" for a in abnormal]
    table["source"] = [str(s) for s in rng.choice(list(sources), n)]
    table["patient"] = [f"p{i}" for i in range(n)]
    table["pixel_sha256"] = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]
    table["score"] = (rng.normal(size=n) + shift * abnormal).tolist()
    if folds:
        table["fold"] = (np.arange(n) % folds + 1).tolist()
    for name in STATISTIC_NAMES:
        table[name] = np.exp(rng.normal(size=n) * 0.2).tolist()
    table["sharpness"] = np.exp(rng.normal(size=n) * 0.2 + planted * 0.2 * abnormal).tolist()
    table["bits"] = [8.0] * n
    return pl.DataFrame(table, schema=score_schema())


def make_film(
    i: int, *, abnormal: bool, sharp: bool = False, size: int = 48, seed: int = 0, lesion: bool = True, fold: str = ""
) -> Film:
    """Return a soft image with a bright spot when abnormal; `sharp` adds grain."""
    rng = np.random.default_rng([seed, i])
    y, x = np.mgrid[0:size, 0:size] / size
    pixels = 0.4 + 0.2 * np.cos(3 * x + rng.normal()) * np.sin(3 * y + rng.normal())
    mask = np.zeros((size, size), dtype=bool)
    if abnormal:
        row, column = rng.integers(12, size - 12, 2)
        mask = (np.mgrid[0:size, 0:size][0] - row) ** 2 + (np.mgrid[0:size, 0:size][1] - column) ** 2 < 25
        pixels = pixels + 0.25 * mask
    pixels = np.clip(pixels + (0.05 if sharp else 0.01) * rng.normal(size=(size, size)), 0, 1).astype(np.float32)
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    return Film(
        name=f"<b>{i}</b>.png",
        pixels=pixels,
        label="abnormal" if abnormal else "normal",
        source="ward",
        patient=f"p{i}",
        study=f"p{i}",
        bits=8,
        view_position=None,
        spacing_mm=None,
        file_sha256=digest,
        pixel_sha256=digest,
        file_bytes=size * size,
        file_format="png",
        lungs=None,
        lesion=mask if abnormal and lesion else None,
        columns={"kind": "nodule", "contrast": "0.25", "fold": fold} if abnormal else {"fold": fold},
    )


class Brightness:
    """Scores a film by its brightest pixel after the smallest of smoothings; its map is the image."""

    def score(self, films: Iterable[Film | NotRead]) -> Iterator[object]:
        from unseen.anatomy.network_view import View
        from unseen.detectors.finding import Finding

        view = View(frame="whole", scale="range", size=32)
        for film in films:
            if isinstance(film, NotRead):
                yield film
                continue
            viewed = view(film)
            image = viewed.image[0].numpy()
            yield Finding(
                film=film,
                score=float(np.sort(image.reshape(-1))[-20:].mean()),
                parts={},
                anomaly_map=np.maximum(image - image.mean(), 0),
                reconstruction=np.full_like(image, image.mean()),
                viewed=viewed,
            )


@pytest.fixture(name="make_table")
def _make_table() -> TableMaker:
    return make_table


@pytest.fixture(name="make_film")
def _make_film() -> Callable[..., Film]:
    return make_film


@pytest.fixture
def brightness() -> Brightness:
    return Brightness()


@pytest.fixture
def unread() -> NotRead:
    return NotRead(name="broken.png", reason="It ends after 12 bytes.", label="abnormal", source="ward", patient="x")
