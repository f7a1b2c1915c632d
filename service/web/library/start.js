/**
 * The start page: without a search, the photos of the library are there to be looked at.
 */
import { counted, locale, t } from "../language.js";
import { Scrubber } from "./scrubber.js";
import { Selection } from "./selection.js";
import { Timeline } from "./timeline.js";
import { walkWithKeys } from "./walk.js";

const byId = (id) => document.getElementById(id);

export class StartPage {
  selection = new Selection();
  #timeline;
  #query;
  #hooks;
  #results = null;
  #library = null; // how many photos there are in all
  #gone = new Map(); // ids of those taken away, which may come back -> whether they have been hidden, not shown again
  #shown = "";
  #actions = null;

  /** hooks: {send, call (address, options), open(photos, index), copy(button, text), alike(photos, sign), announce, search}. */
  constructor(query, hooks) {
    this.#query = query;
    this.#hooks = hooks;
    this.#timeline = new Timeline(byId("timeline"), hooks.send, { open: hooks.open, dress: this.selection.dress });
    this.selection.watch(byId("timeline"), this.#timeline);
    walkWithKeys(byId("timeline"), this.#timeline);
    new Scrubber(byId("rail"), this.#timeline);
    this.selection.addEventListener("change", () => this.#offerActions());
    this.#welcome(true);
  }

  /** What a search finds can be chosen and acted on just the same. */
  besides(list, results) {
    this.#results = results;
    this.selection.watch(list, results);
  }

  /** Shows the photos that the filters let through; `again` keeps the place, for a library that has changed. */
  async show(again = false) {
    this.#welcome(true);
    const filters = this.#query.browsing();
    const key = JSON.stringify(filters);
    const same = this.#shown === key;
    if (same && !again) return this.#describe();
    if (!same) this.selection.clear();
    if (!same && this.#shown) toTop();
    this.#shown = key;
    try {
      await this.#timeline.show(filters, again && same);
    } catch {
      if (this.#shown === key) this.#shown = ""; // whatever is wrong with the server is said elsewhere
      return;
    }
    if (this.#shown === key) this.#describe();
  }

  /** How many photos the library has, as the server says. */
  set photos(number) {
    this.#library = number;
    this.#describe();
  }

  /** Makes room for what a search has found. */
  leave() {
    this.selection.clear();
    if (this.#shown) toTop();
    this.#shown = "";
    this.#timeline.hide();
    this.#welcome(false);
    byId("found").classList.remove("bare", "filtered");
  }

  /** The library has changed. */
  async refresh() {
    if (this.#shown) await this.show(true);
  }

  /** The viewer has marked a photo. */
  marked({ id, favourite, hidden }) {
    const grid = this.active ? this.#timeline : this.#results;
    const photo = grid.photoOf(id);
    if (!photo) return this.#gone.has(id) && this.#restore(new Set([id]));
    if (Boolean(hidden) !== this.#showsHidden) return this.#remove(new Set([id]));
    photo.favourite = favourite;
    grid.update();
  }

  focus(id) {
    this.#timeline.focus(id);
  }

  get active() {
    return this.#shown !== "";
  }

  #describe() {
    const { total } = this.#timeline;
    if (total === null || !this.active) return;
    const filtered = this.#query.browsingUsed;
    if (!filtered) this.#library = total;
    byId("found").classList.toggle("bare", total === 0 && !filtered);
    byId("found").classList.toggle("filtered", filtered);
    byId("heading").hidden = byId("share").hidden = !filtered;
    byId("heading").textContent = filtered ? this.#title() : "";
    const shown = total.toLocaleString(locale());
    const all = this.#library === null || this.#showsHidden ? counted(total) : t("{shown} of {photos}", { shown, photos: counted(this.#library) });
    byId("figures").textContent = filtered ? all : "";
    byId("nothing").hidden = byId("widen").hidden = !(filtered && total === 0);
    byId("nothing-text").textContent = t("No photos match your filters.");
    if (filtered) this.#hooks.announce(all);
  }

  #title() {
    const { folder, favourites, only_hidden: hidden } = this.#query.filters;
    if (hidden) return t("Hidden photos");
    return favourites ? t("Favourites") : folder || t("Your photos");
  }

  get #showsHidden() {
    return this.active && this.#query.filters.only_hidden;
  }

  // Photos are back where they were taken away.
  #restore(ids) {
    for (const id of ids) {
      const hidden = this.#gone.get(id);
      if (this.#gone.delete(id)) this.#count(hidden ? +1 : -1);
    }
    return this.active ? this.refresh() : this.#hooks.search();
  }

  #remove(ids) {
    const hidden = !this.#showsHidden;
    for (const id of ids) this.#gone.set(id, hidden);
    this.#count(hidden ? -ids.size : ids.size);
    if (!this.active) return this.#results.remove(ids);
    this.#timeline.remove(ids);
    this.#describe();
  }

  // Hidden photos do not count.
  #count(change) {
    if (this.#library !== null) this.#library += change;
  }

  #welcome(visible) {
    byId("welcome").hidden = !visible;
    byId("heading").hidden = visible;
    byId("results").hidden = byId("share").hidden = visible;
    byId("found").classList.toggle("welcoming", visible);
    if (visible) byId("found").classList.remove("far");
  }

  // Whoever only looks need not fetch what acts.
  async #offerActions() {
    if (this.#actions || !this.selection.size) return;
    const { call, copy, alike } = this.#hooks;
    const shows = {
      showsHidden: () => this.#showsHidden,
      marked: () => [this.#timeline, this.#results].forEach((grid) => grid.update()),
      removed: (ids) => this.#remove(ids),
      restored: (ids) => this.#restore(ids),
    };
    this.#actions = import("./actions.js").then(({ Actions }) => new Actions(this.selection, { call, copy, alike, ...shows }));
  }
}

// Other photos are looked at from the first on.
function toTop() {
  if (byId("found").getBoundingClientRect().top < 0) byId("found").scrollIntoView({ block: "start", behavior: "instant" });
}
