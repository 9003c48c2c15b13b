"""Draw the contact sheet of phantom films: `python docs/figures/phantom_contact_sheet.py docs/images/phantoms.png`.

First row: normal films. Then a row for each kind of lesion: a film and its twin without the lesion, twice, the lesion's
outline drawn beside them. Phantoms only: no patient's film is in the image.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.ndimage import binary_erosion

from unseen.data.film import Film
from unseen.data.phantoms.lesion_ranges import KINDS
from unseen.data.phantoms.sequences import normals, twins

TILE = 200
LABEL = 14
GREYS = 72
LUNGS, LESION = GREYS, GREYS + 1
CONTRASTS = ("moderate", "obvious")


def plain(film: Film) -> NDArray[np.uint8]:
    """Return the film as indices of the sheet's palette."""
    return np.rint(film.pixels * (GREYS - 1)).astype(np.uint8)


def outlined(film: Film) -> NDArray[np.uint8]:
    """Return the film with its lungs outlined in cyan and the lesion in orange."""
    image = plain(film)
    for mask, colour in ((film.lungs, LUNGS), (film.lesion, LESION)):
        if mask is not None:
            image[mask & ~binary_erosion(mask)] = colour
    return image


def rows(seed: int) -> list[tuple[str, list[NDArray[np.uint8]]]]:
    """Return rows of six tiles with their captions."""
    found = [("normal", [plain(film) for film in normals(6, seed=seed, size=TILE)])]
    films = list(twins(48, seed=seed, size=TILE))
    pairs = list(zip(films[::2], films[1::2], strict=True))
    for kind in KINDS:
        tiles: list[NDArray[np.uint8]] = []
        for contrast in CONTRASTS:
            without, with_lesion = next(
                pair for pair in pairs if pair[1].columns["kind"] == kind and pair[1].columns["contrast"] == contrast
            )
            tiles += [plain(without), plain(with_lesion), outlined(with_lesion)]
        found.append((f"{kind}: twin without, film, masks ({CONTRASTS[0]}; {CONTRASTS[1]})", tiles))
    return found


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description="Write a contact sheet of phantom films.")
    parser.add_argument("out", type=Path, help="the PNG file to write")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    drawn = rows(arguments.seed)
    sheet = Image.new("P", (6 * TILE, len(drawn) * (TILE + LABEL)))
    greys = [round(level * 255 / (GREYS - 1)) for level in range(GREYS) for _ in range(3)]
    sheet.putpalette([*greys, 0, 200, 220, 255, 140, 0])
    pen = ImageDraw.Draw(sheet)
    for r, (caption, tiles) in enumerate(drawn):
        top = r * (TILE + LABEL)
        pen.text((4, top + 1), caption, fill=GREYS - 8)
        for c, tile in enumerate(tiles):
            sheet.paste(Image.fromarray(tile), (c * TILE, top + LABEL))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(arguments.out, optimize=True)


if __name__ == "__main__":
    main()
