/**
 * What a field may be filled with: a list below it that typing narrows, with the number of photos for each.
 */
import { locale } from "../language.js";

export class Choices {
  #field;
  #list;
  #nested;
  #all = []; // [{value, photos}]
  #active = -1;

  /** `nested` values are paths, shown as a tree. */
  constructor(field, list, { nested = false } = {}) {
    this.#field = field;
    this.#list = list;
    this.#nested = nested;
    Object.assign(field, { role: "combobox", ariaExpanded: "false", ariaAutoComplete: "list" });
    field.setAttribute("aria-controls", list.id);
    field.addEventListener("focus", () => this.#show(false));
    field.addEventListener("click", () => this.#show(false));
    field.addEventListener("input", (event) => event.isTrusted && this.#show(true));
    field.addEventListener("blur", () => this.#hide());
    field.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#choose(option.dataset.value);
    });
  }

  offer(values) {
    this.#all = values;
    if (document.activeElement === this.#field) this.#show(false);
  }

  // All of them, when one comes to the field; those with what has been typed, while one types.
  #show(narrowed) {
    const typed = this.#field.value.trim().toLowerCase();
    const shown = this.#all.filter(({ value }) => !narrowed || !typed || value.toLowerCase().includes(typed));
    this.#active = -1;
    this.#list.replaceChildren(...shown.map((one, i) => this.#option(one, i)));
    this.#list.hidden = shown.length === 0;
    this.#field.ariaExpanded = String(shown.length > 0);
    this.#field.removeAttribute("aria-activedescendant");
    this.#list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  #hide() {
    this.#list.hidden = true;
    this.#field.ariaExpanded = "false";
    this.#field.removeAttribute("aria-activedescendant");
  }

  #option({ value, photos }, number) {
    const [option, name, count] = ["li", "span", "span"].map((tag) => document.createElement(tag));
    const parents = this.#nested ? this.#all.filter((one) => value.startsWith(`${one.value}/`)) : [];
    const inside = Math.max(0, ...parents.map((one) => one.value.length + 1));
    Object.assign(option, { role: "option", id: `${this.#list.id}-${number}` });
    option.dataset.value = value;
    option.ariaSelected = String(value === this.#field.value.trim());
    option.title = value;
    option.style.setProperty("--depth", Math.min(6, parents.length));
    name.textContent = value.slice(inside);
    count.textContent = photos.toLocaleString(locale());
    option.append(name, " ", count);
    return option;
  }

  #choose(value) {
    this.#field.value = value;
    this.#field.dispatchEvent(new Event("input", { bubbles: true }));
    this.#hide();
  }

  #key(event) {
    const options = [...this.#list.children];
    if (event.key === "Escape" && !this.#list.hidden) this.#hide();
    else if (event.key === "Enter" && this.#active >= 0) this.#choose(options[this.#active].dataset.value);
    else if (["ArrowDown", "ArrowUp"].includes(event.key)) this.#move(options, event.key === "ArrowDown" ? 1 : -1);
    else return;
    event.preventDefault();
  }

  #move(options, step) {
    if (this.#list.hidden) return this.#show(false);
    options[this.#active]?.classList.remove("active");
    this.#active = (this.#active + step + options.length) % options.length;
    const option = options[this.#active];
    option.classList.add("active");
    option.scrollIntoView({ block: "nearest" });
    this.#field.setAttribute("aria-activedescendant", option.id);
  }
}
