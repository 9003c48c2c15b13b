"""Sets in which a patient has several films, and a sentence on the intervals of rows that drew single films of them."""

from __future__ import annotations

from studies.pages.cells import Entry

FILMS_AND_PATIENTS = {"nih_cxr8": (400, 285), "zhanglab": (5216, 2846)}
"""Numbers of films and of patients in the manifests."""
DRAWN, BY_PATIENT = "drawn", "patients"
"""Field of a row whose bootstrap draws the films of a patient as one, and its value."""


def too_narrow(name: str, *rows: Entry) -> str:
    """Return the sentence on intervals of rows of this set that draw single films; "" where all draw patients.

    >>> too_narrow("nih_cxr8", {}).partition(";")[0]
    'The bootstrap draws single films'
    >>> too_narrow("nih_cxr8", {"drawn": "patients"})
    ''
    """
    if all(row.get(DRAWN) == BY_PATIENT for row in rows):
        return ""
    films, patients = FILMS_AND_PATIENTS[name]
    return (
        f"The bootstrap draws single films; the {films:,} films of the set are of {patients:,} patients, so its "
        "intervals are somewhat too narrow."
    )
