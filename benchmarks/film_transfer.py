"""Fastest way of a film to the browser: its samples as they are, and in five lossless forms.

    python -m benchmarks.film_transfer FILM.dcm …

For each film (without words: a phantom of 2500 × 3000 with 12 bits, whose noise is that of real films) and each form it
takes the processor time to encode it, the bytes, and, in a real Chromium over the loopback interface, the time from the
request until the page has all samples, which the page checks against a digest. It prints JSON. First sight in a
network of so many bits a second is

    encode + bytes / rate + receive and decode

since over the loopback interface bytes cost next to nothing. The forms take turns; times are the least of all turns,
since other programs can only add to them.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import os
import shutil
import threading
import time
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import async_playwright

from benchmarks.machine import described
from unseen.artifacts.research_only import LIMITS
from unseen.data import phantoms
from unseen.data.decode import shared_decoder
from unseen_server.web.film_residuals import compressed, residuals
from unseen_server.web.pages import STATIC

RATES = {"100 Mbit/s": 1e8, "1 Gbit/s": 1e9}
SHAPE = (3000, 2500)
GRAIN = 10  # standard deviation of the phantom's noise, in grey values of 12 bits
Samples = NDArray[np.uint8] | NDArray[np.uint16]  # a file with 8 bits is decoded to uint8
_PAGE = """
import { restored } from "/static/js/lossless.js";
const bitmap = async (bytes, type) => {
  const as = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const made = await createImageBitmap(new Blob([bytes], { type }), as);
  const context = new OffscreenCanvas(made.width, made.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(made, 0, 0);
  return new Uint32Array(context.getImageData(0, 0, made.width, made.height).data.buffer);
};
const inflated = (bytes) =>
  new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
const decode = {
  samples: async (bytes) => new Uint16Array(bytes),
  gzip: async (bytes) => new Uint16Array(bytes),
  residuals: async (bytes, width, height) => restored(bytes, width, height),
  "residuals, DecompressionStream": async (bytes, width, height) => restored(await inflated(bytes), width, height),
  png: async (bytes, width, height) => { // low bytes above high bytes
    const seen = await bitmap(bytes, "image/png");
    const samples = new Uint16Array(width * height);
    for (let at = 0, high = samples.length; at < samples.length; at++, high++) {
      samples[at] = (seen[at] & 255) | ((seen[high] & 255) << 8);
    }
    return samples;
  },
  webp: async (bytes, width, height) => { // low byte red, high byte green
    const seen = await bitmap(bytes, "image/webp");
    const samples = new Uint16Array(width * height);
    for (let at = 0; at < samples.length; at++) samples[at] = seen[at];
    return samples;
  },
};
window.fetched = async (form, width, height) => {
  const began = performance.now();
  const bytes = await (await fetch(`/film?form=${encodeURIComponent(form)}`)).arrayBuffer();
  const samples = await decode[form](bytes, width, height);
  const took = performance.now() - began;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", samples));
  return [took, Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")];
};
"""


def _gzip(data: bytes) -> bytes:
    coder = zlib.compressobj(1, zlib.DEFLATED, 31)
    return coder.compress(data) + coder.flush()


def _residuals(samples: Samples, bits: int) -> bytes:
    return compressed(residuals(samples, bits=bits))


def _png(samples: Samples, bits: int) -> bytes:
    """Low bytes above high bytes, grey with 8 bits: a canvas gives no more of a PNG with 16."""
    planes = np.concatenate([(samples & 255).astype(np.uint8), (samples >> 8).astype(np.uint8)])
    return _written(Image.fromarray(planes), "PNG", compress_level=1)


def _webp(samples: Samples, bits: int) -> bytes:
    colours = np.zeros((*samples.shape, 3), np.uint8)
    colours[..., 0], colours[..., 1] = samples & 255, samples >> 8
    return _written(Image.fromarray(colours), "WEBP", lossless=True, method=0, quality=0)


def _written(image: Image.Image, form: str, **how: Any) -> bytes:  # Any: the encoder's settings
    into = io.BytesIO()
    image.save(into, form, **how)
    return into.getvalue()


FORMS: dict[str, Callable[[Samples, int], bytes]] = {
    "samples": lambda samples, bits: samples.astype("<u2", copy=False).tobytes(),
    "gzip": lambda samples, bits: _gzip(samples.astype("<u2", copy=False).tobytes()),
    "residuals": _residuals,
    "residuals, DecompressionStream": _residuals,
    "png": _png,
    "webp": _webp,
}
_NATIVE = {"gzip", "residuals"}  # the browser undoes gzip before the page sees the body


class _Served(BaseHTTPRequestHandler):
    """The page, its script, and the film in the form that is asked for."""

    protocol_version = "HTTP/1.1"
    forms: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/film":
            form = query.removeprefix("form=").replace("%20", " ").replace("%2C", ",")
            self._answer(self.forms[form], "application/octet-stream", gzipped=form in _NATIVE)
        elif path.startswith("/static/js/"):
            self._answer((STATIC / "js" / Path(path).name).read_bytes(), "text/javascript")
        elif path == "/page.js":
            self._answer(_PAGE.encode(), "text/javascript")
        else:
            self._answer(b'<!doctype html><script type="module" src="/page.js"></script>', "text/html")

    def _answer(self, body: bytes, kind: str, *, gzipped: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if gzipped:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


async def browse(root: str, samples: Samples, *, turns: int) -> tuple[str, dict[str, float]]:
    """Return the browser's version, and the milliseconds from request to samples of each form."""
    wanted = hashlib.sha256(samples.astype("<u2", copy=False).tobytes()).hexdigest()
    least: dict[str, float] = {}
    async with async_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-headless-shell")
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        await page.goto(root)
        await page.wait_for_function("() => 'fetched' in window")
        for _ in range(turns):
            for form in FORMS:
                took, digest = await page.evaluate("args => fetched(...args)", [form, *samples.shape[::-1]])
                if digest != wanted:
                    raise RuntimeError(f"{form}: the page has other samples than the file")
                least[form] = min(least.get(form, took), took)
        version = browser.version
        await browser.close()
    return version, least


def measure(name: str, samples: Samples, bits: int, *, turns: int) -> dict[str, Any]:
    """Return a film's figures."""
    encode_ms: dict[str, float] = {}
    forms: dict[str, bytes] = {}
    for _ in range(max(1, turns // 2)):
        for form, encode in FORMS.items():
            began = time.process_time()
            forms[form] = encode(samples, bits)
            took = 1e3 * (time.process_time() - began)
            encode_ms[form] = min(encode_ms.get(form, took), took)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (_Served,), {"forms": forms}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        version, receive_ms = asyncio.run(browse(f"http://127.0.0.1:{server.server_port}", samples, turns=turns))
    finally:
        server.shutdown()
        server.server_close()
    return {
        "film": name,
        "height": samples.shape[0],
        "width": samples.shape[1],
        "bits": bits,
        "browser": f"Chromium {version}",
        "forms": {
            form: {
                "megabytes": round(len(body) / 1e6, 2),
                "bits_per_sample": round(8 * len(body) / samples.size, 2),
                "encode_ms": round(encode_ms[form]),
                "receive_and_decode_ms": round(receive_ms[form]),
                "first_sight_ms": {
                    rate: round(encode_ms[form] + receive_ms[form] + 8e3 * len(body) / speed)
                    for rate, speed in RATES.items()
                },
            }
            for form, body in forms.items()
        },
    }


def phantom() -> Samples:
    """Return a film of 15 MB with 12 bits, as noisy as the real ones."""
    film = Image.fromarray(next(iter(phantoms.normals(1, seed=3, size=250))).pixels)
    smooth = np.asarray(film.resize(SHAPE[::-1], Image.Resampling.BICUBIC)) * 4095
    grain = np.random.default_rng(12).normal(0, GRAIN, SHAPE)
    return np.clip(smooth + grain, 0, 4095).astype(np.uint16)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.film_transfer", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("films", nargs="*", type=Path, help="by default a phantom of 15 MB")
    parser.add_argument("--turns", type=int, default=9, help="of which the least times count")
    given = parser.parse_args()
    films = [("phantom", phantom(), 12)] if not given.films else []
    for path in given.films:
        film = shared_decoder().decode(path)
        if isinstance(film, str):
            parser.error(f"{path}: {film}")
        films.append((path.name, film.pixels, film.bits))
    found = [measure(*film, turns=given.turns) for film in films]
    about = {"load_average": os.getloadavg()[0], "machine": described(), "limits": LIMITS}
    print(json.dumps({"films": found} | about, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
