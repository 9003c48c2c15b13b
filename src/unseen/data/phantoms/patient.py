"""One patient on the film's grid: all path lengths summed to ∫μ dl, with the maps that lesions need."""

from dataclasses import dataclass

import numpy as np

from unseen.data.phantoms.attenuation import FAT, SOFT, from_hounsfield
from unseen.data.phantoms.body_outline import body_path
from unseen.data.phantoms.bones import add_ribs, add_shoulders, add_spine
from unseen.data.phantoms.branching_tubes import draw_tree, pulmonary_vessels
from unseen.data.phantoms.build import Build, draw_build
from unseen.data.phantoms.geometry import Grid, Map, Mask, add_rod, ellipsoid
from unseen.data.phantoms.lungs import Lungs, grow_lungs


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Patient:
    """A healthy chest. Maps are (size, size)."""

    build: Build
    grid: Grid
    lungs: Lungs
    attenuation: Map
    """∫μ dl along the beam, without unit."""
    vessels: Map
    """The share of `attenuation` that the pulmonary vessels add."""
    body: Mask
    """True inside the skin."""
    lung_mu: float
    """1/cm of aerated lung."""


def draw_patient(rng: np.random.Generator, *, size: int) -> Patient:
    """Draw a patient and a position before the detector; sizes in pixels, `size` a side."""
    build = draw_build(rng)
    field = 2.0 * (build.lung_width + 1.2) * float(rng.uniform(1.14, 1.4)) + 0.5 * build.fat
    grid = Grid.of(
        size,
        field_cm=field,
        top_cm=-float(rng.uniform(0.06, 0.16)) * field,
        offset_cm=float(rng.normal(0.0, 0.7)),
        lean=float(rng.normal(0.0, 0.015)),
        bend_cm=float(rng.normal(0.0, 0.15)),
    )
    lungs = grow_lungs(build, grid)
    body = body_path(build, grid)
    lung_mu = from_hounsfield(build.lung_hounsfield)
    fat = np.minimum(body, np.float32(1.6 * build.fat))
    attenuation = np.asarray(SOFT * body - (SOFT - FAT) * fat, np.float32)
    attenuation -= np.float32(SOFT - lung_mu) * np.minimum(lungs.path, 0.94 * body)
    attenuation -= np.float32(SOFT) * gas(build, grid, rng)
    bones = np.zeros_like(attenuation)
    add_ribs(bones, build, grid, rng)
    add_spine(bones, build, grid, rng)
    add_shoulders(bones, build, grid, rng)
    attenuation += bones
    tree = draw_tree(pulmonary_vessels(build, rng), grid)
    room = np.clip(lungs.path * np.float32(0.2) * lungs.path / (lungs.cavity + 1.0), 0.0, 1.0)
    vessels = np.float32(SOFT - lung_mu) * 1.6 * np.minimum(tree, 2.2) * room
    attenuation += vessels
    np.maximum(attenuation, 0.0, out=attenuation)
    return Patient(
        build=build, grid=grid, lungs=lungs, attenuation=attenuation, vessels=vessels, body=body > 0.0, lung_mu=lung_mu
    )


def gas(build: Build, grid: Grid, rng: np.random.Generator) -> Map:
    """Return the path length (cm) through air outside the lungs: windpipe, main bronchi, stomach and bowel."""
    s = build.scale
    out = np.zeros((grid.size, grid.size), np.float32)
    carina = (0.35 * s + 0.2 * build.rotation, 0.36 * build.lung_height)
    add_rod(out, grid, (0.0, -12.0), carina, radius=0.88 * s)
    main = np.zeros_like(out)
    add_rod(main, grid, carina, (carina[0] - 2.6 * s, carina[1] + 2.9 * s), radius=0.68 * s, end_radius=0.5 * s)
    add_rod(main, grid, carina, (carina[0] + 3.6 * s, carina[1] + 2.5 * s), radius=0.58 * s, end_radius=0.42 * s)
    np.maximum(out, main, out=out)
    left_dome = build.lung_height - build.dome + build.dome_gap
    if build.stomach_gas > 0.0:
        r = build.stomach_gas
        x = 0.5 * build.lung_width + float(rng.normal(0.0, 1.0))
        bubble = ellipsoid(
            grid, x=x, y=left_dome + 0.7 + 0.75 * r, width=1.3 * r, height=0.8 * r, depth=1.3 * r, angle=0.15
        )
        level = left_dome + 0.7 + (0.75 + float(rng.uniform(-0.1, 0.6))) * r
        out += bubble * (grid.y < level)
    for _ in range(build.bowel_gas):
        r = float(rng.uniform(0.7, 1.6))
        side = 1.0 if rng.random() < 0.75 else -0.9
        x = side * float(rng.uniform(0.25, 0.85)) * build.lung_width
        y = left_dome + float(rng.uniform(3.5, 9.0))
        out += ellipsoid(grid, x=x, y=y, width=1.2 * r, height=r, depth=0.9 * r, angle=float(rng.uniform(-0.6, 0.6)))
    return out
