/**
 * The rail beside the photos: years and months, and a thumb that goes to any of them.
 */
import { locale, t } from "../language.js";
import { monthName } from "./sections.js";

const LABEL_PX = 26; // between two years
const SCREENS = 2.5; // a shorter list needs no rail; a rail makes the list a little shorter
const LINGER_MS = 1200;

export class Scrubber {
  #rail;
  #timeline;
  #months = [];
  #drawn = "";
  #timer = 0;
  #chosen = {}; // by a key: {number, scrolled}

  constructor(rail, timeline) {
    this.#rail = rail;
    this.#timeline = timeline;
    timeline.addEventListener("moved", () => this.#follow());
    rail.addEventListener("keydown", (event) => this.#key(event));
    rail.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      rail.setPointerCapture(event.pointerId);
      rail.classList.add("held");
      this.#drag(event);
      rail.focus({ preventScroll: true });
      event.preventDefault();
    });
    rail.addEventListener("pointermove", (event) => {
      if (rail.classList.contains("held")) this.#drag(event);
      else this.#hint(event);
    });
    for (const end of ["pointerup", "pointercancel"]) rail.addEventListener(end, () => rail.classList.remove("held"));
    rail.addEventListener("pointerleave", () => this.#say(this.#current()));
  }

  #follow() {
    const { blocks, total, visible } = this.#timeline;
    const shown = visible && total > 0 && blocks.height > (this.#rail.hidden ? SCREENS : 0.8 * SCREENS) * innerHeight;
    this.#rail.hidden = !shown;
    this.#rail.classList.toggle("below", this.#timeline.top > innerHeight / 2);
    if (!shown) return;
    this.#draw();
    this.#rail.style.setProperty("--at", `${100 * this.#part()}%`);
    const current = this.#current();
    this.#rail.ariaValueNow = String(current);
    this.#rail.ariaValueText = monthName(this.#months[current].month);
    if (this.#rail.matches(".held, :not(:hover)")) this.#say(current);
    this.#rail.classList.add("moving");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#rail.classList.remove("moving"), LINGER_MS);
  }

  // How far through the list the top of the window is, from 0 to 1.
  #part() {
    return Math.min(1, Math.max(0, -this.#timeline.top / this.#reach()));
  }

  #reach() {
    return Math.max(1, this.#timeline.blocks.height - innerHeight);
  }

  // The month at the top of the window, by its number; the last ones cannot get there.
  #current() {
    if (this.#chosen.scrolled === scrollY) return this.#chosen.number;
    return this.#part() === 1 ? this.#months.length - 1 : this.#monthAt(this.#part());
  }

  #monthAt(part) {
    const next = this.#months.findIndex(({ block }) => block.top > part * this.#reach());
    return (next < 0 ? this.#months.length : Math.max(1, next)) - 1;
  }

  #draw() {
    const { blocks } = this.#timeline;
    this.#months = blocks.months();
    const key = [blocks.height, innerHeight, this.#months.length].join();
    if (key === this.#drawn) return;
    this.#drawn = key;
    this.#rail.ariaValueMin = "0";
    this.#rail.ariaValueMax = String(this.#months.length - 1);
    const pixels = this.#rail.clientHeight;
    const marks = [];
    let [year, below] = ["", -Infinity];
    for (const { month, block } of this.#months) {
      const at = Math.min(1, block.top / this.#reach());
      const mark = document.createElement("span");
      mark.style.top = `${100 * at}%`;
      if (yearOf(month) !== year && at * pixels - below >= LABEL_PX) {
        below = at * pixels;
        mark.textContent = month ? new Date(Number(yearOf(month)), 0).toLocaleDateString(locale(), { year: "numeric" }) : "–";
        year = yearOf(month);
      } else if (marks.length && at * pixels - marks.at(-1).at < 6) continue;
      marks.push({ mark, at: at * pixels });
    }
    this.#rail.querySelector(".marks").replaceChildren(...marks.map(({ mark }) => mark));
  }

  #at({ clientY }) {
    const { top, height } = this.#rail.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientY - top) / height));
  }

  #drag(event) {
    const part = this.#at(event);
    scrollBy({ top: this.#timeline.top + part * this.#reach(), behavior: "instant" });
    this.#timeline.render();
  }

  // Where a click would lead.
  #hint(event) {
    if (event.pointerType !== "mouse") return;
    const part = this.#at(event);
    this.#rail.style.setProperty("--hint", `${100 * part}%`);
    this.#say(this.#monthAt(part));
  }

  #say(number) {
    const { month } = this.#months[number] ?? {};
    if (month !== undefined) this.#rail.querySelector(".now").textContent = month ? monthName(month, "short") : t("No date");
  }

  #key(event) {
    const last = this.#months.length - 1;
    const now = this.#current();
    const to = {
      ArrowDown: () => Math.min(last, now + 1),
      ArrowRight: () => Math.min(last, now + 1),
      ArrowUp: () => Math.max(0, now - 1),
      ArrowLeft: () => Math.max(0, now - 1),
      PageDown: () => this.#nextYear(now),
      PageUp: () => this.#yearBefore(now),
      Home: () => 0,
      End: () => last,
    }[event.key]?.();
    if (to === undefined) return;
    event.preventDefault();
    scrollBy({ top: this.#timeline.top + this.#months[to].block.top + 1, behavior: "instant" });
    this.#chosen = { number: to, scrolled: scrollY };
    this.#timeline.render();
  }

  #nextYear(now) {
    const next = this.#months.findIndex(({ month }, i) => i > now && yearOf(month) !== yearOf(this.#months[now].month));
    return next < 0 ? this.#months.length - 1 : next;
  }

  // To where this year starts, or from there to where the one before does.
  #yearBefore(now) {
    const year = yearOf(this.#months[Math.max(0, now - 1)].month);
    return this.#months.findIndex(({ month }) => yearOf(month) === year);
  }
}

function yearOf(month) {
  return month.slice(0, 4);
}
