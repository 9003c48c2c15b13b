"""The contrast of each style of a page, instead of that of each element, which is nearly all of axe's time.

Contrast depends on colours, size and weight alone: of each such style one element is checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Page

from tests.browser.conftest import COLOURS, axe

MARK_STYLES = """(known) => {
    for (const old of document.querySelectorAll('[data-style]')) old.removeAttribute('data-style');
    const found = new Set(known), fresh = [];
    for (const element of document.body.querySelectorAll('*')) {
        if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) continue;
        if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
        const {color, fontSize, fontWeight} = getComputedStyle(element), under = [];
        for (let at = element; at; at = at.parentElement) {
            const {backgroundColor, backgroundImage, opacity} = getComputedStyle(at);
            if (backgroundImage !== 'none' || opacity !== '1') under.push(backgroundImage, opacity);
            if (backgroundColor !== 'rgba(0, 0, 0, 0)') under.push(backgroundColor);
            if (backgroundColor.startsWith('rgb(')) break;
        }
        const style = [color, fontSize, fontWeight, ...under].join(' ');
        if (found.has(style)) continue;
        found.add(style);
        fresh.push(style);
        element.setAttribute('data-style', '');
    }
    return fresh;
}"""


@dataclass
class Contrast:
    """The styles that were checked already, of all pages that were looked at."""

    known: list[str] = field(default_factory=list)

    def of(self, page: Page) -> list[str]:
        """Return axe's faults of contrast, of styles that it has not seen yet."""
        fresh: list[str] = page.evaluate(MARK_STYLES, self.known)
        self.known += fresh
        return axe(page, COLOURS, within="[data-style]") if fresh else []
