/**
 * What is looked for, a row each, where there is more to say than the paper and the words do: how much each part
 * counts, and how to get rid of it. Beside it the words, and the filters that say which photos may answer.
 */

const by = (id) => document.getElementById(id);
const TYPING_MS = 180;

/** Keeps rows, words and filters in step with the query. hooks: {changed(pause), removed(kind), swapped(kind)}. */
export class Parts {
  #query;
  #hooks;
  #rows = new Map(); // kind -> its row, kept so that a slider in hand stays

  constructor(query, hooks) {
    this.#query = query;
    this.#hooks = hooks;
    by("text").addEventListener("input", () => query.update({ text: by("text").value }, { calm: true }));
    by("words").addEventListener("submit", (event) => event.preventDefault());
    by("filter").addEventListener("click", () => this.#showFilters(by("filters").hidden));
    by("filters").addEventListener("submit", (event) => event.preventDefault());
    by("filters").addEventListener("input", () => query.filter(this.#filtersGiven(), { calm: true }));
    for (const id of ["unfilter", "widen"]) {
      by(id).addEventListener("click", () => {
        if (document.activeElement === by(id)) by("filter").focus();
        query.filter(query.noFilters);
      });
    }
    query.addEventListener("change", ({ detail }) => {
      this.#showQuery();
      hooks.changed(detail.calm ? TYPING_MS : 0);
    });
  }

  /** drawn: {ink: whether there is a drawing, picture: whether part of it is a picture that was brought along}. */
  show(drawn) {
    const kinds = this.#query.parts(drawn.ink);
    const mixed = kinds.length > 1;
    const shown = kinds.filter((kind) => mixed || kind === "photo" || kind === "like" || drawn.picture);
    by("parts").hidden = shown.length === 0;
    for (const [kind, row] of this.#rows) if (!shown.includes(kind)) row.remove();
    this.#rows = new Map(shown.map((kind) => [kind, this.#rows.get(kind) ?? this.#newRow(kind)]));
    let place = by("parts").firstElementChild;
    for (const [kind, row] of this.#rows) {
      if (row === place) place = place.nextElementSibling;
      else by("parts").insertBefore(row, place);
      this.#fill(row, kind, mixed, drawn);
    }
  }

  /** Remembers folders and cameras to choose from. */
  suggest(photos) {
    const folders = photos.map(({ path }) => path.split("/").slice(0, -1).join("/"));
    addOptions(by("folders"), folders);
    addOptions(by("cameras"), photos.map(({ camera }) => camera));
  }

  #newRow(kind) {
    const row = by("part").content.firstElementChild.cloneNode(true);
    const slider = row.querySelector("input");
    slider.addEventListener("input", () => this.#query.weigh(kind, Number(slider.value)));
    row.querySelector(".remove").addEventListener("click", () => {
      by("text").focus({ preventScroll: true });
      this.#hooks.removed(kind);
    });
    row.querySelector(".swap").addEventListener("click", () => this.#hooks.swapped(kind));
    return row;
  }

  #fill(row, kind, mixed, drawn) {
    const { text, photo, like, weights } = this.#query;
    const part = (name) => row.querySelector(name);
    const name = { sketch: "Drawing", text: `“${text.trim()}”`, photo: "Your picture", like: "More like this" }[kind];
    part(".label").textContent = name;
    showSample(part(".sample"), kind === "photo" ? photo.preview : kind === "like" ? thumbnailOf(like) : "", kind);
    part(".remove").ariaLabel = `Remove ${name}`;
    const swap = { photo: "Use as a drawing", sketch: drawn.picture ? "Use as a photo" : "" }[kind] ?? "";
    part(".swap").textContent = swap;
    part(".swap").hidden = !swap;
    const slider = part("input");
    slider.hidden = part("output").hidden = !mixed;
    slider.value = weights[kind];
    slider.ariaLabel = `How much ${name} counts`;
    slider.ariaValueText = part("output").textContent = weightText(weights[kind]);
  }

  #showQuery() {
    const { text, filters, filtersUsed } = this.#query;
    if (by("text").value.trim() !== text.trim()) by("text").value = text;
    for (const field of by("filters").querySelectorAll("input")) {
      if (field.type === "checkbox") field.checked = filters[field.name];
      else if (field.value.trim() !== filters[field.name]) field.value = filters[field.name];
    }
    by("filter").classList.toggle("used", filtersUsed > 0);
    by("filter").ariaLabel = filtersUsed ? `Filters, ${filtersUsed} in use` : "Filters";
    by("unfilter").hidden = !filtersUsed;
  }

  #showFilters(shown) {
    by("filters").hidden = !shown;
    by("filter").ariaExpanded = String(shown);
    if (!shown) return;
    by("filters").querySelector("input").focus({ preventScroll: true });
    by("filters").scrollIntoView({ block: "nearest" });
  }

  #filtersGiven() {
    const given = Object.fromEntries(new FormData(by("filters")));
    return { ...given, folder: given.folder.trim(), camera: given.camera.trim(), fold: "fold" in given };
  }
}

function thumbnailOf(id) {
  return `photos/${encodeURIComponent(id)}/thumbnail`;
}

function showSample(box, address, kind) {
  box.dataset.kind = kind;
  if (!address) return box.replaceChildren();
  const image = box.firstElementChild ?? new Image();
  if (image.getAttribute("src") !== address) image.src = address;
  image.alt = "";
  if (!image.isConnected) box.replaceChildren(image);
}

function weightText(weight) {
  if (weight === 0) return "not at all";
  return weight < 0 ? `away ${Math.round(-100 * weight)} %` : `${Math.round(100 * weight)} %`;
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
