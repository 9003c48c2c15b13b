"""Renditions and thumbnails of a film: made by the worker, deleted with their film."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.worklist.conftest import PCA, dicom_film, on_postgresql, png
from unseen.data.film import Film
from unseen.data.reading import films
from unseen.detectors.finding import Finding
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load
from unseen.screening.screener import Refuses, Screener
from unseen_server.web.images import rendition as image_of
from unseen_server.worklist.backup import back_up
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.renditions import (
    COUNT,
    THUMBNAIL_SIDE,
    Rendition,
    RenditionFolder,
    keep_generated,
    npz,
    read_generated,
    thumbnail,
)
from unseen_server.worklist.states import NoRoomError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.stored_files import ContentFolder


@pytest.fixture
def worker(store: Store, screener: Screener, second: Pca) -> Worker:
    return Worker(store, lambda: screener, further=lambda: [second], name="worker 1")


def kept(store: Store) -> list[Path]:
    return sorted(path for path in store.site.renditions.path.rglob("*") if path.is_file())


def test_a_rendition_is_what_the_model_saw_and_made(store: Store, worker: Worker, second: Pca, tmp_path: Path) -> None:
    receipt = store.films.receive(dicom_film(7), name="a")
    assert worker.drain() == 1
    (tmp_path / "film.dcm").write_bytes(dicom_film(7))
    for detector in (load(PCA), second):
        (alone,) = detector.score(films(tmp_path / "film.dcm"))
        assert isinstance(alone, Finding)
        shown = store.findings.rendition(receipt.film_id, detector.weights_sha256)
        size = detector.view.size
        assert shown.image.dtype == shown.reconstruction.dtype == np.float32 and shown.image.shape == (size, size)
        np.testing.assert_allclose(shown.image, alone.viewed.image[0].numpy(), atol=5e-4)  # float16 near 1
        np.testing.assert_allclose(shown.reconstruction, alone.reconstruction, atol=5e-4)
        np.testing.assert_array_equal(shown.inside, alone.viewed.inside[0].numpy())
        assert (shown.lungs is None) == (detector is second)


def test_a_model_that_gives_no_image_back_has_none_kept() -> None:
    grid = np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)
    rendition = Rendition(image=grid, reconstruction=None, lungs=None, inside=grid > 0)
    again = Rendition.from_bytes(rendition.to_bytes())
    assert again.reconstruction is None and again.lungs is None
    np.testing.assert_allclose(again.image, grid, atol=5e-4)
    for what in ("image", "inside"):
        assert image_of(again, what)[0].startswith(b"\x89PNG")  # type: ignore[arg-type]
    for what in ("reconstruction", "residual"):
        with pytest.raises(NotFoundError, match="gives no image back"):
            image_of(again, what)  # type: ignore[arg-type]


def test_a_thumbnail_is_small_and_grey_and_there_for_what_was_read(store: Store, worker: Worker) -> None:
    good = store.films.receive(dicom_film(1), name="a")
    with pytest.raises(NotFoundError, match="no worker has read it yet"):
        store.films.thumbnail(good.film_id)
    lateral = store.films.receive(dicom_film(2, ViewPosition="LL"), name="b")
    bad = store.films.receive(b"<html>", name="c")
    assert worker.drain() == 3
    for receipt in (good, lateral):
        shown = Image.open(io.BytesIO(store.films.thumbnail(receipt.film_id)))
        assert (shown.format, shown.mode, shown.size) == ("PNG", "L", (48, 48))
    with pytest.raises(NotFoundError, match="cannot be read"):
        store.films.thumbnail(bad.film_id)
    with pytest.raises(NotFoundError, match="no film 'f-none'"):
        store.films.thumbnail("f-none")


def test_a_large_film_is_made_small_and_keeps_its_shape() -> None:
    pixels = np.tile(np.linspace(0.2, 0.6, 500, dtype=np.float32), (1000, 1))
    shown = np.asarray(Image.open(io.BytesIO(thumbnail(pixels))))
    assert shown.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2)
    assert abs(shown[0, 0] - 0.2 * 255) <= 2 and abs(shown[0, -1] - 0.6 * 255) <= 2, "the film's grey values"
    assert (np.diff(shown[0].astype(int)) >= 0).all()
    assert thumbnail(np.full((3, 2), 0.5, np.float32)), "an image without any contrast is one too"


class Closed:
    """A gate that lets nothing through."""

    @property
    def thresholds(self) -> dict[str, float]:
        return {}

    def judge(self, film: Film, lungs: object) -> Refuses | None:
        class No:
            reason = "it is closed"

        return No()


def test_a_film_that_the_gate_refuses_is_shown_and_compared(store: Store, second: Pca) -> None:
    screener = Screener(load(PCA), gate=Closed())
    receipt = store.films.receive(png(1), name="a")
    Worker(store, lambda: screener, further=lambda: [second]).drain()
    assert store.films.thumbnail(receipt.film_id)
    assert store.findings.rendition(receipt.film_id, second.weights_sha256).image.shape == (32, 32)
    with pytest.raises(NotFoundError, match="it did not score the film"):
        store.findings.rendition(receipt.film_id, screener.detector.weights_sha256)
    with pytest.raises(NotFoundError, match="no model's SHA-256"):
        store.findings.rendition(receipt.film_id, "../../site.key")


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"PK\3\4 cut off",
        npz({"image": np.zeros((4, 4), np.float16)}),
        npz({"image": np.zeros(4, np.float16), "reconstruction": np.zeros(4), "inside": np.ones(4, bool)}),
        npz({"image": np.zeros((4, 4)), "reconstruction": np.zeros((4, 4)), "inside": np.ones((3, 4), bool)}),
        npz({"image": np.zeros((4, 4)), "reconstruction": np.zeros((4, 4)), "inside": np.ones((4, 4))}),
    ],
    ids=["empty", "cut", "parts-missing", "no-picture", "another-size", "no-mask"],
)
def test_a_damaged_rendition_is_a_sentence(store: Store, worker: Worker, screener: Screener, spoilt: bytes) -> None:
    receipt = store.films.receive(png(1), name="a")
    worker.drain()
    model = screener.detector.weights_sha256
    path = store.site.renditions.rendition_of(receipt.sha256, model)
    path.write_bytes(spoilt)
    with pytest.raises(WorklistError, match="is damaged on the disk"):
        store.findings.rendition(receipt.film_id, model)
    assert store.findings.rendition(receipt.film_id, worker.further[0].weights_sha256).image.shape == (32, 32)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "opened"),)

    written = io.BytesIO()
    np.savez(written, image=np.array([Evil()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Rendition.from_bytes(written.getvalue())
    assert not (tmp_path / "opened").exists()


@on_postgresql
def test_what_is_kept_of_a_film_goes_with_it(store: Store, worker: Worker, tmp_path: Path) -> None:
    first, other = store.films.receive(png(1), name="a"), store.films.receive(png(2), name="b")
    worker.drain()
    assert len(kept(store)) == 6 and store.sweep() == 0
    saved = back_up(store, tmp_path / "backup")
    assert (saved.films, saved.maps) == (2, 4) and not (tmp_path / "backup" / "renditions").exists()
    removed = store.removal.erase(study=first.study, actor="lea")
    assert (removed.films, removed.maps) == (1, 2)
    assert {path.parent.name for path in kept(store)} == {other.sha256}


def test_a_start_removes_what_belongs_to_no_film(store: Store, worker: Worker, second: Pca) -> None:
    receipt = store.films.receive(png(1), name="a")
    worker.drain()
    keep_generated(store.site.renditions, second)
    stranger = "ab" + "0" * 62
    store.site.renditions.keep(store.site.renditions.thumbnail_of(stranger), b"of a film that is gone")
    stale = store.site.renditions.temporary()
    stale.write_bytes(b"half")
    os.utime(stale, (time.time() - 7200,) * 2)
    assert store.sweep() == 2
    assert not store.site.renditions.of(stranger).exists() and not stale.exists()
    assert store.films.thumbnail(receipt.film_id) and set(store.findings.generated()) == {second.weights_sha256}


def test_a_film_that_is_erased_while_it_is_scored_leaves_nothing(store: Store, screener: Screener) -> None:
    receipt = store.films.receive(png(1), name="a")

    class Slow:
        weights_sha256 = "5" * 64

        def score(self, films: object) -> object:
            store.removal.erase(study=receipt.study, actor="lea")
            return load(PCA).score(films)  # type: ignore[arg-type]

    assert Worker(store, lambda: screener, further=lambda: [Slow()]).drain() == 1  # type: ignore[list-item]
    assert kept(store) == [] and [path for path in store.site.maps.path.rglob("*") if path.is_file()] == []


def test_a_disk_without_room_for_renditions_costs_no_film(store: Store, worker: Worker, small_disk: Path) -> None:
    store.site.renditions = RenditionFolder(small_disk / "renditions")
    (small_disk / "filler").write_bytes(bytes(610_000))
    receipt = store.films.receive(png(1), name="a")
    with pytest.raises(NoRoomError, match="the disk is full"):
        worker.step()
    assert store.jobs.counts().waiting == 1 and isinstance(store.site.maps, ContentFolder)
    (small_disk / "filler").unlink()
    assert worker.step() and store.films.thumbnail(receipt.film_id)


def test_images_are_made_up_once_and_always_the_same(store: Store, second: Pca, tmp_path: Path) -> None:
    pca = load(PCA)
    assert keep_generated(store.site.renditions, pca) and keep_generated(store.site.renditions, second)
    images, inside = store.findings.generated(), store.findings.generated_inside()
    assert set(images) == set(inside) == {pca.weights_sha256, second.weights_sha256}
    ours, mask = images[pca.weights_sha256], inside[pca.weights_sha256]
    assert ours.shape == (COUNT, 64, 64) and ours.dtype == np.float32 and np.isfinite(ours).all()
    assert ours.std(axis=0).max() > 0.1, "they differ from each other"
    assert inside[second.weights_sha256] is None and images[second.weights_sha256].shape == (COUNT, 32, 32)
    assert mask is not None and mask.shape == (64, 64) and 0.3 < mask.mean() < 0.6
    assert mask[24:40, 8:20].mean() > 0.9 and mask[24:40, 30:34].mean() < 0.1, "two lungs, and what is between them"
    (before,) = [path for path in store.site.renditions.path.glob("generated-*") if pca.weights_sha256 in path.name]
    written = before.stat().st_mtime_ns
    assert keep_generated(store.site.renditions, pca) and before.stat().st_mtime_ns == written
    again = RenditionFolder(tmp_path / "again")
    keep_generated(again, pca)
    np.testing.assert_array_equal(read_generated(again)[pca.weights_sha256][0], ours)
    before.write_bytes(b"damaged")
    assert set(store.findings.generated()) == {second.weights_sha256}
