// @ts-check
// Films as thumbnails that lead to their comparison, and the list by which one goes from film to film there.
import { el } from "./api.js";
import { session } from "./browser_storage.js";

const LIST = "unseen.compare.list";
const FURTHER = 36;

/**
 * Fill `box` with `rows` rows of links to films; a click stores the list under `title`.
 * @param {Element} box
 * @param {{ film: string, lines: (string | Element)[] }[]} films
 * @param {{ title: string, rows: number }} list
 */
export function fillGallery(box, films, { title, rows }) {
  const names = films.map(({ film }) => film);
  const cards = (/** @type {number} */ from, /** @type {number} */ to) => films.slice(from, to).map(({ film, lines }) =>
    el("a", { class: "film", href: `/compare/${film}`, dataset: { film }, onclick: () => keepList({ title, films: names }) },
      thumbnail(film), ...lines.map((line) => el("span", { class: "line" }, line))));
  const columns = getComputedStyle(box).gridTemplateColumns.split(" ").length;
  let count = films.length > rows * columns ? rows * columns - 1 : films.length; // the button takes the last place
  box.replaceChildren(...cards(0, count));
  if (count === films.length) return;
  const more = el("button", { type: "button", class: "more" }, `${films.length - count} more`);
  more.addEventListener("click", () => {
    const first = cards(count, count + FURTHER);
    more.before(...first);
    count = Math.min(films.length, count + FURTHER);
    more.textContent = `${films.length - count} more`;
    if (count === films.length) more.remove();
    first[0].focus();
  });
  box.append(more);
}

/** Return a film's thumbnail, or a short text if no thumbnail is stored. */
export function thumbnail(/** @type {string} */ film) {
  const picture = el("img", { src: `/api/v1/films/${film}/thumbnail.png`, alt: `Film ${film}`, loading: "lazy" });
  picture.addEventListener("error", () => picture.replaceWith(el("span", { class: "none" }, "no image is kept")));
  return el("span", { class: "thumbnail" }, picture);
}

/** Return the list that a film was opened from: {title, films}; a list of this film alone if there is none. */
export function keptList(/** @type {string} */ film) {
  const list = session.json(LIST, { title: "", films: [film] });
  return list.films.includes(film) ? list : { title: "", films: [film] };
}

function keepList(/** @type {{ title: string, films: string[] }} */ list) {
  session.set(LIST, JSON.stringify(list));
}
