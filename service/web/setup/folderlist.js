/**
 * The folders in a folder: a list for mouse and keyboard that stays quick with many thousand of them.
 */
import { counted, t } from "../language.js";
import { iconOf, make, nameOf } from "./elements.js";

/** The most rows on show; whoever has more folders types a part of the name. */
const MOST = 200;
const FILTER_FROM = 12;
const TYPE_AHEAD_MS = 800;
const ICONS = { Home: "home", Pictures: "pictures" };
const NAMES = { Home: t("Home folder"), Pictures: t("Pictures") };

export class FolderList {
  element;
  #open;
  #up;
  #list = make("ul", { "aria-label": t("Folders") });
  #empty = make("p.quiet");
  #filter = make("input", {
    type: "search",
    placeholder: t("Filter"),
    "aria-label": t("Filter the folders by name"),
    autocomplete: "off",
  });
  #hidden = make("input", { type: "checkbox" });
  #toggle = make("label.check", {}, this.#hidden, " ", t("Show hidden folders"));
  #folders = [];
  #problem = "";
  #typed = "";
  #typedAt = 0;

  /** `open(path)` opens a folder in the list, `up()` the one around. */
  constructor({ open, up }) {
    this.#open = open;
    this.#up = up;
    const tools = make("div.narrow", {}, this.#filter, this.#toggle);
    this.element = make("div.folders", {}, tools, make("div.scroll", {}, this.#list, this.#empty));
    this.#filter.addEventListener("input", () => this.#draw());
    this.#hidden.addEventListener("change", () => this.#draw());
    this.#list.addEventListener("keydown", (event) => this.#navigate(event));
    this.#list.addEventListener("focusin", (event) => this.#makeTabStop(event.target));
  }

  /** Shows what is in a folder, or the places if it is none. */
  show({ path, folders, places, problem }, focus) {
    const begin = (place) => ({ ...place, name: NAMES[place.name] ?? place.name, icon: ICONS[place.name] ?? "drive" });
    this.#folders = path ? folders : places.map(begin);
    this.#problem = problem ?? "";
    this.#filter.value = "";
    this.#filter.hidden = this.#folders.length < FILTER_FROM;
    this.#toggle.hidden = !this.#folders.some(({ hidden }) => hidden);
    this.#draw();
    this.#list.parentElement.scrollTop = 0;
    if (focus) (this.#rows()[0] ?? this.#focusable()).focus();
  }

  #draw() {
    const wanted = this.#filter.value.trim().toLocaleLowerCase();
    const fits = ({ name, hidden }) => (this.#hidden.checked || !hidden) && name.toLocaleLowerCase().includes(wanted);
    const found = this.#folders.filter(fits);
    this.#list.replaceChildren(...found.slice(0, MOST).map((folder) => this.#row(folder)));
    this.#list.hidden = !found.length;
    this.#empty.textContent = this.#emptyText(found.length, wanted);
    this.#makeTabStop(this.#rows()[0]);
  }

  #emptyText(found, wanted) {
    const all = { n: MOST, folders: counted(found, "folder") };
    if (found > MOST) return t("These are {n} of {folders}: type a part of the name to see the others.", all);
    if (found || this.#problem) return ""; // the picker tells the problem
    if (wanted) return t("No folder has a name like this.");
    return this.#folders.length ? t("All folders in here are hidden.") : t("There are no folders in here.");
  }

  #row({ path, name, hidden = false, icon = "folder" }) {
    const row = make("button.row", { type: "button", onclick: () => this.#open(path) }, iconOf(icon), nameOf(name));
    row.classList.toggle("faint", hidden);
    row.dataset.name = name.toLocaleLowerCase();
    return make("li", {}, row);
  }

  #navigate(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const rows = this.#rows();
    const from = rows.indexOf(document.activeElement);
    const to = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined) rows[Math.max(0, Math.min(to, rows.length - 1))]?.focus();
    else if (event.key === "ArrowRight") rows[from]?.click();
    else if (event.key === "ArrowLeft" || event.key === "Backspace") this.#up();
    else if (event.key.length === 1 && event.key !== " ") this.#typeAhead(event.key, event.timeStamp);
    else return;
    event.preventDefault();
  }

  // As in a file manager: letters typed go to the next folder that begins with them.
  #typeAhead(letter, now) {
    this.#typed = (now - this.#typedAt < TYPE_AHEAD_MS ? this.#typed : "") + letter.toLocaleLowerCase();
    this.#typedAt = now;
    this.#rows().find(({ dataset }) => dataset.name.startsWith(this.#typed))?.focus();
  }

  // The list is one tab stop; arrow keys move in it.
  #makeTabStop(row) {
    for (const each of this.#rows()) each.tabIndex = each === row ? 0 : -1;
  }

  #focusable() {
    this.#empty.tabIndex = -1;
    return this.#empty;
  }

  #rows() {
    return [...this.#list.querySelectorAll("button")];
  }
}
