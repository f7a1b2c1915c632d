/**
 * The filters: a panel of fields, which narrow the photos of the library, with a search or without one.
 */
import { t } from "../language.js";
import { Choices } from "./choices.js";
import { DateField } from "./dates.js";
import { controlOf, OFFERED, PARAMETERS, unset } from "./parameters.js";

const byId = (id) => document.getElementById(id);
const TICKED = ["fold", "favourites", "only_hidden", ...OFFERED.filter((name) => unset(name) === false)];

export class Filters {
  #query;
  #facets;
  #dates = {};
  #choices = {};
  #asked = false;

  /** `facets()` promises {folders, cameras, hidden}: what there is to choose from. */
  constructor(query, facets) {
    this.#query = query;
    this.#facets = facets;
    const form = byId("filters");
    for (const name of OFFERED) byId("unfilter").before(controlOf(name));
    for (const name of ["after", "until"]) this.#dates[name] = new DateField(byId(name));
    for (const name of ["folder", "camera"]) {
      form.elements[name].maxLength = PARAMETERS[name].maxLength;
      this.#choices[name] = new Choices(form.elements[name], byId(`${name}s`), { nested: name === "folder" });
    }
    byId("filter").addEventListener("click", () => this.#open(form.hidden));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => query.filter(this.#given(), { calm: true }));
    for (const id of ["unfilter", "widen"]) {
      byId(id).addEventListener("click", () => {
        if (document.activeElement === byId(id)) byId("filter").focus();
        query.filter(query.noFilters);
      });
    }
    query.addEventListener("change", () => this.#show());
  }

  /** The library has changed, and with it what there is to choose from. */
  refresh() {
    this.#asked = false;
    if (!byId("filters").hidden) this.#ask();
  }

  #show() {
    const { filters, filtersUsed } = this.#query;
    for (const field of byId("filters").querySelectorAll("[name]")) {
      if (field.type === "checkbox") field.checked = filters[field.name];
      else if (field.value.trim() !== filters[field.name]) field.value = filters[field.name];
    }
    for (const [name, date] of Object.entries(this.#dates)) date.value = filters[name];
    byId("filter").classList.toggle("used", filtersUsed > 0);
    byId("filter").ariaLabel = filtersUsed ? t("Filters, {number} active", { number: filtersUsed }) : t("Filters");
    byId("unfilter").hidden = !filtersUsed;
    if (filters.only_hidden) byId("hidden-photos").hidden = false;
  }

  #open(shown) {
    byId("filters").hidden = !shown;
    byId("filter").ariaExpanded = String(shown);
    if (!shown) return;
    this.#ask();
    byId("filters").firstElementChild.scrollIntoView({ block: "nearest" });
    // Not what would cover the parts of a search, or bring up a keyboard.
    if (byId("parts").hidden && matchMedia("(hover: hover)").matches) byId("filters").querySelector("input").focus();
  }

  async #ask() {
    if (this.#asked) return;
    this.#asked = true;
    try {
      const { folders = [], cameras = [], hidden = 0 } = await this.#facets();
      this.#choices.folder.offer(folders.map(({ path, photos }) => ({ value: path, photos })));
      this.#choices.camera.offer(cameras.map(({ name, photos }) => ({ value: name, photos })));
      byId("hidden-photos").hidden = !hidden && !this.#query.filters.hidden;
    } catch {
      this.#asked = false; // the fields serve without choices, too
    }
  }

  #given() {
    const given = Object.fromEntries(new FormData(byId("filters")));
    const ticked = Object.fromEntries(TICKED.map((name) => [name, name in given]));
    const dates = Object.fromEntries(Object.entries(this.#dates).map(([name, date]) => [name, date.value]));
    return { ...given, ...dates, ...ticked, folder: given.folder.trim(), camera: given.camera.trim() };
  }
}
