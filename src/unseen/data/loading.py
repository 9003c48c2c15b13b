"""`loader`: films in batches of one size, for a training loop of PyTorch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unseen.data.film import Film, NotRead, one_line, scaled
from unseen.data.manifest_view import ViewContradictions
from unseen.data.reading import Films, Given, films_in, read_film

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import DataLoader

_log = logging.getLogger("unseen")
_LABELS = {None: -1, "normal": 0, "abnormal": 1}


def loader(
    given: Given,
    *,
    size: int = 256,
    batch_size: int = 16,
    shuffle: bool = False,
    workers: int = 0,
    transform: Callable[[Film], Tensor] | None = None,
) -> DataLoader[Any]:  # Any: dictionaries of tensors and lists
    """Return a `torch.utils.data.DataLoader` over films.

    A film that is not square gets a black border, so that its proportions stay. A file that cannot be read is left out
    of its batch, with a warning. Another warning names the films of a batch whose DICOM header contradicts the
    manifest's column `view_position`.

    Args:
        given: films, or a folder, a glob, a manifest or a list of files.
        size: height and width of an image in pixels.
        batch_size: films of a batch.
        shuffle: another order in each epoch.
        workers: processes that read films ahead; 0: this process reads them.
        transform: a film to a tensor, instead of the resized film; all tensors have one shape.

    Returns:
        A loader of dictionaries: `image`, float32 (films, 1, size, size) in [0, 1]; `label`, int64 (films,): 0 normal,
        1 abnormal, -1 without a label; `file`, the films' names.

    Raises:
        SourceError: the path names no film.

    Example:
        >>> from unseen.data import phantoms
        >>> batch = next(iter(loader(phantoms.normals(3, size=64), size=32, batch_size=2)))
        >>> tuple(batch["image"].shape), batch["label"].tolist()
        ((2, 1, 32, 32), [0, 0])
    """
    from torch.utils.data import DataLoader, Dataset

    listed = films_in(given)
    to_tensor = transform or _Square(size)

    class Items(Dataset[tuple[Film | NotRead, Any, str | None]]):
        def __init__(self) -> None:
            self.one_by_one = _one_by_one(listed)
            self.views = [entry.view_position for entry in listed.entries] if isinstance(listed, Films) else None

        def __len__(self) -> int:
            return len(self.one_by_one)

        def __getitem__(self, number: int) -> tuple[Film | NotRead, Any, str | None]:
            film = self.one_by_one[number]()
            view = None if self.views is None else self.views[number]
            return film, None if isinstance(film, NotRead) else to_tensor(film), view

    return DataLoader(Items(), batch_size=batch_size, shuffle=shuffle, num_workers=workers, collate_fn=_batch)


def _one_by_one(listed: Any) -> Sequence[Callable[[], Film | NotRead]]:  # Any: films, listed or as they are
    from functools import partial

    if isinstance(listed, Films):
        return [partial(read_film, entry, masks=listed.masks, lesions=listed.lesions) for entry in listed.entries]
    return [partial(_same, film) for film in listed]


def _same(film: Film | NotRead) -> Film | NotRead:
    return film


class _Square:
    """A film as a tensor of one size."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, film: Film) -> Tensor:
        import torch

        small = scaled(film.pixels, self.size / max(film.pixels.shape))
        image = np.zeros((self.size, self.size), np.float32)
        top, left = (self.size - small.shape[0]) // 2, (self.size - small.shape[1]) // 2
        image[top : top + small.shape[0], left : left + small.shape[1]] = small
        return torch.from_numpy(image)[None]


def _batch(items: list[tuple[Film | NotRead, Any, str | None]]) -> dict[str, Any]:
    import torch

    found = ViewContradictions()
    for film, _, view in items:
        if isinstance(film, NotRead):
            _log.warning("%s is left out of its batch: %s", one_line(film.name), film.reason)
        else:
            found.add(film.name, manifest=view, view_position=film.view_position, projection=film.projection)
    if found.films:
        _log.warning(found.sentence)
    read = [(film, tensor) for film, tensor, _ in items if isinstance(film, Film)]
    return {
        "image": torch.stack([tensor for _, tensor in read]) if read else torch.zeros(0),
        "label": torch.tensor([_LABELS[film.label] for film, _ in read], dtype=torch.int64),
        "file": [film.name for film, _ in read],
    }
