/**
 * The controls of the query: words, filters, and a row for each part of the search with its weight and a button to
 * remove it. Rows appear only when they add something to the paper and the words.
 */

import { t } from "../language.js";
import { controlOf, OFFERED, PARAMETERS, unset } from "./parameters.js";

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
    for (const name of ["folder", "camera"]) byId("filters").elements[name].maxLength = PARAMETERS[name].maxLength;
    for (const name of OFFERED) byId("unfilter").before(controlOf(name));
    byId("text").addEventListener("input", () => query.update({ text: byId("text").value }, { calm: true }));
    byId("words").addEventListener("submit", (event) => event.preventDefault());
    byId("filter").addEventListener("click", () => this.#showFilters(byId("filters").hidden));
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
    byId("filters").addEventListener("input", () => query.filter(this.#filtersGiven(), { calm: true }));
    for (const id of ["unfilter", "widen"]) {
      byId(id).addEventListener("click", () => {
        if (document.activeElement === byId(id)) byId("filter").focus();
        query.filter(query.noFilters);
      });
    }
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

  /** Offers the folders and cameras of these photos as filters. */
  suggest(photos) {
    const folders = photos.map(({ path }) => path.split("/").slice(0, -1).join("/"));
    addOptions(byId("folders"), folders);
    addOptions(byId("cameras"), photos.map(({ camera }) => camera));
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
    const label = { sketch: t("Drawing"), text: quoted, photo: t("Your picture"), like: t("More like this") }[kind];
    const name = { sketch: t("the drawing"), text: quoted, photo: t("your picture"), like: t("the similar photo") }[kind];
    find(".label").textContent = label;
    showSample(find(".sample"), kind === "photo" ? photo.preview : kind === "like" ? thumbnailOf(like) : "", kind);
    find(".remove").ariaLabel = t("Remove {name}", { name });
    const swap = { photo: t("Use as drawing"), sketch: drawn.picture ? t("Use as photo") : "" }[kind] ?? "";
    find(".swap").textContent = swap;
    find(".swap").hidden = !swap;
    const slider = find("input");
    slider.hidden = find("output").hidden = !mixed;
    slider.value = weights[kind];
    slider.ariaLabel = t("Weight of {name}", { name });
    slider.ariaValueText = find("output").textContent = weightText(weights[kind]);
  }

  #showQuery() {
    const { text, filters, filtersUsed } = this.#query;
    if (byId("text").value.trim() !== text.trim()) byId("text").value = text;
    for (const field of byId("filters").querySelectorAll("input, select")) {
      if (field.type === "checkbox") field.checked = filters[field.name];
      else if (field.value.trim() !== filters[field.name]) field.value = filters[field.name];
    }
    byId("filter").classList.toggle("used", filtersUsed > 0);
    byId("filter").ariaLabel = filtersUsed ? t("Filters, {number} active", { number: filtersUsed }) : t("Filters");
    byId("unfilter").hidden = !filtersUsed;
  }

  #showFilters(shown) {
    byId("filters").hidden = !shown;
    byId("filter").ariaExpanded = String(shown);
    if (!shown) return;
    byId("filters").querySelector("input").focus({ preventScroll: true });
    byId("filters").scrollIntoView({ block: "nearest" });
  }

  #filtersGiven() {
    const given = Object.fromEntries(new FormData(byId("filters")));
    const ticked = Object.fromEntries(OFFERED.filter((name) => unset(name) === false).map((name) => [name, name in given]));
    return { ...given, ...ticked, folder: given.folder.trim(), camera: given.camera.trim(), fold: "fold" in given };
  }
}

function thumbnailOf(id) {
  return `photos/${encodeURIComponent(id)}/thumbnail`;
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

function addOptions(list, values) {
  const known = new Set([...list.options].map((option) => option.value));
  for (const value of new Set(values)) {
    if (!value || known.has(value) || list.options.length >= 200) continue;
    const option = document.createElement("option");
    option.value = value;
    list.append(option);
  }
}
