"""First screen of `reliability.md`: how often each promise was tried, and what was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studies.evidence.charts import BLUE, ChartRow, Mark, bars
from studies.evidence.screen import Answer, Screen, rendered

Figures = Mapping[str, Any]  # Any: JSON


def reliability_screen(soak: Mapping[str, Figures]) -> Screen:
    """Return the first screen of the long runs, from the entries of `soak.json`."""
    kills, hostile, films = soak["kills"], soak["hostile"], soak["films"]
    tried: list[tuple[str, str, int, str]] = [
        ("a film scored in a long run", "films", films["films"],
         f"memory at most {_megabytes(films['peak_bytes'])}, of 200 films {_megabytes(films['peak_bytes_200'])}"),
        ("a broken file read", "files", hostile["files"],
         f"each gave its row; memory at most {_megabytes(hostile['peak_bytes'])}"),
        ("a training killed", "kills", kills["kills"], "the same weights, bit for bit"),
    ]  # fmt: skip
    serving = soak.get("serving")
    if serving is not None:
        said = f"{serving['lost']} of {serving['acknowledgements']:,} acknowledged films lost"
        tried.append(("server or worker killed", "kills", serving["kills"], said))
    for name, words in (("postgresql", "PostgreSQL"), ("sqlite", "SQLite")):
        if f"pacs-kills-{name}" in soak:
            one = soak[f"pacs-kills-{name}"]
            said = f"0 of {one['acknowledged']:,} acknowledged films lost"
            tried.append((f"DICOM node killed, {words}", "kills", one["kills"], said))
    ordered = sorted(tried, key=lambda one: -one[2])
    all_kills = sum(number for _, unit, number, _ in tried if unit == "kills")
    lost = 0 if serving is None else int(serving["lost"])
    return Screen(
        page="reliability",
        figure=bars(
            "Trials of each promise",
            [ChartRow(name, (Mark(number, colour=BLUE),)) for name, _, number, _ in ordered],
            axis="trials in the last long run (logarithmic)",
            logarithmic=True,
        ),
        alt="Bars of the number of trials: " + ", ".join(f"{name} {number:,}" for name, _, number, _ in ordered) + ".",
        sentences=[
            f"After {all_kills:,} kills at random moments, {lost} acknowledged films were lost, and a resumed training "
            "ended in the same weights.",
            f"Each of {hostile['files']:,} broken files gave its own row: {hostile['read']:,} could be read, the "
            "others have a reason.",
            f"Scoring {films['films']:,} films took {_megabytes(films['peak_bytes'])} at most, and 200 films "
            f"{_megabytes(films['peak_bytes_200'])}.",
        ],
        head=["what was tried", "trials", "result"],
        lines=[[name, f"{number:,} {unit}", said] for name, unit, number, said in ordered],
        notes=[rendered("make nightly", "studies/results/soak.json")],
        answer=Answer(
            "What happens when a process is killed or a file is broken?",
            f"{lost} acknowledged films lost in {all_kills:,} kills; {hostile['files']:,} broken files, each with "
            f"its row",
            "make nightly",
            max(str(entry["date"]) for entry in soak.values()),
        ),
    )


def _megabytes(number: float) -> str:
    return f"{number / 1e6:,.0f} MB"
