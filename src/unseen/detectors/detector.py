"""`Detector`: base class of the methods; learns from normal films, scores one film at a time.

Law: a score is finite, one per film, higher means less like the training films, and it depends on its film alone: not
on batch mates, not on the order, not on the other films of a set.
"""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import torch

from unseen.anatomy.found_lungs import Finder, FoundLungs
from unseen.anatomy.network_view import View, Viewed
from unseen.artifacts.live_progress import counted
from unseen.artifacts.percentile import ReferenceNormals
from unseen.artifacts.training_words import STEPS
from unseen.data.array_films import is_array
from unseen.data.film import Film, NotRead, one_line
from unseen.data.reading import Given, films_in
from unseen.detectors.errors import FitError
from unseen.detectors.estimator import Estimator
from unseen.detectors.finding import Finding
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals

if TYPE_CHECKING:
    from torch import nn

    from unseen.artifacts.card import Card
    from unseen.artifacts.constructor import C, HasConfig, P, T
    from unseen.detectors.backbone_file import Backbone
    from unseen.detectors.epoch_choice import EpochChoice
    from unseen.training.history import History
    from unseen.training.learner import Learner
    from unseen.training.progress import Progress
    from unseen.training.settings import Training

_log = logging.getLogger("unseen")


class Detector(Estimator):
    """Base of every detector: `fit` and `score`; a method defines `learn`, `judge` and `modules`.

    A method without a training loop sets `learns_by_epochs = False`; further class attributes state its other needs.

    >>> from unseen.anatomy import View
    >>> from unseen.data import phantoms
    >>> from unseen.detectors import Dct
    >>> films = list(phantoms.normals(12, size=64))
    >>> detector = Dct(view=View(size=32, frame="whole")).fit(films)
    >>> detector
    <dct, whole 32 px, learnt from 12 films>
    >>> all(finding.score > 0 for finding in detector.score(films))
    True
    """

    views: tuple[View, ...] = ()  # further ones, whose images `look` puts into `also`
    needs_lungs: bool = False  # True where the method needs the lungs even when it sees the whole film
    learns_by_epochs: ClassVar[bool] = True  # False for a method without a training loop of its own
    learns_from_unlabelled: ClassVar[bool] = False  # True for a method that learns from unlabelled films, too
    needs_power_of_two: ClassVar[bool] = False  # True where its networks halve the image down to 4×4
    converges_by: ClassVar[str] = "generator"  # the loss that comes to rest; "": there is none

    if TYPE_CHECKING:
        # makes type checkers check the settings of each subclass; see unseen.artifacts.constructor
        def __new__(
            cls: type[HasConfig[P, C, T]],
            config: C | None = None,
            view: View | None = None,
            size: int | None = None,
            *args: P.args,
            **settings: P.kwargs,
        ) -> T: ...

    def set_up(self) -> None:
        side = self.view.size
        if self.needs_power_of_two and side & (side - 1):
            raise FitError(f"view.size: seen {side}; {self.key} needs a power of two, such as 64, 128 or 256")
        self.finder: Finder | None = None
        self.history: History | None = None
        self.training_films: tuple[str, ...] = ()
        self.facts: dict[str, float] = {}  # what fitting measured, such as the films' noise level; kept in the card
        self.not_read: list[NotRead] = []  # films that `fit` was given and could not use
        self.trained_on = ""  # the device and its threads
        self.normal_scores: tuple[float, ...] = ()  # of the training normals, cross-fitted; see `Card.normal_scores`
        self.normal_folds = 0
        self.runtime = "torch"  # what computes the scores; `detectors.load` may choose "openvino"
        self.card: Card | None = None  # set by `detectors.load`

    def __repr__(self) -> str:
        learnt = f"learnt from {len(self.training_films)} films" if self.training_films else "not trained"
        return f"<{self.key}, {self.view.frame} {self.view.size} px, {learnt}>"

    def fit(
        self,
        normals: Given,
        *,
        finder: Finder | Path | str | None = None,
        training: Training | None = None,
        unlabelled: Given = (),
        backbone: Path | str | None = None,
        folder: Path | None = None,
        progress: Callable[[str, Progress], None] | None = None,
        validate: Callable[[int], Mapping[str, float]] | None = None,
    ) -> Self:
        """Learn from normal films.

        Args:
            normals: films, or a folder, a glob, a manifest or a list of files, or images as arrays (n, height, width),
                whose whole area is used unless a view or a finder is given. They are read once, or twice if a lung
                finder is trained on them; an iterator is then kept in memory. Films that could not be read are left out
                with a warning.
            finder: lung finder, or the bundle of one, such as "models/lungs" of unseen-models. None: if lungs are
                needed, a finder is trained on the masks of the films, and the lungs of each film are found by a finder
                that was not trained on it.
            training: epochs, batch size, seed, device, number of devices; see `unseen.training.Training`.
            unlabelled: films without a label: the epoch that separates them best from the normal films is kept
                (`epoch_choice.EpochChoice`). None: the last epoch is kept. `ddad` learns from them instead.
            backbone: file of the first weights of the network (safetensors, or a state dict in .pt or .pth): ResNet-18
                for anatpaste, patch-memory and student-teacher; the network of the setting `architecture` for methods
                on frozen features.
            folder: folder of the checkpoints; an interrupted fit resumes from the same folder.
            progress: called with the name of the training and the progress of the loop; default: shown on a terminal.
            validate: called after each epoch with its number; its figures are kept in the history and have no effect.

        Raises:
            FitError: a film is labelled abnormal, no film can be read, the bundle has no finder, the method has no
                epochs to choose by unlabelled films, or needs unlabelled films and there are none, or the backbone does
                not fit.
            NoMasksError: no lung finder can be trained, since the films have no masks.
            BundleError: the path is not a bundle.
        """
        from unseen.training.placement import computed_on
        from unseen.training.progress import reported
        from unseen.training.progress_display import shown_on
        from unseen.training.settings import Training

        training = training or Training()
        check_devices(self, training)
        if finder is None:
            self._look_at_whole_arrays(normals)
        normals, unlabelled = films_in(normals, masks=True), films_in(unlabelled)
        if isinstance(normals, Sized):
            self.check_number(len(normals))
        if isinstance(unlabelled, Sized):
            self.check_unlabelled(len(unlabelled))
        if backbone is None:
            self.check_backbone()
        given = None if backbone is None else self.begin_with(backbone)
        progress = progress or shown_on(silent_off_terminal=True)
        if isinstance(finder, str | Path):
            finder = _finder_in(finder)
        if finder is None and (self.needs_lungs or self.view.needs_lungs):
            from unseen.anatomy.cross_fitted_lungs import cross_fitted

            normals = list(normals) if iter(normals) is normals else normals  # for a second look
            finder = cross_fitted(normals, seed=training.seed, device=training.device, folder=folder, progress=progress)
        self.finder = finder
        self.card, self.facts, self.not_read = None, {}, []
        self.normal_scores, self.normal_folds = (), 0
        prepared = self.prepare(reported(normals, "reading films", progress))
        self.training_films = prepared.digests
        others = self.prepare(unlabelled, any_label=True) if self.learns_from_unlabelled else None
        if others is not None:
            self.training_films += others.digests
            self.facts["unlabelled_films"] = len(others.digests)
        choice = None if self.learns_from_unlabelled else self._choice(prepared, unlabelled, folder)
        after_epoch = validate if choice is None else choice.then(validate)
        began = time.monotonic()
        fitting = Fitting(
            training,
            folder,
            lambda state: progress(self.key, state),
            after_epoch,
            others,
            given,
            chosen_by="" if choice is None else choice.digest,
        )
        self.learn(prepared, fitting)
        if choice is not None:
            choice.restore()
        spent, device = self.clock(time.monotonic() - began)
        self.facts["training_seconds"] = round(spent, 3)
        self.facts |= self.training_facts()
        self.trained_on = computed_on(device, training)
        return self

    def training_facts(self) -> dict[str, float]:
        """Return the budget of the last training for the card; steps of 0: nothing was trained by epochs.

        Returns:
            Steps, epochs, and whether the loss converged (1 or 0) where that is known; empty for a method without
            epochs.
        """
        if not self.learns_by_epochs:
            return {}
        if self.history is None:
            return {STEPS: 0}
        return self.history.budget_facts(self.converges_by)

    def _look_at_whole_arrays(self, normals: Given) -> None:
        """Use whole images where arrays are given, which have no lung masks, and no view was asked for."""
        given = normals[0] if isinstance(normals, list | tuple) and normals else normals
        if is_array(given) and not self._view_given and not self.needs_lungs and self.view.needs_lungs:
            self.view = View(**(self.view.model_dump() | {"frame": "whole", "align": False}))
            _log.info("%s scores whole images: arrays have no lung masks", self.key)

    def _choice(
        self, normals: Normals, unlabelled: Iterable[Film | NotRead], folder: Path | None
    ) -> EpochChoice | None:
        from unseen.detectors.epoch_choice import EpochChoice

        others = [self.look(film) for film in unlabelled if isinstance(film, Film)]
        if others and not self.learns_by_epochs:
            raise FitError(f"{self.key} has no epochs to choose from. Leave the unlabelled films out")
        return EpochChoice(self, normals.views(), others, folder) if others else None

    def score(self, films: Given) -> Iterator[Finding | NotRead]:
        """Score films lazily and in order; a film that could not be read is yielded as `NotRead`.

        Args:
            films: a film or films; a folder, a glob, a manifest or a list of files, whose progress is shown in a
                terminal or a notebook; or images as arrays (height, width) or (n, height, width).

        Raises:
            ValueError: the detector is not trained, or an array is not an image. All errors are raised before the first
                film is scored.
            SourceError: a path names no film.
            TypeError: `films` is of another type.
        """
        self._check_is_trained()
        listed = films_in(films)
        found = (film if isinstance(film, NotRead) else self.score_film(film) for film in listed)
        return (
            counted(found, total=len(listed), what="scored")
            if listed is not films and isinstance(listed, Sized)
            else found
        )

    def score_film(self, film: Film, lungs: FoundLungs | None = None) -> Finding | NotRead:
        """Score one film; NotRead where the score is not finite.

        Args:
            film: the film.
            lungs: lungs that are already found in this film; None: they are found here.

        Raises:
            ValueError: the detector is not trained, or the lungs are of another film.
        """
        self._check_is_trained()
        viewed = self.look(film, lungs)
        judged = self.judge(viewed)
        if not np.isfinite(judged.score):
            return NotRead(
                name=film.name,
                reason=f"{self.key} gave it the score {judged.score}. Look at the film; if it is sound, train again",
                label=film.label,
                source=film.source,
                patient=film.patient,
            )
        made = None if judged.reconstruction is None else viewed.turned_back(judged.reconstruction)
        drawn = viewed.turned_back(judged.anomaly_map)
        return Finding(film, judged.score, judged.parts, drawn, made, viewed.upright, self.reference_normals)

    @property
    def reference_normals(self) -> ReferenceNormals:
        """The normals with which a score is compared: the training normals, cross-fitted."""
        return ReferenceNormals.of_training(self.normal_scores, self.card)

    def look(self, film: Film, lungs: FoundLungs | None = None) -> Viewed:
        """Return the film through this detector's view, with its own finder's lungs; `lungs` as for `score_film`."""
        return self.view(film, FoundLungs.of(film, lungs).by(self.finder))

    def check_number(self, films: int) -> None:
        """Raise FitError where `films` are fewer than the settings need."""
        least = self.config.least_films
        if 0 < films < least:  # no film at all is reported further on
            raise FitError(
                f"{self.with_settings()} needs {least} normal films or more, and there are "
                f"{films}. Give more films, or change these settings (`{type(self).__name__}(NAME=…)`, or "
                "[method] in a recipe)"
            )

    def with_settings(self) -> str:
        """Return the method and its settings, for a message about the number of films."""
        return f"{self.key} with these settings ({self.config})"

    def check_unlabelled(self, films: int) -> None:
        """Raise FitError where the method learns from unlabelled films, and there are none."""
        if self.learns_from_unlabelled and films == 0:
            raise FitError(f"{self.key} learns from unlabelled films beside normal ones. Give some (`unlabelled=`)")

    def begin_with(self, backbone: Path | str) -> Backbone:
        """Read the weights that the network is to begin with, and note their digest in the settings.

        Raises FitError for a method that takes none, for an unreadable file, and for one of another digest than the
        settings name.
        """
        from unseen.detectors.architectures import frozen_methods

        raise FitError(
            f"{self.key} takes no backbone. anatpaste, patch-memory, student-teacher and the methods on frozen "
            f"features ({frozen_methods()}) do"
        )

    def check_backbone(self) -> None:
        """Raise FitError where the settings need a file of weights, which is not given."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights as a bundle holds them; a site's policy is bound to it.

        Raises ValueError for a detector that has not been trained.
        """
        from unseen.detectors.bundle_tensors import weights_sha256

        return weights_sha256(self) if self.card is None else self.card.weights_sha256

    @abstractmethod
    def learn(self, normals: Normals, fitting: Fitting) -> None:
        """Learn from prepared normals; may set `history` and `facts`."""

    def clock(self, elapsed: float) -> tuple[float, str]:
        """Return the seconds that learning took and the device that it ran on, after `elapsed` seconds of `learn`:
        where steps were taken, those of every piece of the training, of which the last may have been short.
        """
        return (elapsed, "cpu") if self.history is None else (self.history.seconds, self.history.device)

    def descend(self, learner: Learner, data: Sequence[torch.Tensor], fitting: Fitting, *, before: str = "") -> History:
        """Train a learner by the common loop, with the settings in `fitting`.

        Args:
            before: the name of a training that comes before the last one: its checkpoint has a folder of its own, and
                no epoch is chosen in it.
        """
        from unseen.training.loop import train

        # a training that went on with other films to choose by would choose among its last epochs alone
        chosen_by = f"chosen by {fitting.chosen_by}" if fitting.chosen_by and not before else ""
        return train(
            learner,
            data,
            fitting.training,
            folder=fitting.folder / before if before and fitting.folder is not None else fitting.folder,
            progress=fitting.progress,
            validate=None if before else fitting.validate,
            identity=" ".join(filter(None, (self.key, before, self.config.model_dump_json(), chosen_by))),
        )

    @abstractmethod
    def judge(self, viewed: Viewed) -> Judgement:
        """Score one film that `look` has prepared."""

    @abstractmethod
    def modules(self) -> Mapping[str, nn.Module]:
        """Return the networks that scoring needs; a bundle holds their states."""

    def prepare(self, films: Iterable[Film | NotRead], *, any_label: bool = False) -> Normals:
        """Return the training films on the network's grid; those that could not be read go to `not_read`.

        Raises FitError for a film labelled abnormal, unless `any_label` will do, and for no readable film.
        """
        views, digests = [], []
        for film in films:
            if isinstance(film, NotRead):
                _log.warning("%s is left out of the training films: %s", one_line(film.name), film.reason)
                self.not_read.append(film)
                continue
            if film.label == "abnormal" and not any_label:
                raise FitError(
                    f"{film.name} is labelled abnormal; {self.key} learns from normal films alone. "
                    "Give these alone, such as the folder that holds them"
                )
            views.append(self.look(film))
            digests.append(film.pixel_sha256)
        if not views and any_label:
            raise FitError("no film could be read; give a folder, a glob or a manifest with films")
        if not views:
            raise FitError("no training film could be read; give a folder, a glob or a manifest with normal films")
        return Normals.of(views, digests)


def check_devices(detector: Detector, training: Training) -> None:
    """Raise FitError where several devices are asked for, and the method learns nothing batch by batch."""
    members: Sequence[Detector] = getattr(detector, "members", (detector,))
    if training.devices * training.nodes > 1 and not any(member.learns_by_epochs for member in members):
        raise FitError(
            f"{detector.key} is computed on one device: it has no batches to share between {training.devices} devices "
            f"of {training.nodes} machine(s). Leave devices and nodes out, or give a method that learns by epochs"
        )


def masked_on(viewed: Viewed, network: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the masked image and its mask, (1, 1, size, size) each, where the network is."""
    device = next(network.parameters()).device
    return viewed.masked[None].to(device), viewed.inside[None].to(device)


def _finder_in(folder: Path | str) -> Finder:
    from unseen.detectors.lung_finder_bundles import finder_of

    found = finder_of(folder)
    if found is None:
        raise FitError(f"{folder}: holds a detector without a lung finder. Take models/lungs, or leave finder out.")
    return found
