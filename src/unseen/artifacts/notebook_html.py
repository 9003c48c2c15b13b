"""HTML of objects in notebooks: a card with images and facts."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from unseen.artifacts.research_only import LIMITS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def data_uri(image: NDArray[np.uint8]) -> str:
    """Encode an image as PNG in a data URI.

    Args:
        image: grey image of shape (height, width), or RGB image of shape (height, width, 3), 0 to 255.

    Returns:
        The text `data:image/png;base64,…`, for the attribute `src` of an HTML image.

    Example:
        >>> import numpy as np
        >>> data_uri(np.zeros((8, 8), np.uint8))[:22]
        'data:image/png;base64,'
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def html_card(title: str, facts: Mapping[str, object], images: Sequence[tuple[str, NDArray[np.uint8]]] = ()) -> str:
    """Write an object as HTML: a title, images side by side, a table of facts, the research-only sentence.

    Args:
        title: the object in a few words.
        facts: names and values; a value of None is left out.
        images: captions and images, as for `data_uri`.

    Returns:
        HTML for `_repr_html_`; all text is escaped.

    Example:
        >>> print(html_card("<pca>", {"score": 0.5}))
        <div><b>&lt;pca&gt;</b><table><tr><th>score</th><td>0.5</td></tr></table><small>...</small></div>
    """
    figures = "".join(
        '<figure style="display:inline-block;margin:0 8px 0 0">'
        f'<img src="{data_uri(image)}" alt="{html.escape(caption)}" style="height:200px">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, image in images
    )
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in facts.items()
        if value is not None
    )
    return f"<div><b>{html.escape(title)}</b>{figures}<table>{rows}</table><small>{LIMITS}</small></div>"
