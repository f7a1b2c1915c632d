/**
 * The controls of the query: words, and a row for each part of the search with its weight and a button to remove it. Rows appear only when they add something to the paper and the words.
 */

import { t } from "../language.js";
import { PARAMETERS } from "./parameters.js";
import { idOf } from "./query.js";

const byId = (id) => document.getElementById(id);
const TYPING_MS = 180;

/** Keeps the controls in step with the query. hooks: {changed(pause), removed(kind), swapped(kind)}. */
export class Parts {
  #query;
  #hooks;
  #rows = new Map(); // kind -> its row, reused so that a slider being dragged stays in place

  constructor(query, hooks) {
    this.#query = query;
    this.#hooks = hooks;
    byId("text").maxLength = PARAMETERS.text.maxLength;
    byId("text").addEventListener("input", () => query.update({ text: byId("text").value }, { calm: true }));
    byId("words").addEventListener("submit", (event) => event.preventDefault());
    query.addEventListener("change", ({ detail }) => {
      this.#showQuery();
      hooks.changed(detail.calm ? TYPING_MS : 0);
    });
  }

  /** drawn: {ink: whether there is a drawing, picture: whether it contains an added picture}. */
  show(drawn) {
    const kinds = this.#query.parts(drawn.ink);
    const mixed = kinds.length > 1;
    const shown = kinds.filter((kind) => mixed || kind === "photo" || kind === "like" || drawn.picture);
    byId("parts").hidden = shown.length === 0;
    for (const [kind, row] of this.#rows) if (!shown.includes(kind)) row.remove();
    this.#rows = new Map(shown.map((kind) => [kind, this.#rows.get(kind) ?? this.#newRow(kind)]));
    let place = byId("parts").firstElementChild;
    for (const [kind, row] of this.#rows) {
      if (row === place) place = place.nextElementSibling;
      else byId("parts").insertBefore(row, place);
      this.#fill(row, kind, mixed, drawn);
    }
  }

  #newRow(kind) {
    const row = byId("part").content.firstElementChild.cloneNode(true);
    const slider = row.querySelector("input");
    slider.addEventListener("input", () => this.#query.weigh(kind, Number(slider.value)));
    row.querySelector(".remove").addEventListener("click", () => {
      byId("text").focus({ preventScroll: true });
      this.#hooks.removed(kind);
    });
    row.querySelector(".swap").addEventListener("click", () => this.#hooks.swapped(kind));
    return row;
  }

  #fill(row, kind, mixed, drawn) {
    const { text, photo, like, weights } = this.#query;
    const find = (name) => row.querySelector(name);
    const quoted = `“${text.trim()}”`;
    const label = { sketch: t("Drawing"), text: quoted, photo: t("Your picture"), like: likeText(like) }[kind];
    const name = { sketch: t("the drawing"), text: quoted, photo: t("your picture"), like: t("the similar photos") }[kind];
    find(".label").textContent = label;
    showSample(find(".sample"), kind === "photo" ? photo.preview : "", kind);
    if (kind === "like") this.#showLikes(find(".likes"), like);
    find(".remove").ariaLabel = t("Remove {name}", { name });
    const swap = { photo: t("Use as drawing"), sketch: drawn.picture ? t("Use as photo") : "" }[kind] ?? "";
    find(".swap").textContent = swap;
    find(".swap").hidden = !swap;
    const slider = find("input");
    slider.hidden = find("output").hidden = !mixed;
    slider.value = weights[kind];
    slider.ariaLabel = t("Weight of {name}", { name });
    slider.style.setProperty("--value", weights[kind]);
    slider.ariaValueText = find("output").textContent = weightText(weights[kind]);
  }

  // Each photo is a button that takes it out again.
  #showLikes(list, like) {
    const before = new Map([...list.children].map((button) => [button.dataset.id, button]));
    const buttons = like.map((signed) => {
      const id = idOf(signed);
      const less = signed !== id;
      const button = before.get(id) ?? this.#newLike(id);
      button.classList.toggle("less", less);
      button.title = button.ariaLabel = less ? t("Remove the photo to be less like") : t("Remove the photo to be more like");
      return button;
    });
    if (buttons.length !== before.size || buttons.some((button, i) => list.children[i] !== button)) list.replaceChildren(...buttons);
  }

  #newLike(id) {
    const button = document.createElement("button");
    const image = new Image();
    image.alt = "";
    image.src = `photos/${encodeURIComponent(id)}/thumbnail`;
    button.type = "button";
    button.dataset.id = id;
    button.append(image);
    button.addEventListener("click", () => {
      byId("text").focus({ preventScroll: true });
      this.#query.unliken(id);
    });
    return button;
  }

  #showQuery() {
    const { text } = this.#query;
    if (byId("text").value.trim() !== text.trim()) byId("text").value = text;
  }
}

function likeText(like) {
  const less = like.filter((signed) => signed.startsWith("-")).length;
  if (less === like.length) return t("Less like this");
  return less ? t("More and less like these") : t("More like this");
}

function showSample(box, url, kind) {
  box.dataset.kind = kind;
  if (!url) return box.replaceChildren();
  const image = box.firstElementChild ?? new Image();
  if (image.getAttribute("src") !== url) image.src = url;
  image.alt = "";
  if (!image.isConnected) box.replaceChildren(image);
}

function weightText(weight) {
  if (weight === 0) return t("off");
  return `${weight < 0 ? "−" : ""}${Math.round(Math.abs(100 * weight))}%`;
}
