/**
 * The rail beside the photos: years and months, and a thumb that goes to any of them.
 */
import { locale, t } from "../language.js";
import { monthName } from "./sections.js";

const LABEL_PX = 26; // between two years
const SCREENS = 2.5; // a shorter list needs no rail; a rail makes the list a little shorter
const LINGER_MS = 1200;
const STILL_PX = 3; // a hand that holds still moves no further
const IN_SIGHT_PX = 150; // of the month that is named, while one drags

export class Scrubber {
  #rail;
  #timeline;
  #months = [];
  #drawn = "";
  #timer = 0;
  #named = null; // {month, y}: what was said of a place on the rail, and holds although heights change

  constructor(rail, timeline) {
    this.#rail = rail;
    this.#timeline = timeline;
    timeline.addEventListener("moved", () => this.#follow());
    rail.addEventListener("keydown", (event) => this.#key(event));
    rail.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      rail.setPointerCapture(event.pointerId);
      rail.classList.add("held");
      this.#press(event);
      rail.focus({ preventScroll: true });
      event.preventDefault();
    });
    rail.addEventListener("pointermove", (event) => {
      if (rail.classList.contains("held")) this.#drag(event);
      else this.#hint(event);
    });
    for (const end of ["pointerup", "pointercancel"]) rail.addEventListener(end, () => rail.classList.remove("held"));
    rail.addEventListener("pointerleave", () => {
      this.#named = null;
      this.#say(this.#current());
    });
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
    const { held } = this.#timeline;
    const chosen = held ? this.#numberOf(held.month) : -1;
    if (chosen >= 0) return chosen;
    return this.#part() === 1 ? this.#months.length - 1 : this.#monthAt(this.#part());
  }

  #numberOf(month) {
    return this.#months.findIndex((one) => one.month === month);
  }

  #monthAt(part) {
    if (part === 1) return this.#months.length - 1;
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
        mark.textContent = month ? Number(yearOf(month)).toLocaleString(locale(), { useGrouping: false }) : "–";
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

  // The month at a place on the rail, by its number: the one that was named there, as long as the hand holds still.
  #under(event) {
    const known = this.#isStill(event) ? this.#numberOf(this.#named.month) : -1;
    if (known >= 0) return known;
    const number = this.#monthAt(this.#at(event));
    this.#named = { month: this.#months[number].month, y: event.clientY };
    return number;
  }

  #isStill({ clientY }) {
    return this.#named !== null && Math.abs(clientY - this.#named.y) <= STILL_PX;
  }

  // As much of the month as there is room for.
  #press(event) {
    this.#goNear(event, this.#under(event), innerHeight);
  }

  #drag(event) {
    if (!this.#isStill(event)) this.#goNear(event, this.#under(event), IN_SIGHT_PX);
  }

  #goNear(event, number, room) {
    const { blocks } = this.#timeline;
    const part = this.#at(event);
    const { top } = this.#months[number].block;
    const end = this.#months[number + 1]?.block.top ?? blocks.height;
    const y = Math.max(top + 1, Math.min(part * this.#reach(), end - room));
    const block = blocks.at(y);
    this.#rail.style.setProperty("--hint", `${100 * part}%`);
    this.#timeline.goTo(block, y - block.top);
  }

  // Where a click would lead.
  #hint(event) {
    if (event.pointerType !== "mouse") return;
    this.#rail.style.setProperty("--hint", `${100 * this.#at(event)}%`);
    this.#say(this.#under(event));
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
    this.#timeline.goTo(this.#months[to].block);
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
