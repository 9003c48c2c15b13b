"""The lesions of phantoms: consolidation, effusion, nodule, pneumothorax.

What every lesion is: a change of ∫μ dl on the film's grid, with its size.

Consolidation: airspaces filled, patchy or bounded by a fissure, with air bronchograms.

Pleural effusion: fluid at the bottom of one pleural space, its surface a meniscus that climbs the chest wall.

Nodule: a round, slightly lobulated ball in the lung, solid or part-solid.

Pneumothorax: the lung shrinks from the chest wall; a thin pleural line, and beyond it air without vessels.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unseen.data.phantoms import lesion_ranges as ranges
from unseen.data.phantoms.body import SOFT, from_hounsfield
from unseen.data.phantoms.geometry import Grid, Map, ellipsoid, half_chord
from unseen.data.phantoms.lungs import cavity_profile, draw_tree, grow_tree, hilum
from unseen.data.phantoms.patient import Patient


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lesion:
    """One lesion in one patient."""

    kind: ranges.Kind
    contrast: ranges.Contrast
    change: Map
    """Added to ∫μ dl, (size, size); negative where tissue gave way to air. Zero outside the thoracic cavity."""
    size: float
    """In the unit of the kind's range: mm of diameter or rim, ml of fluid."""
    size_mm: float
    """The same in mm for every kind (an effusion: the diameter of a sphere of its volume)."""


def draw_spot(patient: Patient, rng: np.random.Generator, *, margin: float, depth: float) -> tuple[float, float]:
    """A point (x, y in cm) of the lung fields with `depth` cm of lung, `margin` cm from their edge where possible.

    Drawn in centimetres, so that a film of another size has its lesion in the same place.
    """
    lungs, grid = patient.lungs, patient.grid
    best, most = (-0.5 * patient.build.lung_width, 0.5 * patient.build.lung_height), -1.0
    for _ in range(200):
        x = float(rng.uniform(-1.0, 1.0)) * patient.build.lung_width
        y = float(rng.uniform(0.02, 1.0)) * patient.build.lung_height
        around = [(x, y), (x - margin, y), (x + margin, y), (x, y - margin), (x, y + margin)]
        points = np.array(around, np.float32)
        row, column = grid.pixel_of(points[:, 0], points[:, 1])
        r, c = np.rint(row).astype(np.int64), np.rint(column).astype(np.int64)
        on = (r >= 0) & (r < grid.size) & (c >= 0) & (c < grid.size)
        r, c = np.clip(r, 0, grid.size - 1), np.clip(c, 0, grid.size - 1)
        held = on & lungs.field[r, c]
        if not held[0]:
            continue
        worth = float(held.sum()) + min(1.0, float(lungs.path[r[0], c[0]]) / depth)
        if worth >= 6.0:
            return x, y
        if worth > most:
            best, most = (x, y), worth
    return best


def consolidation(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw a consolidation with the volume of a sphere of the drawn diameter; less where the lung is too small.

    Overlapping blobs, mottled, replace lung by filled airspaces; vessels inside drown in it (they are as dense as
    what surrounds them) and bronchi stay open. Half of them end at a fissure with a straight edge.
    """
    diameter = ranges.CONSOLIDATION_MM.at_log(float(rng.random()))
    filled = from_hounsfield(ranges.CONSOLIDATION_HU.at(float(rng.random())))
    grid, radius = patient.grid, 0.05 * diameter
    x, y = draw_spot(patient, rng, margin=min(0.5 * radius, 2.5), depth=radius)
    side = 1.0 if x > 0.0 else -1.0

    thick = np.zeros_like(patient.attenuation)
    count = int(rng.integers(5, 9))
    for k in range(count):
        away = radius * float(rng.uniform(0.2, 0.75)) * (k > 0)
        turn = float(rng.uniform(0.0, 2.0 * math.pi))
        size = radius * float(rng.uniform(0.5, 0.8)) * (1.15 if k == 0 else 0.85)
        blob = ellipsoid(
            grid,
            x=x + away * math.cos(turn),
            y=y + away * math.sin(turn),
            width=size * float(rng.uniform(0.9, 1.4)),
            height=size,
            depth=0.8 * size,
            angle=float(rng.uniform(-0.8, 0.8)),
        )
        # A ball's edge is sharp, that of airspace disease is not: the square fades.
        thick = np.maximum(thick, blob * blob / np.float32(1.6 * size))
    if rng.random() < 0.5:
        edge = y + float(rng.uniform(0.25, 0.6)) * radius * (1.0 if rng.random() < 0.5 else -1.0)
        tilt = float(rng.normal(0.0, 0.08))
        beyond = grid.y - np.float32(edge) - np.float32(tilt) * (grid.x - np.float32(x))
        thick *= 1.0 - half_chord(beyond * np.float32(math.copysign(4.0, edge - y)))
    thick *= mottle(grid, rng)
    own = (grid.x * np.float32(side) > 0.0) * patient.lungs.path
    target = 4.0 / 3.0 * math.pi * radius**3
    share = thick / np.float32(max(float(thick.max()), 1e-6))
    # Thicken until the volume is right, never beyond the lung that there is.
    for _ in range(6):
        held = np.minimum(thick, 0.9 * own * np.minimum(3.0 * share, 1.0))
        volume = float(held.sum()) * grid.pixel_cm**2
        if volume > 0.97 * target:
            break
        thick = thick * np.float32(min(1.6, target / max(volume, 1e-6)))
    thick = held * np.float32(min(1.0, target / max(volume, 1e-6)))

    inside = np.clip(thick / np.float32(max(0.5 * radius, 0.3)), 0.0, 1.0)
    change = np.float32(filled - patient.lung_mu) * thick
    change -= np.float32(0.85) * inside * patient.vessels
    change -= np.float32(filled) * np.minimum(bronchi(patient, rng, side=side, x=x, y=y), 0.5) * inside
    return Lesion(
        kind="consolidation",
        contrast=ranges.contrast_of("consolidation", diameter),
        change=change,
        size=diameter,
        size_mm=diameter,
    )


def mottle(grid: Grid, rng: np.random.Generator) -> Map:
    """Uneven filling: a random factor about 1, smooth over 1.1 and 2.8 cm, (size, size)."""
    out = np.ones((grid.size, grid.size), np.float32)
    for step, amount in ((1.1, 0.16), (2.8, 0.25)):
        points = rng.normal(0.0, 1.0, (int(60 / step), int(60 / step))).astype(np.float32)
        rows = between(grid.y[:, 0] + np.float32(8.0), step, points.shape[0])
        columns = between((np.linspace(-0.5, 0.5, grid.size) * grid.field_cm + 28.0), step, points.shape[1])
        out += np.float32(amount) * (rows @ points @ columns.T)
    return np.asarray(np.clip(out, 0.15, 2.0), np.float32)


def between(at: NDArray[np.float64] | Map, step: float, count: int) -> Map:
    """Weights (positions, count) that carry values on a lattice of `step` cm to the positions `at` (cm), smoothly."""
    place = np.clip(np.asarray(at, np.float64) / step, 0.0, count - 1.001)
    first = place.astype(np.int64)
    f = place - first
    f = f * f * (3.0 - 2.0 * f)
    weights = np.zeros((len(place), count), np.float32)
    weights[np.arange(len(place)), first] = 1.0 - f
    weights[np.arange(len(place)), first + 1] = f
    return weights


def bronchi(patient: Patient, rng: np.random.Generator, *, side: float, x: float, y: float) -> Map:
    """Path length (cm) of air in the bronchi that run from the hilum towards (`x`, `y`)."""
    from_x, from_y = hilum(patient.build, side)
    towards = math.atan2(y - from_y, x - from_x)
    roots = np.array([[from_x, from_y, towards + bend, 0.22] for bend in (-0.3, 0.0, 0.3)])
    return draw_tree(grow_tree(rng, roots, generations=5, length=3.0), patient.grid)


def effusion(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw an effusion; its level is found so that the fluid on the film's grid has the drawn volume (bisection)."""
    volume = ranges.EFFUSION_ML.at_log(float(rng.random()))
    fluid = from_hounsfield(ranges.EFFUSION_HU.at(float(rng.random())))
    rise = ranges.EFFUSION_MENISCUS_CM.at(float(rng.random())) * patient.build.scale
    side = -1.0 if rng.random() < 0.55 else 1.0
    grid, lungs = patient.grid, patient.lungs
    # Medially the pleural space ends at the spine: no edge at the midline.
    own = half_chord((grid.x * np.float32(side) - np.float32(0.8)) / np.float32(3.0)) ** 2 * lungs.path
    along = np.minimum(np.abs(grid.x) / lungs.outer, 1.0)
    climb = np.float32(rise) * along**4 + np.float32(0.35 * rise) * (1.0 - along) ** 4
    below = np.asarray(grid.y + climb, np.float32)  # (size, size) cm: level is a threshold of this height

    def share(level: float, height: Map) -> Map:
        f = np.clip((height - np.float32(level)) / np.float32(4.0), 0.0, 1.0)
        return np.asarray(f * (2.0 - f), np.float32)

    every = max(1, grid.size // 128)
    few = (slice(None, None, every), slice(None, None, every))
    own_few, below_few, cell = own[few], below[few], (grid.pixel_cm * every) ** 2
    low, high = 0.0, patient.build.lung_height + 6.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        held = float((share(middle, below_few) * own_few).sum()) * cell
        low, high = (middle, high) if held > volume else (low, middle)
    filled = share(0.5 * (low + high), below) * (own > 0.0)
    change = np.float32(fluid - patient.lung_mu) * own * filled - filled * patient.vessels
    return Lesion(
        kind="effusion",
        contrast=ranges.contrast_of("effusion", volume),
        change=change,
        size=volume,
        size_mm=10.0 * (6.0 * volume / math.pi) ** (1.0 / 3.0),
    )


def nodule(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw a nodule: `∫Δμ dl = Δμ · chord`, averaged over each pixel (a nodule may be smaller than one)."""
    diameter = ranges.NODULE_MM.at_log(float(rng.random()))
    solid = from_hounsfield(ranges.NODULE_SOLID_HU.at(float(rng.random()))) - patient.lung_mu
    rim = from_hounsfield(ranges.NODULE_GROUND_GLASS_HU.at(float(rng.random()))) - patient.lung_mu
    core = ranges.NODULE_CORE.at(float(rng.random()))
    part_solid = float(rng.random()) < ranges.NODULE_PART_SOLID_SHARE
    wobble = rng.uniform(0.0, 0.10, 3) * np.array([1.0, 0.8, 0.5])
    phases = rng.uniform(0.0, 2.0 * math.pi, 3)
    radius = 0.05 * diameter
    x, y = draw_spot(patient, rng, margin=0.5 + radius, depth=2.0 * radius)

    grid = patient.grid
    reach = 1.3 * radius + grid.pixel_cm
    rows, columns = grid.rows(y - reach, y + reach), grid.columns(x - reach, x + reach)
    fine = max(3, math.ceil(grid.pixel_cm / 0.06))
    steps = ((np.arange(fine) + 0.5) / fine - 0.5) * grid.pixel_cm
    dx = (grid.x[rows, columns] - x)[..., None, None] + steps[None, None, None, :]
    dy = np.broadcast_to((grid.y[rows] - y), dx.shape[:2])[..., None, None] + steps[None, None, :, None]
    turn = np.arctan2(dy, dx)
    shape = 1.0 + sum(w * np.cos((k + 2) * turn + p) for k, (w, p) in enumerate(zip(wobble, phases, strict=True)))
    away2 = (dx * dx + dy * dy) / (shape * shape)

    def chord(r: float) -> Map:
        return np.asarray((2.0 * np.sqrt(np.maximum(r * r - away2, 0.0))).mean(axis=(2, 3)), np.float32)

    depth = patient.lungs.path[rows, columns]
    whole = np.minimum(chord(radius), depth)
    change = np.zeros_like(patient.attenuation)
    if part_solid:
        inner = np.minimum(chord(core * radius), depth)
        change[rows, columns] = np.float32(rim) * (whole - inner) + np.float32(solid) * inner
    else:
        change[rows, columns] = np.float32(solid) * whole
    dense = max(diameter * (core if part_solid else 1.0), ranges.NODULE_MM.low)
    return Lesion(
        kind="nodule", contrast=ranges.contrast_of("nodule", dense), change=change, size=diameter, size_mm=diameter
    )


def pneumothorax(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw a pneumothorax; its size is the rim of air at the level of the hilum, wider above, narrower below.

    The collapsed lung is the cavity drawn in: half width `w − rim(y)`, apex lowered. What was lung outside it is air.
    The lung itself stays as dense as it was: its blood flow falls with its volume, so that a partly collapsed lung is
    not visibly denser. The pleura is seen where the beam grazes it, over
    `√(8 r t)` of tissue for radius r and thickness t.
    """
    millimetres = ranges.PNEUMOTHORAX_MM.at_log(float(rng.random()))
    rim = 0.1 * millimetres
    side = -1.0 if rng.random() < 0.55 else 1.0
    apex = rim * float(rng.uniform(1.0, 1.6))
    fade = float(rng.uniform(0.6, 1.1))
    grid, lungs, build = patient.grid, patient.lungs, patient.build
    t = grid.y / np.float32(build.lung_height)
    margin = np.float32(rim) * np.clip(1.0 + fade * (0.45 - t), 0.12, 1.6)  # (size, 1): rim at the hilum's height
    drawn_width, drawn_depth = cavity_profile(build, grid.y - np.float32(apex) * np.clip(1.0 - 2.2 * t, 0.0, 1.0))
    width = np.minimum(np.maximum(drawn_width - margin, 0.5), lungs.outer)
    across = (grid.x / width) ** 2
    left = np.minimum(2.0 * drawn_depth * np.sqrt(np.maximum(1.0 - across * np.sqrt(across), 0.0)), lungs.cavity)
    kept = left / np.maximum(lungs.cavity, np.float32(1e-3))
    own = half_chord((grid.x * np.float32(side) - np.float32(0.5)) / np.float32(2.0))
    air = own * lungs.path * (1.0 - kept)
    change = np.float32(-patient.lung_mu) * air
    # Vessels go with the lung they lie in: none beyond the line.
    change -= own * patient.vessels * (across >= 1.0)

    slope = np.gradient(width[:, 0], grid.pixel_cm)[:, None]
    away = (np.abs(grid.x) - width) / np.sqrt(1.0 + slope * slope)
    spread = max(0.05, 0.45 * grid.pixel_cm)
    area = (
        SOFT * math.sqrt(8.0 * build.lung_depth * ranges.PLEURA_CM) * ranges.PLEURA_CM
    )  # cm: attenuation across the line
    line = np.exp(-0.5 * (away / np.float32(spread)) ** 2) * np.float32(area / (spread * math.sqrt(2.0 * math.pi)))
    reach = np.clip(lungs.path / 1.5, 0.0, 1.0) * np.clip(margin / 0.25, 0.0, 1.0) * (left > 0.0)
    change += own * line * np.maximum(reach, own * np.clip(lungs.path / 1.5, 0.0, 1.0) * (grid.y > apex))
    return Lesion(
        kind="pneumothorax",
        contrast=ranges.contrast_of("pneumothorax", millimetres),
        change=change.astype(np.float32),
        size=millimetres,
        size_mm=millimetres,
    )
