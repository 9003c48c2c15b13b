"""The rows of anomalib's detectors: what is said without its environment, what it is shown, and the page's section."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from studies.peers.anomalib_rows import _SCRIPT, ROWS, _image, _with_scores, anomalib_rows, beside_anomalib
from tests.studies.committed import committed_study
from tests.studies.conftest import recipe_of
from unseen.artifacts.recipe import RecipeError
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.pca import Pca

RESULTS = Path(__file__).parents[2] / "studies" / "results"


def test_without_its_environment_it_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="`make peers-anomalib` installs anomalib"):
        next(anomalib_rows(recipe_of("pca"), python=tmp_path / "python", root=tmp_path))


def test_nothing_beside_its_script_hides_what_the_script_imports() -> None:
    beside = {path.stem for path in _SCRIPT.parent.glob("*.py")}
    for node in ast.walk(ast.parse(_SCRIPT.read_text(encoding="utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        assert not beside & {module.partition(".")[0] for module in modules}


class Drawn:
    """Finds the lungs that come with the phantom."""

    def find(self, film: Film) -> NDArray[np.bool_]:
        assert film.lungs is not None
        return film.lungs


def test_it_is_shown_the_film_or_what_our_detectors_see() -> None:
    film = phantoms.normals(1, seed=4, size=128)[0]
    detector = Pca(size=32)
    detector.finder = Drawn()
    whole, lungs = _image(film, detector, "whole"), _image(film, detector, "lungs")
    assert whole.shape == lungs.shape == (256, 256) and whole.dtype == lungs.dtype == np.uint8
    outside = np.bincount(lungs.ravel()).argmax()
    assert outside in (127, 128) and (lungs == outside).mean() > 0.2, "outside of the lungs is the middle of the range"
    assert (whole == whole[0, 0]).mean() < 0.2


def test_a_film_without_a_score_is_an_error_and_scores_go_by_digest() -> None:
    table = pl.DataFrame({"pixel_sha256": ["a", "b"], "score": [0.0, 0.0]})
    assert _with_scores(table, {"b": 2.0, "a": 1.0})["score"].to_list() == [1.0, 2.0]
    with pytest.raises(RecipeError, match="1 films have no score"):
        _with_scores(table, {"a": 1.0})


def test_the_section_shows_the_committed_rows_the_best_first() -> None:
    rows = [row for name, row in committed_study("detectors").items() if name.startswith(ROWS)]
    assert "No row yet" in beside_anomalib([])[1]
    lines = [line for line in "\n".join(beside_anomalib(rows)).splitlines() if line.startswith("| `")]
    shown = [float(line.split("|")[2].split()[0]) for line in lines]
    assert len(lines) == len(rows) and shown == sorted(shown, reverse=True)
