"""Laws of detectors: `check_detector` runs them all; they are listed by name in `DETECTOR_LAWS`.

Each failure is an AssertionError whose sentence names the law.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from torch import Tensor

from unseen.data.film import Film, NotRead
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.finding import Finding
from unseen.detectors.saved import load, save


def holds(law: bool, words: str) -> None:
    if not law:
        raise AssertionError(words)


def close(found: Tensor, expected: Tensor, tolerance: float, words: str) -> None:
    far = float((found - expected).detach().abs().max()) if found.numel() else 0.0
    holds(far <= tolerance, f"{words} (by {far:.1e}; {tolerance:.1e} is allowed)")


def refuses(kind: type[Exception], call: Callable[[], Any], words: str) -> None:  # Any: whatever it gives back
    try:
        call()
    except kind:
        return
    raise AssertionError(words)


# detectors ----------------------------------------------------------------------------------------------------------


def check_detector(detector: Detector, films: Sequence[Film], *, fit: Callable[[], Detector] | None = None) -> None:
    """Check every law of a detector.

    Args:
        detector: a trained one.
        films: two or more that it can score.
        fit: trains an equal detector once more; None: that the same seed gives the same weights is not checked.

    Raises:
        AssertionError: the law that is broken.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import Pca
    >>> trained = Pca(size=16, components=3).fit(phantoms.normals(8, seed=1, size=64), finder="models/lungs")
    >>> check_detector(trained, list(phantoms.normals(2, seed=2, size=64)))
    """
    films = list(films)  # a lazy sequence makes new objects each time
    for law in DETECTOR_LAWS.values():
        law(detector, films)
    if fit is not None:
        again = fit()
        holds(
            _scores(again, films) == _scores(detector, films), "trained again with the same seed, it scores otherwise"
        )


def one_finding_a_film(detector: Detector, films: Sequence[Film]) -> None:
    """Check that there is one finite score a film, in order, and that maps are finite, of the view's size, and mark
    nothing that is not judged.
    """
    side = detector.view.size
    findings = list(detector.score(films))
    holds(len(findings) == len(films), "there is not one finding a film")
    for film, found in zip(films, findings, strict=True):
        if not isinstance(found, Finding):
            raise AssertionError(f"{film.name} is not scored: {found.reason}")
        holds(found.film is film, "findings are not in the films' order")
        holds(all(map(np.isfinite, (found.score, *found.parts.values()))), "a score or a part is not finite")
        for image in [found.anomaly_map] + ([] if found.reconstruction is None else [found.reconstruction]):
            holds(
                image.shape == (side, side) and image.dtype == np.float32, f"an image is not float32 ({side}, {side})"
            )
            holds(bool(np.isfinite(image).all()), "an image is not finite")
        holds(bool((found.anomaly_map >= 0).all()), "an anomaly map is below 0")
        outside = ~found.viewed.inside[0].numpy()
        holds(bool((found.anomaly_map[outside] == 0).all()), "what is not judged is marked")


def states_how_it_learns(detector: Detector, films: Sequence[Film]) -> None:
    """Check that a detector that learns by epochs keeps their history, and that another one states that it has none."""
    del films
    if detector.card is None:  # a bundle holds no history
        learnt_by_epochs = detector.history is not None
        holds(
            learnt_by_epochs == detector.learns_by_epochs,
            f"it {'keeps' if learnt_by_epochs else 'has no'} history of epochs: in the class, set learns_by_epochs = "
            f"{learnt_by_epochs}",
        )


def depends_on_its_film_alone(detector: Detector, films: Sequence[Film]) -> None:
    """Check that a score depends on its film alone: not on the order, not on the others, not on when it is asked
    for.
    """
    together = _scores(detector, films)
    holds(together == _scores(detector, films), "scored twice, a film has two scores")
    holds(together[::-1] == _scores(detector, films[::-1]), "the order decides")
    holds(together == [_scores(detector, [film])[0] for film in films], "the other films decide")


def lazy(detector: Detector, films: Sequence[Film]) -> None:
    """Check that films are drawn one by one, when their finding is asked for."""
    drawn: list[str] = []

    def stream() -> Iterator[Film]:
        for film in films:
            drawn.append(film.name)
            yield film

    findings = detector.score(stream())
    holds(not drawn, "a film is drawn before one is asked for")
    next(findings)
    holds(len(drawn) == 1, "more films are drawn than asked for")


def passes_on_what_was_not_read(detector: Detector, films: Sequence[Film]) -> None:
    """Check that a film that could not be read is passed on in its place."""
    broken = NotRead(name="x.dcm", reason="It is empty.", source="s", patient="p")
    given: list[Film | NotRead] = [films[0], broken, films[1]]
    found = list(detector.score(given))
    holds(found[1] is broken, "what was not read is not passed on in its place")


def saved_and_loaded(detector: Detector, films: Sequence[Film]) -> None:
    """Check that a saved detector comes back with the same settings, and gives the same scores."""
    with tempfile.TemporaryDirectory() as folder:
        save(detector, f"{folder}/model")
        again = load(f"{folder}/model")
    holds(again.key == detector.key and again.config == detector.config, "it comes back with other settings")
    holds(_scores(again, films) == _scores(detector, films), "it comes back and scores otherwise")


def refuses_what_it_cannot_learn_from(detector: Detector, films: Sequence[Film]) -> None:
    """Check that no films, an untrained detector and an unknown setting are refused with a sentence."""
    untrained = type(detector)(detector.config, view=detector.view)
    refuses(FitError, lambda: untrained.fit([], finder=detector.finder), "it learns from no film")
    refuses(ValueError, lambda: next(untrained.score(films)), "it scores before it is trained")
    unknown: dict[str, Any] = {"no_such_setting": 1}  # Any: hides the mistake from type checkers
    refuses(ValueError, lambda: type(detector)(**unknown), "it takes an unknown setting")


def _scores(detector: Detector, films: Sequence[Film]) -> list[float]:
    return [found.score for found in detector.score(films) if isinstance(found, Finding)]


DETECTOR_LAWS: Final[dict[str, Callable[[Detector, Sequence[Film]], None]]] = {
    law.__name__: law
    for law in (
        one_finding_a_film,
        states_how_it_learns,
        depends_on_its_film_alone,
        lazy,
        passes_on_what_was_not_read,
        saved_and_loaded,
        refuses_what_it_cannot_learn_from,
    )
}
