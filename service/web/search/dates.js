/**
 * Dates as filters: a year, a month or a day, written "2024", "2024-07" or "2024-07-31"; and the fields for one.
 */
import { locale, t } from "../language.js";

const WRITTEN = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/;

/** The text if it is such a date, or else nothing. */
export function dateOrNone(text) {
  const [, year, month, day] = WRITTEN.exec(text ?? "") ?? [];
  if (!year || Number(year) === 0) return "";
  const date = utc(year, month ?? 1, day ?? 1);
  const real = (!month || date.getUTCMonth() === month - 1) && (!day || date.getUTCDate() === Number(day));
  return real ? text : "";
}

/** The first day of a date. */
export function firstDay(text) {
  return text && `${text}-01-01`.slice(0, 10);
}

/** The first day that no longer belongs to a date. */
export function dayAfter(text) {
  const [, year, month, day] = WRITTEN.exec(text) ?? [];
  if (!year) return "";
  const [y, m, d] = [Number(year), Number(month ?? 1), Number(day ?? 1)];
  const next = day ? utc(y, m, d + 1) : month ? utc(y, m + 1, 1) : utc(y + 1, 1, 1);
  return next.toISOString().slice(0, 10);
}

/** Fields for a date: year, month and day, of which the later ones may stay empty. */
export class DateField {
  #box;

  /** `box` is a fieldset with a legend and a div. */
  constructor(box) {
    this.#box = box;
    const name = box.querySelector("legend").textContent.trim();
    const month = select("month", `${name}: ${t("month")}`);
    month.append(new Option(t("Month"), ""));
    for (let number = 1; number <= 12; number += 1) {
      const text = new Date(2024, number - 1).toLocaleDateString(locale(), { month: "short" });
      month.append(new Option(text, String(number).padStart(2, "0")));
    }
    const year = number("year", `${name}: ${t("year")}`, t("Year"), 4);
    const day = number("day", `${name}: ${t("day")}`, t("Day"), 2);
    box.querySelector("div").append(year, month, day);
    this.#limit();
    box.addEventListener("input", () => this.#limit());
  }

  get value() {
    const { year, month, day } = this.#parts();
    return dateOrNone([year.value.trim(), month.value, day.value.trim().padStart(2, "0")].slice(0, this.#length()).join("-"));
  }

  set value(text) {
    if (text === this.value && (text || !this.#box.contains(document.activeElement))) return;
    if (!text && this.#box.contains(document.activeElement)) return; // half a date is on its way to a whole one
    const parts = this.#parts();
    const [year = "", month = "", day = ""] = text.split("-");
    Object.assign(parts.year, { value: year });
    Object.assign(parts.month, { value: month });
    Object.assign(parts.day, { value: day && String(Number(day)) });
    this.#limit();
  }

  #length() {
    const { year, month, day } = this.#parts();
    if (!year.value.trim()) return 0;
    return !month.value ? 1 : day.value.trim() ? 3 : 2;
  }

  // A month needs a year, and a day a month.
  #limit() {
    const { year, month, day } = this.#parts();
    month.disabled = !/^\d{4}$/.test(year.value.trim());
    day.disabled = month.disabled || !month.value;
    const given = Boolean(year.value.trim());
    this.#box.classList.toggle("wrong", given && year.value.trim().length >= 4 && !this.value);
  }

  #parts() {
    return Object.fromEntries(["year", "month", "day"].map((part) => [part, this.#box.querySelector(`[data-part=${part}]`)]));
  }
}

// Date.UTC takes years below 100 for those of the last century.
function utc(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return date;
}

function number(part, name, placeholder, digits) {
  const field = document.createElement("input");
  Object.assign(field, { inputMode: "numeric", autocomplete: "off", maxLength: digits, placeholder, ariaLabel: name });
  field.dataset.part = part;
  return field;
}

function select(part, name) {
  const field = document.createElement("select");
  field.ariaLabel = name;
  field.dataset.part = part;
  return field;
}
