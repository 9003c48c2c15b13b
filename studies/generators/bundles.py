"""The study for bundles on disk: images dealt, figures, report.

The images that a study is about: those of a recipe, dealt as for the training, or a file or folder of one's own.

Of one's own images half is held out. Those that a generator has learnt from are never held out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studies.generators.report import write_study
from studies.generators.study import COMPARED, LEAST, NUMBER, SEARCH, Study, study
from unseen import __version__
from unseen.artifacts.recipe import RecipeError
from unseen.artifacts.registry import did_you_mean
from unseen.data.array_files import ArrayError, read_array
from unseen.physics.tensor_products import describe
from unseen.priors.saved import load
from unseen.priors.search_settings import Search
from unseen.priors.trained import TrainedGenerator, digest_of
from unseen.runs.generator_training import Images, PictureSettings, load_images

KINDS = ("digits", "shapes", "brain")
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
_MOST_COPIES = 100


def images_for(
    generators: Mapping[str, TrainedGenerator], named: str, *, seed: int = 0, data: Path | None = None
) -> Images:
    """Return the images to ask several generators about, of the size that they make.

    Args:
        generators: by name, all of one size.
        named: one of `KINDS`, or a path: an array (n, height, width) or (n, channels, height, width) in [0, 1], or a
            folder of grey images.
        seed: which half of one's own images is held out.
        data: the folder of public images; None: `$UNSEEN_DATA`.

    Raises:
        RecipeError: the generators make images of several sizes, or there are no such images.
        ArrayError: the images do not fit the generators, or too few are left to hold out.
    """
    shapes = {name: (G.config.channels, G.config.size or 0, G.config.size or 0) for name, G in generators.items()}
    if len(set(shapes.values())) != 1:
        made = ", ".join(f"{name} {describe(shape)}" for name, shape in shapes.items())
        raise RecipeError(f"a study side by side is of generators of one size, but these make {made}")
    shape = next(iter(shapes.values()))
    learnt = frozenset(name for G in generators.values() for name in G.training_digests)
    if named in KINDS:
        return without(_dealt(generators, named, shape, data), learnt, where=named)
    path = Path(named)
    if not path.exists():
        raise RecipeError(f"{named}: no such file or folder, and as a kind of images {did_you_mean(named, KINDS)}")
    return halved(_own(path, shape), learnt, seed=seed, where=named)


def without(images: Images, learnt: frozenset[str], *, where: str) -> Images:
    """Return the same without the test images that have been learnt from."""
    kept = [i for i, x in enumerate(images.testing) if digest_of(x) not in learnt]
    if len(kept) == len(images.testing):
        return images
    if len(kept) < LEAST:
        raise ArrayError(
            f"{where}: of {len(images.testing)} test images {len(kept)} have not been learnt from, and a study "
            f"needs {LEAST}. Give other images."
        )
    split = f"{images.split}; {len(images.testing) - len(kept)} that have been learnt from are left out"
    return replace(images, testing=images.testing[kept], units=tuple(images.units[i] for i in kept), split=split)


def halved(x: Tensor, learnt: frozenset[str], *, seed: int, where: str) -> Images:
    """Half held out, or fewer where fewer have not been learnt from; the other half to compare with.

    >>> x = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> images = halved(x, frozenset(map(digest_of, x[:30])), seed=0, where="mine.npy")
    >>> len(images.training), len(images.testing)
    (30, 10)
    """
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed)).tolist()
    free = [i for i in order if digest_of(x[i]) not in learnt]
    held = free[: len(x) // 2]
    if len(held) < LEAST:
        raise ArrayError(
            f"{where}: holds {len(x)} images, {len(x) - len(free)} of which a generator has learnt from; a study "
            f"holds half of them out, at least {LEAST} that none has learnt from. Give more images."
        )
    rest = sorted(set(order) - set(held))
    split = f"{len(held)} of {len(x)} held out by seed {seed}; the others to compare with"
    return Images(x[rest], x[rest], x[sorted(held)], tuple(range(len(held))), split)


def _dealt(
    generators: Mapping[str, TrainedGenerator], named: str, shape: tuple[int, int, int], data: Path | None
) -> Images:
    settings = PictureSettings.model_validate({"pictures": named, "size": shape[1]})
    images = load_images(settings, data=data)
    if tuple(images.testing.shape[1:]) != shape:
        raise ArrayError(
            f"{named}: images are {describe(tuple(images.testing.shape[1:]))}, but the generators make "
            f"{describe(shape)}. Give images of one's own."
        )
    most = max(len(G.training_digests) for G in generators.values())
    copies = min(most // len(images.training), _MOST_COPIES)
    return load_images(settings.model_copy(update={"copies": copies}), data=data) if copies > 1 else images


def _own(path: Path, shape: tuple[int, int, int]) -> Tensor:
    """(n, channels, height, width), float32."""
    array = _images(path) if path.is_dir() else read_array(path)
    expected = f"(n, {', '.join(map(str, shape))})"
    if array.ndim == 3 and shape[0] == 1:
        array = array[:, None]
    if array.dtype.kind not in "buif":
        raise ArrayError(f"{path}: holds {array.dtype}, and real images were expected. Of complex ones, take abs().")
    if array.ndim != 4 or array.shape[1:] != shape:
        raise ArrayError(
            f"{path}: holds images of shape {describe(array.shape)}, but the generators make {expected}. Pad them "
            "with zeros or average them down."
        )
    x = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
    if not len(x):
        raise ArrayError(f"{path}: holds no image.")
    low, high = float(x.min()), float(x.max())
    if not (low >= 0 and high <= 1):  # a NaN too
        raise ArrayError(
            f"{path}: holds values from {low:g} to {high:g}, and images in [0, 1] were expected. Divide by the "
            "largest value that an image can have, such as 255."
        )
    return x


def _images(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return the grey images of a folder, by name: (n, height, width)."""
    from PIL import Image, UnidentifiedImageError

    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGES)
    if not files:
        raise ArrayError(f"{folder}: holds none of {', '.join(_IMAGES)}. Give a folder of images, or a .npy file.")
    found = []
    for path in files:
        try:
            with Image.open(path) as image:
                deep = image.mode.startswith("I")  # 16 bits
                grey = np.asarray(image if deep else image.convert("L"), dtype=np.float32)
        except (OSError, UnidentifiedImageError) as error:
            raise ArrayError(f"{path}: cannot be read as an image. Write or copy it again.") from error
        found.append(grey / (65535 if deep else 255))
        if grey.shape != found[0].shape:
            raise ArrayError(
                f"{path}: is {describe(grey.shape)}, and {files[0].name} is {describe(found[0].shape)}; the images "
                "of a study are of one size."
            )
    return np.stack(found)


_BUNDLE = "bundle"  # a run's folder of that name says nothing: its parent does


def study_bundles(
    bundles: Sequence[Path],
    images: str,
    *,
    out: Path,
    number: int = NUMBER,
    compared: int = COMPARED,
    search: Search = SEARCH,
    seed: int = 0,
    data: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Study]:
    """Study each bundle's generator on the same images and write the report into `out`.

    Args:
        bundles: of generators of one size.
        images: "digits", "shapes", "brain", or the path of one's own.
        out: the folder of `report.html` and `study.json`.
        number, compared, search, seed: as in `study`.
        data: the folder of public images; None: `$UNSEEN_DATA`.
        progress: called with the current step.

    Returns:
        by name, in the order given.

    Raises:
        RecipeError, ArrayError, BundleError: a sentence, each.
    """
    if number < 1:
        raise RecipeError(f"number: seen {number}; at least one test image is looked for")
    if out.exists() and not out.is_dir():
        raise RecipeError(f"{out}: is a file, and the report needs a folder")
    names = names_of(bundles)
    generators = {name: load(path) for name, path in zip(names, bundles, strict=True)}
    dealt = images_for(generators, images, seed=seed, data=data)
    found: dict[str, Study] = {}
    say = progress or (lambda words: None)
    for name, G in generators.items():
        found[name] = study(
            G,
            dealt,
            number=number,
            compared=compared,
            search=search,
            seed=seed,
            progress=_named(name, say),
        )
    shown = len(dealt.testing)
    facts = {
        "pictures": f"{images}: {dealt.split}",
        "test images": f"{min(number, shown)} looked for in the range, {min(compared, shown)} compared as "
        f"distributions, of {shown}" + _subjects(dealt.units),
        "search": f"{search.restarts} starts, {search.iterations} iterations at most",
        "seed": str(seed),
        "seconds": ", ".join(f"{name} {one.seconds:.0f}" for name, one in found.items()),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    write_study(out, found, facts=facts)
    return found


def names_of(bundles: Sequence[Path]) -> list[str]:
    """Return a name for each bundle: its folder's, or its run's, with as many folders above as tell them apart.

    Raises:
        RecipeError: one is given twice, or none.

    >>> names_of([Path("runs/mnist-vae-0-1fa2/bundle"), Path("models/ae")])
    ['mnist-vae-0-1fa2', 'ae']
    >>> names_of([Path("a/model"), Path("b/model")])
    ['a/model', 'b/model']
    """
    paths = [path.absolute() for path in bundles]
    if not paths or len({path.resolve() for path in paths}) < len(paths):
        raise RecipeError("a study is of one bundle or more, each given once")
    parts = [path.parent.parts if path.name == _BUNDLE and path.parent.name else path.parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        names = ["/".join(one[-length:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]  # a run and its bundle folder


def _named(name: str, say: Callable[[str], None]) -> Callable[[str], None]:
    return lambda words: say(f"{name}: {words}")


def _subjects(units: Sequence[int]) -> str:
    return f"; they show {len(set(units))} subjects" if len(set(units)) < len(units) else ""
