"""Phantoms of a seed stay what they were: models, rows and examples of earlier releases were made from them.

After an intended change, `python -m tests.phantoms.test_kept_phantoms` writes `kept_phantoms.json` anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from unseen.data import phantoms
from unseen.data.phantoms.sequences import Case, draw_healthy

KEPT = Path(__file__).parent / "kept_phantoms.json"
SEED, COUNT, SIZE, BLOCK = 2026, 12, 64, 8


def drawn(index: int) -> dict[str, Any]:
    """Patient, exposure, lesion's area, and grey values averaged over blocks of 8 × 8 pixels of one abnormal film."""
    film = phantoms.abnormals(index + 1, seed=SEED, size=SIZE)[index]
    healthy = draw_healthy(Case(seed=SEED, stream="abnormal", index=index, size=SIZE, kind=None))
    blocks = film.pixels.reshape(SIZE // BLOCK, BLOCK, SIZE // BLOCK, BLOCK).mean(axis=(1, 3))
    assert film.lungs is not None and film.lesion is not None
    return {
        "build": asdict(healthy.patient.build),
        "acquisition": json.loads(json.dumps(asdict(healthy.acquisition))),  # tuples become lists
        "lesion": dict(film.columns),
        "areas": [int(film.lungs.sum()), int(film.lesion.sum())],
        "grey": [round(float(value), 3) for value in blocks.ravel()],
    }


@pytest.mark.parametrize("index", range(COUNT))
def test_a_phantom_of_a_seed_stays_what_it_was(index: int) -> None:
    kept, now = json.loads(KEPT.read_text(encoding="utf-8"))[index], drawn(index)
    assert now["lesion"] == kept["lesion"]
    for part in ("build", "acquisition"):
        settings = {name: tuple(value) if isinstance(value, list) else value for name, value in now[part].items()}
        assert {name: value for name, value in settings.items() if value != pytest.approx(kept[part][name])} == {}, part
    assert now["areas"] == pytest.approx(kept["areas"], abs=2)
    assert now["grey"] == pytest.approx(kept["grey"], abs=0.004)


if __name__ == "__main__":
    lines = ",\n".join(json.dumps(drawn(index)) for index in range(COUNT))
    KEPT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
