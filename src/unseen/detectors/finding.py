"""`Finding`: a film's score and the image that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from unseen.anatomy.network_view import Viewed
from unseen.artifacts.colour_map import coloured
from unseen.artifacts.installing import install_command
from unseen.artifacts.notebook_html import html_card
from unseen.artifacts.percentile import NO_REFERENCE, ReferenceNormals
from unseen.artifacts.research_only import LIMITS
from unseen.data.film import Film, thumbnail
from unseen.detectors.errors import FitError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Finding:
    """A scored film: what `Detector.score` gives for each film that could be read.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import Dct
    >>> from unseen.anatomy import View
    >>> films = list(phantoms.normals(12, size=64))
    >>> detector = Dct(view=View(size=32, frame="whole")).fit(films)
    >>> finding = detector.score_film(films[0])
    >>> finding.score > 0, finding.anomaly_map.shape
    (True, (32, 32))
    >>> from unseen.detectors import load
    >>> load("models/pca").score_film(films[0]).percentile_in_words
    "higher than ... % of the model's 279 training normals (of Montgomery and Shenzhen)"

    Args:
        film: what was scored.
        score: higher is less like the training films; the unit is the method's own.
        parts: the score's ingredients and side figures, by name.
        anomaly_map: float32 (size, size) ≥ 0, on the grid of `viewed`.
        reconstruction: float32 (size, size), network units; None for a method that gives no image back.
        viewed: the film as the network saw it (before alignment, where the view aligns), and how to bring other images
            onto that grid.
        reference: the normals with which the score is compared: the model's own training normals, cross-fitted; those
            of a policy where a screener follows one.
    """

    film: Film = field(repr=False)
    score: float
    parts: Mapping[str, float]
    anomaly_map: NDArray[np.float32] = field(repr=False)
    reconstruction: NDArray[np.float32] | None = field(repr=False)
    viewed: Viewed = field(repr=False)
    reference: ReferenceNormals = field(default=NO_REFERENCE, repr=False)

    @property
    def percentile(self) -> float | None:
        """Share of the normals of `reference` that score lower, in per cent; None without a reference."""
        share = self.reference.share(self.score)
        return None if share is None else 100 * share

    @property
    def percentile_in_words(self) -> str:
        """The percentile and its reference in words; the reason where there is no reference."""
        return self.reference.sentence(self.score)

    def _repr_html_(self) -> str:
        """Return the finding as a notebook shows it: film, anomaly map, score."""
        facts = {
            "score": f"{self.score:.6g}",
            "percentile": self.percentile_in_words,
            "file": self.film.name,
            "label": self.film.label,
        }
        return html_card("Finding", facts, [("film", thumbnail(self.film)), ("anomaly map", self._map())])

    def _map(self) -> NDArray[np.uint8]:
        return coloured(self.anomaly_map, high=float(np.quantile(self.anomaly_map, 0.995)))

    def plot(self) -> Figure:
        """Draw the film with the view's box, the anomaly map, and the reconstruction where the method has one.

        Returns:
            A figure of pyplot, which a notebook shows; in a program call `matplotlib.pyplot.show()`, or `savefig` of
            the figure.

        Raises:
            FitError: matplotlib is not installed.

        Example:
            >>> import matplotlib
            >>> matplotlib.use("Agg")
            >>> from unseen.data import phantoms
            >>> from unseen.detectors import load
            >>> figure = load("models/pca").score_film(phantoms.normals(1, size=64)[0]).plot()
            >>> [axes.get_title() for axes in figure.axes]
            ['film', 'anomaly map', 'reconstruction']
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise FitError(f"plots need matplotlib: {install_command('unseen[plots]')}") from error
        made = self.reconstruction
        figure, axes = plt.subplots(1, 2 if made is None else 3, figsize=(9, 3.6), layout="constrained")
        axes[0].imshow(self.film.pixels, cmap="gray", vmin=0, vmax=1)
        top, left, bottom, right = self.viewed.box
        axes[0].plot([left, right, right, left, left], [top, top, bottom, bottom, top], color="tab:cyan", linewidth=1)
        axes[0].set_title("film")
        axes[1].imshow(self._map())
        axes[1].set_title("anomaly map")
        if made is not None:
            axes[2].imshow(made, cmap="gray")
            axes[2].set_title("reconstruction")
        for one in axes:
            one.set_axis_off()
        figure.suptitle(f"{self.film.name}: score {self.score:.4g}", fontsize=10)
        figure.text(0.005, 0.005, LIMITS, fontsize=6, color="0.4")
        return figure
