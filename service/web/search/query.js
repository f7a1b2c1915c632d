/**
 * The query besides the drawing: words, a photo, photos of the library, the weight of each, and filters.
 */

import { dateOrNone, dayAfter, firstDay } from "./dates.js";
import { numberOf, OFFERED, PARAMETERS, unset, valueOf } from "./parameters.js";

export const KINDS = ["sketch", "text", "photo", "like"];
const LIKE_MOST = 16; // as many as the server takes
const WEIGHTS = Object.fromEntries(KINDS.map((kind) => [kind, PARAMETERS[`${kind}_weight`].default]));
const FILTERS = {
  folder: "",
  after: "",
  until: "",
  camera: "",
  favourites: false,
  only_hidden: false,
  fold: true,
  ...Object.fromEntries(OFFERED.map((name) => [name, unset(name)])),
};

export class Query extends EventTarget {
  text = "";
  like = []; // photos of the library to find more like, or less like: ["id", "-id"]
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

  /** Adds photos to be more like (sign +1) or less like (-1); those named last count. */
  liken(ids, sign) {
    const others = this.like.filter((one) => !ids.includes(idOf(one)));
    this.update({ like: [...others, ...ids.map((id) => (sign < 0 ? `-${id}` : id))].slice(-LIKE_MOST) });
  }

  unliken(id) {
    this.update({ like: this.like.filter((one) => idOf(one) !== id) });
  }

  /** The changes that remove every part but the drawing. */
  get noParts() {
    return { text: "", like: [], photo: null, weights: { ...WEIGHTS } };
  }

  /** The kinds of parts in use, including the sketch if `drawn`. */
  parts(drawn) {
    const has = { sketch: drawn, text: this.text.trim(), photo: this.photo, like: this.like.length };
    return KINDS.filter((kind) => has[kind]);
  }

  get filtersUsed() {
    return Object.keys(FILTERS).filter((name) => this.filters[name] !== FILTERS[name]).length;
  }

  get noFilters() {
    return { ...FILTERS };
  }

  /** The form to send to the server; `sketch` is the drawing, as a blob or as strokes, or null. Null if there is nothing to search with. */
  form(sketch) {
    const parts = this.parts(sketch !== null);
    if (!parts.length) return null;
    const values = { sketch, photo: this.photo?.blob, text: this.text.trim(), like: this.like.join() };
    const form = new FormData();
    for (const kind of parts) {
      const field = kind === "sketch" && typeof sketch === "string" ? "strokes" : kind;
      form.append(field, values[kind], ...(values[kind] instanceof Blob ? [kind] : []));
      if (parts.length > 1) form.append(`${kind}_weight`, this.weights[kind]);
    }
    const { hidden, ...narrowing } = this.browsing(); // a search never finds hidden photos
    const fields = { ...narrowing, fold_duplicates: this.filters.fold ? "true" : "" };
    // Half a number is on its way to a whole one: it is not sent.
    for (const name of OFFERED) fields[name] = valueOf(name, String(this.filters[name]));
    for (const [name, value] of Object.entries(fields)) if (value) form.append(name, value);
    return form;
  }

  /** The filters that narrow the library without a search too, as the server takes them. */
  browsing() {
    const { folder, after, until, camera, favourites, only_hidden } = this.filters;
    const marks = { favourites: favourites && "1", hidden: only_hidden && "1" };
    const all = { folder, camera, after: firstDay(after), before: dayAfter(until), ...marks };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
  }

  get browsingUsed() {
    return Object.keys(this.browsing()).length > 0;
  }

  /** The query as parameters of the page's address; an added photo is left out. */
  toParams() {
    const params = new URLSearchParams();
    if (this.text.trim()) params.set("text", this.text.trim());
    if (this.like.length) params.set("like", this.like.join());
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
    for (const name of ["favourites", "only_hidden"]) filters[name] = params.get(name) === "true";
    for (const name of ["folder", "camera", ...OFFERED]) filters[name] = valueOf(name, params.get(name));
    for (const name of ["after", "until"]) filters[name] = dateOrNone(params.get(name));
    this.update({ ...this.noParts, text: params.get("text") ?? "", like: likesOf(params.get("like")), weights, filters });
  }
}

/** The id of a photo to be more or less like. */
export function idOf(signed) {
  return signed.replace(/^-/, "");
}

function likesOf(text) {
  const signed = (text ?? "").split(",").filter((one) => /^-?\w{1,64}$/.test(one));
  return [...new Map(signed.map((one) => [idOf(one), one])).values()].slice(0, LIKE_MOST);
}
