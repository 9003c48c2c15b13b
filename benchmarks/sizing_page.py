"""The tables of the sizing model in docs/scale.md, from its figures alone."""

from __future__ import annotations

from typing import Any

Figures = dict[str, Any]  # Any: JSON


def render(figures: Figures) -> str:
    """Markdown: the inputs, the sites, the archives, and what limits them."""
    inputs, settings, sites = figures["inputs"], figures["settings"], figures["sites"]
    priced = settings["price_per_core_hour"] is not None
    blocks = [
        "### Measured inputs",
        _table(
            ["of one film", "value", "kept in `studies/results/`"],
            [
                ["the DICOM node stores it", f"{1000 * inputs['intake_s']:.1f} ms", "`pacs-speed.json`"],
                ["read, decode and score, processor time", f"{1000 * inputs['score_s']:.1f} ms", "`archive.json`"],
                ["enter a result that comes alone: median (95th percentile)",
                 f"{1000 * inputs['write'][0]:.0f} ms ({1000 * inputs['write'][1]:.0f} ms)", "`result-writes.json`"],
                ["results that several workers enter", f"{inputs['writes_per_s']:.1f} per second",
                 "`result-writes.json`"],
                ["send its report: mean", f"{sum(inputs['delivery_s']) / len(inputs['delivery_s']):.2f} s",
                 "`pacs-speed.json`"],
                ["the film", f"{inputs['film_bytes'] / 1e6:.2f} MB", "`pacs-speed.json`"],
                ["its anomaly map", f"{inputs['map_bytes'] / 1000:.1f} kB", "`stored-bytes.json`"],
                ["small images for pages", f"{inputs['rendition_bytes'] / 1000:.1f} kB", "`stored-bytes.json`"],
                ["rows in PostgreSQL", f"{inputs['row_bytes'] / 1000:.1f} kB", "`stored-bytes.json`"],
                ["its row in an archive's part", f"{inputs['part_bytes']:.0f} bytes", "`stored-bytes.json`"],
            ],
        ),
        "Measured: " + "; ".join(f"`{name}`: {when}" for name, when in figures["sources"].items()) + ".",
        "### A site, film by film",
        f"The peak hour has {100 * settings['peak_share']:g} % of a day's films. *Workers*: the fewest with which 95 "
        f"of 100 films are in the list within {settings['target_s']:g} s. *Cores*: the workers', one for the node and "
        "the sender of results, one for the server and the database. *Wait*: before the node and for a worker. "
        f"{settings['films']:,} films are simulated per row, seed {settings['seed']}.",
        _table(
            ["", "films per year", "in the peak hour", "workers", "cores", "wait, s: median", "95th percentile",
             "in the list after, s: median", "95th percentile", "report sent after, s: 95th percentile"],
            [
                [row["site"], f"{row['films_per_year']:,}", f"{row['films_in_peak_hour']:,.0f}", _workers(row),
                 str(row["cores"]), *(f"{row[name][place]:.2f}" for name in ("wait_s", "listed_s") for place in (0, 1)),
                 f"{row['delivered_s'][1]:.2f}"]
                for row in sites
            ],
        ),
        _table(
            ["", "core-hours per year", *(["cost per year"] if priced else []), "disk, GB per year",
             "of these in the database", "bottleneck", "busy in the peak hour"],
            [
                [row["site"], f"{row['core_hours_per_year']:,.0f}",
                 *([f"{row['cost_per_year']:,.2f}"] if priced else []), f"{row['gigabytes_per_year']:,.0f}",
                 f"{row['rows_gigabytes_per_year']:,.1f}", row["bottleneck"], f"{100 * row['bottleneck_busy']:.1f} %"]
                for row in sites
            ],
        ),
        "*What breaks next.* Films per year at which a part is busy during the whole peak hour, the lowest first: "
        + "; ".join(f"{row['site']}: {_limits(row)}" for row in sites)
        + ".",
        "### An archive, scored once",
        "One worker process per core, and storage that delivers the films as fast as they are scored. If it delivers "
        "less than the column *to read*, reading is the bottleneck, and more cores do not help.",
        _table(
            ["films", "cores", "core-hours", "hours", *(["cost"] if priced else []), "to read, TB", "to read, MB per s",
             "parts, GB", "as a worklist in PostgreSQL, GB"],
            [
                [f"{row['films']:,}", str(row["cores"]), f"{row['core_hours']:,.0f}", f"{row['hours']:,.0f}",
                 *([f"{row['cost']:,.2f}"] if priced else []), f"{row['read_terabytes']:,.0f}",
                 f"{row['read_megabytes_per_s']:,}", f"{row['parts_gigabytes']:,.1f}", f"{row['list_gigabytes']:,.0f}"]
                for row in figures["archives"]
            ],
        ),
    ]  # fmt: skip
    return "\n\n".join(blocks)


def _workers(row: Figures) -> str:
    return f"{row['workers']}" if row["target_met"] else f"{row['workers']} (target not met)"


def _limits(row: Figures) -> str:
    return ", ".join(f"{name} {count / 1e6:,.1f} million" for name, count in row["full_at_films_per_year"].items())


def _table(head: list[str], rows: list[list[str]]) -> str:
    marks = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, marks, *rows])
