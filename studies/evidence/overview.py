"""`docs/evidence.md`: one figure, five sentences, and a line for each evidence page, from the committed rows alone.

python -m studies.evidence.overview       writes the page and its figure; so does python -m studies --render
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.history import SERIES
from benchmarks.history import read as read_history
from benchmarks.pacs_page import NAMES as RECEIVERS
from studies.evidence.charts import BLUE, GREEN, GREY, ORANGE, Mark, forest
from studies.evidence.charts import Row as Line
from studies.evidence.detection import detectors_screen, results_screen, supervised
from studies.evidence.reconstruction import priors_screen
from studies.evidence.reliability import reliability_screen
from studies.evidence.repeats import TESTED
from studies.evidence.screen import DAGGER, NOT_CONVERGED, Screen, rendered
from studies.evidence.screening import screening_screen
from studies.evidence.speed import bench_screen, history_screen, imaging_speed_screen, list_screen, pacs_screen
from studies.evidence.thesis import thesis_screen
from studies.imaging.page import screen_of as imaging_of
from studies.lung_finder import rows_in
from studies.lung_finder import screen_of as lungs_of
from studies.pages.cells import Entry, shortcut
from studies.pages.screening_page import PRODUCTS
from studies.pages.thesis_page import REPORTED
from studies.priors.page import SHOWN
from studies.rows import read_rows
from unseen.artifacts.files import write_text
from unseen.evaluation.intervals import interval_text as figure

PAGE = "evidence"
