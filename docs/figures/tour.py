"""The README's moving image: a phantom film with its map in the viewer, the worklist, the comparison of models.

python docs/figures/tour.py          writes docs/images/tour.gif from docs/images/pages (`make screenshots`)
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parents[1] / "images"
FRAMES = (("study", 4000), ("worklist", 2500), ("compare-film", 3000))  # page, milliseconds
WIDTH, COLOURS = 900, 256


def main() -> None:
    frames = []
    for page, _ in FRAMES:
        image = Image.open(IMAGES / "pages" / f"{page}-light.png").convert("RGB")
        height = round(WIDTH * image.height / image.width)
        small = image.resize((WIDTH, height), Image.Resampling.LANCZOS)
        # the colours of the map are rare on the page: the usual choice, by counts of pixels, leaves them out
        frames.append(small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE))
    times = [milliseconds for _, milliseconds in FRAMES]
    frames[0].save(IMAGES / "tour.gif", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)


if __name__ == "__main__":
    main()
