"""Estimator conventions of a detector: parameters, clones, scores as arrays, labels, device, state.

The names are those of scikit-learn, PyOD and PyTorch. As in PyOD, a higher value of `decision_function` is more
abnormal and `predict` gives 1 for abnormal. (scikit-learn's outlier detectors have the opposite signs: −1 is an
outlier.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from unseen.anatomy.network_view import View
from unseen.artifacts.constructor import Configurable
from unseen.data.film import NotRead
from unseen.data.reading import Given, NotReadError
from unseen.detectors.errors import FitError
from unseen.detectors.settings import DetectorSettings

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from unseen.artifacts.percentile import ReferenceNormals
    from unseen.detectors.finding import Finding

DEFAULT_PERCENTILE = 95.0
"""Percentile of the training normals from which `predict` calls a film abnormal."""


class Estimator(Configurable, ABC):
    """Methods that users of scikit-learn, PyOD and PyTorch expect of a detector, next to `fit` and `score`."""

    Config: type[DetectorSettings] = DetectorSettings
    config: DetectorSettings
    arguments = ("config", "view", "size")
    runtime: str
    training_films: tuple[str, ...]

    # Any: the settings' types are the subclass's Config, which pydantic checks
    def __init__(
        self,
        config: DetectorSettings | None = None,
        *,
        view: View | None = None,
        size: int | None = None,
        **settings: Any,
    ) -> None:
        """`Pca(size=64, components=50)`, or `Pca(Pca.Config(components=50), view=View(size=64))`.

        Args:
            config: the settings as one value; None: they are given by name.
            view: how a film becomes the network's image; None: the lungs at 64 pixels.
            size: side of that image in pixels, in the place of the view's.
            settings: the fields of `Config`, by name.

        Raises:
            RecipeError: a setting is unknown ("pca.component: unknown; did you mean components?") or out of range, or
                `config` and settings are both given.
            FitError: a size that the method's networks cannot have.
        """
        self._view_given = view is not None
        view = view or View()
        self.view = view if size is None else View(**(view.model_dump() | {"size": size}))
        super().__init__(config, **settings)

    @abstractmethod
    def score(self, films: Given) -> Iterable[Finding | NotRead]: ...

    @abstractmethod
    def modules(self) -> Mapping[str, nn.Module]: ...

    @property
    @abstractmethod
    def reference_normals(self) -> ReferenceNormals: ...

    # Any: values of settings, whose types are the method's
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the constructor with their values.

        Args:
            deep: has no effect; scikit-learn passes it.

        Example:
            >>> from unseen.detectors import Pca
            >>> Pca(size=64, components=20).get_params()["components"]
            20
        """
        return {"view": self.view, **{name: getattr(self.config, name) for name in type(self.config).model_fields}}

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the constructor by name; the detector is untrained afterwards.

        Args:
            **params: `view`, `size` and the method's settings. Settings that are not named keep their values.

        Returns:
            The detector itself.

        Raises:
            RecipeError: a setting is unknown or out of range; the detector is unchanged then.

        Example:
            >>> from unseen.detectors import Pca
            >>> Pca(size=64).set_params(components=20).config.components
            20
        """
        made = type(self)(**(self.get_params() | params))
        made._view_given = self._view_given or "view" in params
        self.__dict__.clear()
        self.__dict__.update(made.__dict__)
        return self

    def clone(self) -> Self:
        """Return an untrained detector with the same parameters."""
        made = type(self)(self.config, view=self.view)
        made._view_given = self._view_given
        return made

    __sklearn_clone__ = clone

    def decision_function(self, films: Given) -> NDArray[np.float64]:
        """Return the scores of films as one array.

        Args:
            films: films, paths or arrays, as for `score`.

        Returns:
            (n,) scores, higher is more abnormal.

        Raises:
            NotReadError: a film could not be read or scored. `score` passes such films on with their reasons.
            ValueError: the detector has not been trained.

        Example:
            >>> from unseen.data import phantoms
            >>> from unseen.detectors import Dct
            >>> import numpy as np
            >>> images = np.stack([film.pixels for film in phantoms.normals(12, size=64)])
            >>> Dct().fit(images).decision_function(images[:2]).shape
            (2,)
        """
        scores = []
        for finding in self.score(films):
            if isinstance(finding, NotRead):
                raise NotReadError(finding)
            scores.append(finding.score)
        return np.array(scores, dtype=np.float64)

    def predict(self, films: Given, *, threshold: float | None = None) -> NDArray[np.int64]:
        """Return 1 for films that score at or above a threshold, else 0.

        Args:
            films: films, paths or arrays, as for `score`.
            threshold: in the score's unit; None: the 95th percentile of the training normals' cross-fitted scores.

        Returns:
            (n,) labels, 1 is abnormal.

        Raises:
            ValueError: no threshold is given, and the detector keeps no scores of its training normals; or it has not
                been trained.
            NotReadError: a film could not be read or scored.

        Example:
            >>> from unseen.data import phantoms
            >>> from unseen.detectors import load
            >>> load("models/phantom-screener").predict(list(phantoms.normals(3))[1:]).tolist()
            [0, 0]
        """
        if threshold is None:
            normals = self.reference_normals.scores
            if not normals:
                raise ValueError(
                    f"This {self.key} keeps no scores of its training normals, so there is no default threshold. Give "
                    "threshold=, for instance a quantile of decision_function() over held-out normals."
                )
            threshold = float(np.percentile(normals, DEFAULT_PERCENTILE))
        return (self.decision_function(films) >= threshold).astype(np.int64)

    def to(self, device: str | torch.device) -> Self:
        """Move the networks of a trained detector to a device.

        Args:
            device: such as "cpu" or "cuda".

        Returns:
            The detector itself.

        Raises:
            FitError: the detector runs on OpenVINO, or the device does not exist on this machine.
            ValueError: the detector has not been trained.
        """
        if self.runtime != "torch":
            raise FitError(f"this {self.key} runs on {self.runtime}. Load it with runtime='torch' to move it")
        self._check_is_trained()
        for module in self.modules().values():
            try:
                module.to(device)
            except (AssertionError, RuntimeError) as error:
                raise FitError(f"device {device!s}: {str(error).splitlines()[0]}. Take 'cpu'") from error
        return self

    def state_dict(self) -> dict[str, Tensor]:
        """Return all tensors that scoring needs, by network and name, as a bundle keeps them.

        Raises:
            ValueError: the detector has not been trained.

        Example:
            >>> from unseen.detectors import load
            >>> sum(tensor.numel() for tensor in load("models/phantom-screener").state_dict().values()) > 100_000
            True
        """
        from unseen.detectors.bundle_tensors import states

        self._check_is_trained()
        return states(self.modules())

    def _check_is_trained(self) -> None:
        if not self.training_films:
            raise ValueError(f"this {self.key} has not been trained: call fit(normals) or load a bundle first")
