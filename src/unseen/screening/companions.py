"""Companion images of a study: made from another film of it, they decide nothing about it.

Law: leaving out companions never leaves a study without a deciding film, and a film that may be an exposure of its own
always decides.
"""

from collections.abc import Collection, Sequence

from unseen.data.decoder_protocol import Origin

PROCESSED = (
    "its content was changed after the exposure, such as by bone suppression, so it is not cleared by itself. Send the "
    "film that it was made from"
)
"""Reason why a processed image without another film in its study is read."""


def deciding(frontal: Sequence[tuple[Origin, Collection[str]]]) -> list[bool]:
    """Return which frontal images of one study decide about it.

    Args:
        frontal: for each image its origin, and the UIDs by which it is related to others: its own, its exposure's, its
            sources'.

    Returns:
        For each image whether it decides. A processed or secondary image does not where the study has another frontal
        film. A derived one does not where the study has the original film of the same exposure.

    Example:
        >>> deciding([("original", ["1.1"]), ("processed", ["1.2"])]), deciding([("processed", ["1.2"])])
        ([True, False], [True])
        >>> deciding([("original", ["1.1"]), ("derived", ["1.2", "1.1"]), ("derived", ["1.3"])])
        [True, False, True]
    """
    origins = [origin for origin, _ in frontal]
    if origins.count("original") == len(origins):
        return [True] * len(origins)
    ordinary = any(origin in ("original", "derived") for origin in origins)
    originals = {uid for origin, related in frontal if origin == "original" for uid in related}

    def decides(origin: Origin, related: Collection[str]) -> bool:
        match origin:
            case "original":
                return True
            case "derived":
                return originals.isdisjoint(related)
            case "secondary":
                return not ordinary
            case "processed":
                return not ordinary and "secondary" not in origins

    return [decides(origin, related) for origin, related in frontal]
