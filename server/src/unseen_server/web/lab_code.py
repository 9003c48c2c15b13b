"""Python code that repeats a figure of the imaging lab."""

from __future__ import annotations

from typing import Final

from unseen.artifacts import LIMITS
from unseen_server.web.lab_requests import GeneratedPicture, MadePicture, ToCode
from unseen_server.worklist.states import WorklistError

_LAB_HEAD: Final = f"""# {LIMITS}
# Needs the package unseen.
"""
_COLLECTION: Final = """from pathlib import Path

import unseen as un

collection = un.lab.Collection.of(Path("trained"))  # the folder that the server's --lab names
"""
_NONE: Final = """import unseen as un

collection = un.lab.Collection()
"""
_MEASUREMENT: Final = """
made = un.lab.measured(x, setup, collection)
look, words = un.lab.look_of(made.y, made.process.A)  # the image of y, in [0, 1]
print(f"y: {words}, of {made.x.numel():,} pixels.")
"""
_RECONSTRUCTIONS: Final = """
for found in un.lab.compare(x, setup, METHODS, collection=collection):
    print(f"{found.method.key}: PSNR {found.psnr:.6g} dB, SSIM {found.ssim:.6g}, "
          f"misfit {found.misfit:.6g}, hidden {found.hidden:.6g} {found.problem}".rstrip())
"""


def lab_code_of(asked: ToCode) -> str:
    """Return the code of a figure: of the measurement, of the reconstructions by `asked.methods`, or of a generator's
    image.

    Raises WorklistError for an image that somebody brought: the code could not have it.
    """
    picture, setup = asked.picture, asked.setup.model_dump(mode="json")
    needs_models = isinstance(picture, GeneratedPicture) or setup["operator"]["kind"] == "learnt"
    needs_models = needs_models or any(":" in method for method in asked.methods)
    lines = [_LAB_HEAD + (_COLLECTION if needs_models else _NONE)]
    if isinstance(picture, MadePicture):
        lines.append(f'_, draw = un.lab.IMAGES["{picture.name}"]\nx = draw({asked.setup.size}, {picture.number})\n')
    elif isinstance(picture, GeneratedPicture):
        latent = f"collection.generator({picture.generator!r}), {picture.latent!r}"
        lines.append(f"drawn = un.lab.picture_of({latent})  # (1, 1, size, size)\n")
        if asked.figure == "generated":
            return "".join([*lines, "print(tuple(drawn.shape), float(drawn.mean()))\n"])
        lines.append(f"x = un.lab.as_image(drawn[0, 0].numpy(), {asked.setup.size})\n")
    else:
        raise WorklistError(
            "Your own image is in the server's memory alone, so no code can measure it again. Choose another image x."
        )
    lines.append(f"setup = un.lab.Setup.model_validate({setup!r})\n")
    if asked.figure == "reconstructions":
        lines.append(f"METHODS = {asked.methods!r}\n" + _RECONSTRUCTIONS)
    else:
        lines.append(_MEASUREMENT)
    return "".join(lines)
