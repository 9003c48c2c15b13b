// @ts-check
// Charts on narrow screens: drawn as wide as their box, because words of a scaled chart are too small to read.

const NARROWEST = 230; // axes and words need this width
/** What a box was filled with: `first` is its first node. @typedef {{ width: number, widest: number, first: Node | null, draw: () => void }} Filled */
/** @type {WeakMap<Element, Filled>} */
const filled = new WeakMap();
const watching = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const known = filled.get(target);
    if (!known || known.first !== target.firstChild) watching.unobserve(target); // the page has put something else there
    else if (target.clientWidth > 0 && widthIn(target, known.widest) !== known.width) known.draw();
  }
});

function widthIn(/** @type {Element} */ box, /** @type {number} */ widest) {
  return box.clientWidth === 0 ? widest : Math.min(widest, Math.max(NARROWEST, box.clientWidth)); // 0: not visible yet
}

/**
 * Fill a box with elements that depend on its width, and again whenever the width changes, as long as they are there.
 * @param {HTMLElement} box
 * @param {number} widest  width of a chart in a wide box: above it, the chart is enlarged
 * @param {(width: number) => (Node | string)[]} parts  returns the elements of charts of this width
 */
export function fillByWidth(box, widest, parts) {
  const draw = () => {
    const width = widthIn(box, widest);
    box.replaceChildren(...parts(width));
    filled.set(box, { width, widest, first: box.firstChild, draw });
  };
  draw();
  watching.observe(box);
}
