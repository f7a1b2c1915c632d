/**
 * The folders to choose among: each with a box to tick, its photos counted, and why it cannot be used, if so.
 */
import { counted, t } from "../language.js";
import { iconOf, make, nameOf, pathOf, lastOf } from "./elements.js";
import { sentence, told } from "./library.js";

const ICONS = { Pictures: "pictures", Home: "home" };
const NAMES = { Pictures: t("Pictures"), Home: t("Home folder") };

export class Choices {
  element = make("ul.choices", { "aria-label": t("Folders to search") });
  #library;
  #changed;
  #all = []; // {path, name, box, says, row, count}

  constructor(library, changed) {
    this.#library = library;
    this.#changed = changed;
    this.element.addEventListener("change", () => this.#update());
  }

  /** Those ticked, without those that lie in another one ticked. */
  get chosen() {
    return this.#ticked().filter((choice) => !this.#around(choice));
  }

  get photos() {
    return this.chosen.reduce((sum, { count }) => sum + (count?.photos ?? 0), 0);
  }

  get complete() {
    return this.chosen.every(({ count }) => count?.complete);
  }

  get counting() {
    return this.#all.some(({ count }) => count === null);
  }

  /**
   * Shows places and counts them one after another; the folder for pictures is ticked if it has any. Drives without
   * photos go away again.
   */
  async suggest(places) {
    const known = new Set(this.#all.map(({ path }) => path));
    const added = places.filter(({ path }) => !known.has(path)).map((place) => this.#show(place));
    this.#update();
    for (const choice of added) {
      await this.#count(choice);
      if (choice.name === "Pictures" && choice.count.photos && !choice.touched) choice.box.checked = true;
      if (!NAMES[choice.name] && !choice.count.photos && choice.count.complete && !choice.touched) this.#drop(choice);
      this.#update();
    }
  }

  /** Adds a folder and ticks it. */
  async add(path) {
    const known = this.#all.find((choice) => choice.path === path);
    const choice = known ?? this.#show({ path, name: lastOf(path) });
    [choice.box.disabled, choice.box.checked, choice.touched] = [false, true, true];
    this.#update();
    choice.box.focus();
    if (!choice.count?.photos) await this.#count(choice);
    this.#update();
  }

  /** The server does not take this folder after all. */
  refuse(choice, problem) {
    choice.count = { photos: 0, skipped: 0, complete: true, problem };
    choice.box.checked = false;
    this.#update();
    choice.box.focus();
  }

  #show({ path, name }) {
    const box = make("input", { type: "checkbox" });
    const says = make("span.says");
    const title = make("span.title", {}, NAMES[name] ?? nameOf(name));
    const label = make("label", {}, box, iconOf(ICONS[name] ?? "folder"), make("span.what", {}, title, pathOf(path)), says);
    const choice = { path, name, box, says, row: make("li", {}, label), count: null, touched: false };
    box.addEventListener("change", () => (choice.touched = true));
    this.#all.push(choice);
    this.element.append(choice.row);
    return choice;
  }

  #drop(choice) {
    this.#all.splice(this.#all.indexOf(choice), 1);
    choice.row.remove();
  }

  async #count(choice) {
    choice.count = null;
    try {
      choice.count = (await this.#library.count(choice.path)) ?? { photos: 0, complete: true, problem: t("Not allowed") };
    } catch (problem) {
      choice.count = { photos: 0, complete: true, problem: told(problem) };
    }
    if (choice.count.problem) choice.box.checked = false;
  }

  #ticked() {
    return this.#all.filter(({ box }) => box.checked);
  }

  #around(choice) {
    return this.#ticked().find(({ path }) => path !== choice.path && `${choice.path}/`.startsWith(`${path.replace(/\/$/, "")}/`));
  }

  #update() {
    for (const choice of this.#all) {
      const { box, says, row, count } = choice;
      const around = box.checked && this.#around(choice);
      box.disabled = Boolean(count?.problem);
      row.classList.toggle("refused", box.disabled);
      row.classList.toggle("chosen", box.checked && !around);
      says.textContent = around ? t("part of {folder}", { folder: NAMES[around.name] ?? nameOf(around.name) }) : saysOf(count);
    }
    this.#changed();
  }
}

function saysOf(count) {
  if (count === null) return t("counting…");
  if (count.problem) return sentence(count.problem);
  return count.complete ? counted(count.photos) : t("more than {photos}", { photos: counted(count.photos) });
}
