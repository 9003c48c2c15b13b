// @ts-check
// Charts on narrow screens: drawn as wide as their box, because words of a scaled chart are too small to read.

const NARROWEST = 230; // axes and words need this width
/** @type {WeakMap<Element, { width: number, draw: () => void }>} */
const drawn = new WeakMap();
const watching = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const known = drawn.get(target);
    if (known && contentRect.width > 0 && Math.round(contentRect.width) !== known.width) known.draw();
  }
});

/**
 * Fill a box with elements that depend on its width, and again whenever the width changes.
 * @param {HTMLElement} box
 * @param {number} widest  width of a chart in a wide box: above it, the chart is enlarged
 * @param {(width: number) => (Node | string)[]} parts  returns the elements of charts of this width
 */
export function fillByWidth(box, widest, parts) {
  const draw = () => {
    const width = Math.round(box.clientWidth);
    drawn.set(box, { width, draw });
    box.replaceChildren(...parts(width === 0 ? widest : Math.min(widest, Math.max(NARROWEST, width))));
  };
  draw();
  watching.observe(box);
}
