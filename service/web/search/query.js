/**
 * The query besides the drawing: words, a photo, a similar photo, the weight of each, and filters.
 */

import { numberOf, OFFERED, PARAMETERS, unset, valueOf } from "./parameters.js";

export const KINDS = ["sketch", "text", "photo", "like"];
const WEIGHTS = Object.fromEntries(KINDS.map((kind) => [kind, PARAMETERS[`${kind}_weight`].default]));
const FILTERS = {
  folder: "",
  after: "",
  until: "",
  camera: "",
  fold: true,
  ...Object.fromEntries(OFFERED.map((name) => [name, unset(name)])),
};

export class Query extends EventTarget {
  text = "";
  like = ""; // the id of a photo in the collection
  photo = null; // an added one: {blob, name, preview, bitmap}
  weights = { ...WEIGHTS };
  filters = { ...FILTERS };

  /** Applies several changes at once; `calm` means that more may follow shortly, as while typing. */
  update(changes, { calm = false } = {}) {
    if ("photo" in changes && this.photo && this.photo !== changes.photo) URL.revokeObjectURL(this.photo.preview);
    Object.assign(this, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: { calm } }));
  }

  weigh(kind, weight) {
    this.update({ weights: { ...this.weights, [kind]: weight } }, { calm: true });
  }

  filter(changes, options) {
    this.update({ filters: { ...this.filters, ...changes } }, options);
  }

  /** The changes that remove every part but the drawing. */
  get noParts() {
    return { text: "", like: "", photo: null, weights: { ...WEIGHTS } };
  }

  /** The kinds of parts in use, including the sketch if `drawn`. */
  parts(drawn) {
    const has = { sketch: drawn, text: this.text.trim(), photo: this.photo, like: this.like };
    return KINDS.filter((kind) => has[kind]);
  }

  get filtersUsed() {
    return Object.keys(FILTERS).filter((name) => this.filters[name] !== FILTERS[name]).length;
  }

  get noFilters() {
    return { ...FILTERS };
  }

  /** The form to send to the server; `png` is the drawing or null. Null if there is nothing to search with. */
  form(png) {
    const parts = this.parts(png !== null);
    if (!parts.length) return null;
    const values = { sketch: png, photo: this.photo?.blob, text: this.text.trim(), like: this.like };
    const form = new FormData();
    for (const kind of parts) {
      form.append(kind, values[kind], ...(values[kind] instanceof Blob ? [kind] : []));
      if (parts.length > 1) form.append(`${kind}_weight`, this.weights[kind]);
    }
    const { folder, after, until, camera, fold } = this.filters;
    const fields = { folder, after, before: until && dayAfter(until), camera, fold_duplicates: fold ? "true" : "" };
    // Half a number is on its way to a whole one: it is not sent.
    for (const name of OFFERED) fields[name] = valueOf(name, String(this.filters[name]));
    for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
    return form;
  }

  /** The query as parameters of the page's address; an added photo is left out. */
  toParams() {
    const params = new URLSearchParams();
    if (this.text.trim()) params.set("text", this.text.trim());
    if (this.like) params.set("like", this.like);
    for (const kind of KINDS) {
      if (this.weights[kind] !== WEIGHTS[kind]) params.set(`${kind}_weight`, this.weights[kind]);
    }
    for (const name of Object.keys(FILTERS)) {
      if (this.filters[name] !== FILTERS[name]) params.set(name, String(this.filters[name]));
    }
    return params;
  }

  fromParams(params) {
    const weightOf = (kind) => numberOf(`${kind}_weight`, params.get(`${kind}_weight`));
    const weights = Object.fromEntries(KINDS.map((kind) => [kind, weightOf(kind)]));
    const filters = { ...FILTERS, fold: params.get("fold") !== "false" };
    for (const name of ["folder", "camera", ...OFFERED]) filters[name] = valueOf(name, params.get(name));
    for (const name of ["after", "until"]) filters[name] = dayOrNone(params.get(name));
    this.update({ ...this.noParts, text: params.get("text") ?? "", like: params.get("like") ?? "", weights, filters });
  }
}

function dayOrNone(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text) ? text : "";
}

// The server excludes photos taken at `before`; people expect their last day to be included.
function dayAfter(day) {
  const date = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(date.valueOf())) return "";
  date.setUTCDate(date.getUTCDate() + 1);
  return date.toISOString().slice(0, 10);
}
