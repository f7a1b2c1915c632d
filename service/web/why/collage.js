/**
 * The collage: patches of the photo fly to where they match the drawing, until it is rebuilt. It can be stopped anywhere.
 */
import { t } from "../language.js";
import { element } from "../sheet.js";

const FLIGHT_MS = 2600;
const SPREAD = 1.2; // how long patches leave after one another, in flights
const STEPS = 200;

export class Collage {
  #pair;
  #patches;
  #canvas = element("canvas", { class: "why-flight", "aria-hidden": "true" });
  #button = element("button", { type: "button", class: "tool wordy framed" });
  #slider = element("input", { type: "range", min: 0, max: STEPS, value: 0, "aria-label": t("From the photo to the drawing") });
  #frame = 0;
  #sized = new ResizeObserver(() => this.#paint());

  constructor(pair, patches) {
    this.#pair = pair;
    this.#patches = [...patches].sort((one, other) => one.match - other.match || one.sketch.y - other.sketch.y);
    pair.element.append(this.#canvas);
    this.element = element("div", { class: "why-collage" }, this.#button, this.#slider);
    this.#button.addEventListener("click", () => this.#toggle());
    this.#slider.addEventListener("input", () => {
      this.#pause();
      this.#paint();
    });
    this.#sized.observe(pair.element);
    this.#say();
  }

  stop() {
    this.#pause();
    this.#sized.disconnect();
  }

  /** Back to the parts. */
  rest() {
    if (Number(this.#slider.value) === 0) return;
    this.#slider.value = 0;
    this.#pause();
    this.#paint();
  }

  #toggle() {
    if (this.#frame) return this.#pause();
    const done = Number(this.#slider.value) >= STEPS;
    this.#pair.choose(null);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#slider.value = done ? 0 : STEPS;
      this.#say();
      return this.#paint();
    }
    if (done) this.#slider.value = 0;
    this.#play();
  }

  #play() {
    const begun = performance.now() - (Number(this.#slider.value) / STEPS) * FLIGHT_MS;
    const step = (now) => {
      this.#slider.value = Math.round(STEPS * Math.min(1, Math.max(0, now - begun) / FLIGHT_MS));
      this.#frame = Number(this.#slider.value) < STEPS ? requestAnimationFrame(step) : 0;
      this.#paint();
      if (!this.#frame) this.#say();
    };
    this.#frame = requestAnimationFrame(step);
    this.#say();
  }

  #pause() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#say();
  }

  #say() {
    const done = Number(this.#slider.value) >= STEPS;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const rebuild = t("Rebuild the drawing from the photo");
    this.#button.textContent = this.#frame ? t("Pause") : done ? (still ? t("Back to the parts") : t("Once more")) : rebuild;
  }

  #paint() {
    const share = Number(this.#slider.value) / STEPS;
    const { width, height } = this.#pair.element.getBoundingClientRect();
    const scale = devicePixelRatio;
    this.#slider.style.setProperty("--at", `${100 * share}%`);
    this.#pair.element.toggleAttribute("data-collage", share > 0);
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    if (!share) return;
    const context = this.#canvas.getContext("2d");
    context.scale(scale, scale);
    const paper = this.#pair.paper();
    context.globalAlpha = 0.86 * Math.min(1, 4 * share);
    context.fillStyle = "#fff";
    context.fillRect(paper.x, paper.y, paper.width, paper.height);
    context.globalAlpha = 1;
    this.#patches.forEach((patch, i) => this.#fly(context, patch, share * (1 + SPREAD) - (SPREAD * i) / this.#patches.length));
  }

  #fly(context, { sketch, photo }, share) {
    if (share <= 0) return;
    const { photo: picture } = this.#pair;
    const [from, to] = [this.#pair.placeOf(photo, "photo"), this.#pair.placeOf(sketch, "sketch")];
    const way = eased(Math.min(1, share));
    const between = (one, other) => one + (other - one) * way;
    const edge = way === 1 ? 0.5 : 0; // no seams in what is rebuilt
    context.drawImage(
      picture,
      photo.x * picture.naturalWidth,
      photo.y * picture.naturalHeight,
      photo.width * picture.naturalWidth,
      photo.height * picture.naturalHeight,
      between(from.x, to.x) - edge,
      between(from.y, to.y) - edge,
      between(from.width, to.width) + 2 * edge,
      between(from.height, to.height) + 2 * edge,
    );
  }
}

function eased(share) {
  return share < 0.5 ? 2 * share * share : 1 - 2 * (1 - share) ** 2;
}
