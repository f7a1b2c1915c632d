/**
 * The drawing and the photo beside (or above) each other: matching parts have one colour and a line between them.
 *
 * Of the drawing, only what is drawn on is shown. `chosen` and what the pointer is over light one part and fade the others.
 */
import { t } from "../language.js";
import { element } from "../sheet.js";

const SVG = "http://www.w3.org/2000/svg";
const SIDE = 560; // pixels of the drawing
const FADED = "#cbc8c1";
// White numbers on them can be read, and they show on paper as on photos.
const COLOURS = ["#2f6fed", "#c9480a", "#267a37", "#d6336c", "#7048e8", "#0b7285", "#8a6d00", "#495057"];

export class Pair {
  chosen = null;
  #lit;
  #hovered = null;
  #answer = null;
  #paper = element("canvas", { role: "img", "aria-label": t("Your drawing") });
  #photo = element("img", { alt: t("The photo"), draggable: "false" });
  #marks = made("svg", { class: "why-marks", "aria-hidden": "true" });
  #ink = new Image();
  #sized = new ResizeObserver(() => this.#layOut());

  /** `lit(part)` is called with the part that lights up, or null. */
  constructor(drawing, photo, lit) {
    this.#lit = lit;
    this.#ink.src = drawing;
    this.#photo.src = photo.picture;
    Object.assign(this.#photo, { width: photo.width, height: photo.height });
    this.#photo.style.setProperty("--ratio", photo.width / photo.height);
    this.#paper.width = this.#paper.height = SIDE;
    const [one, other] = [t("Your drawing"), t("The photo")].map((text) => element("figcaption", {}, text));
    this.element = element(
      "div",
      { class: "pair" },
      element("figure", { class: "why-drawing" }, this.#paper, one),
      element("figure", { class: "why-photo" }, this.#photo, other),
      this.#marks,
    );
    this.#marks.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.hover(partOf(event)));
    this.#marks.addEventListener("pointerleave", () => this.hover(null));
    this.element.addEventListener("click", (event) => {
      const part = partOf(event);
      this.choose(part === this.chosen ? null : part);
    });
    this.#ink.decode().then(() => this.#paint(), () => {});
  }

  get photo() {
    return this.#photo;
  }

  /** Where the paper is. */
  paper() {
    const { attention } = this.#answer;
    return this.placeOf(attention.sketch_area, "sketch");
  }

  /** Shows an answer of the server, when both pictures are there. */
  async show(answer) {
    await Promise.allSettled([this.#ink.decode(), this.#photo.decode()]);
    this.#answer = answer;
    this.#paint();
    this.#sized.observe(this.element);
    this.#sized.observe(this.#photo);
    this.#layOut();
  }

  leave() {
    this.#sized.disconnect();
  }

  colour(part) {
    return COLOURS[part % COLOURS.length];
  }

  hover(part) {
    if (part === this.#hovered) return;
    this.#hovered = part;
    this.#update();
  }

  choose(part) {
    if (part === this.chosen) return;
    this.chosen = part;
    this.#update();
  }

  /** Where a box of the drawing or the photo is on the screen, from the corner of the element. */
  placeOf(box, where) {
    const around = this.element.getBoundingClientRect();
    const picture = where === "sketch" ? this.#paper : this.#photo;
    const { left, top, width, height } = picture.getBoundingClientRect();
    const { x, y, width: w, height: h } = where === "sketch" ? this.#inside(box) : box;
    return { x: left - around.left + x * width, y: top - around.top + y * height, width: w * width, height: h * height };
  }

  /** A box of the drawing as one of the part of it that is shown. */
  #inside(box) {
    const area = this.#answer?.attention.sketch_area ?? { x: 0, y: 0, width: 1, height: 1 };
    return {
      x: (box.x - area.x) / area.width,
      y: (box.y - area.y) / area.height,
      width: box.width / area.width,
      height: box.height / area.height,
    };
  }

  #update() {
    const part = this.#hovered ?? this.chosen;
    this.element.toggleAttribute("data-lit", part !== null);
    for (const group of this.#marks.querySelectorAll(".part")) {
      group.classList.toggle("lit", Number(group.dataset.part) === part);
    }
    this.#shade(part);
    this.#paint();
    this.#lit(part);
  }

  /** Paints the drawing, its ink in the colours of the parts. */
  #paint() {
    const context = this.#paper.getContext("2d");
    const all = this.#inside({ x: 0, y: 0, width: 1, height: 1 });
    context.globalCompositeOperation = "source-over";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    context.drawImage(this.#ink, all.x * SIDE, all.y * SIDE, all.width * SIDE, all.height * SIDE);
    context.globalCompositeOperation = "lighten";
    const lit = this.#hovered ?? this.chosen;
    for (const { sketch, match } of this.#answer?.collage ?? []) {
      const { x, y, width, height } = this.#inside(sketch);
      context.fillStyle = lit === null || lit === match ? this.colour(match) : FADED;
      const edges = [x, y, x + width, y + height].map((edge) => Math.round(edge * SIDE)); // without seams
      context.fillRect(edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]);
    }
  }

  #layOut() {
    const { width, height } = this.element.getBoundingClientRect();
    this.#marks.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const parts = this.#answer.matches.map((match, i) => {
      const places = ["sketch", "photo"].map((where) => this.placeOf(match[where], where));
      return { group: this.#part(places, i), size: places[0].width * places[0].height };
    });
    // The pointer finds the smaller one of two that overlap.
    parts.sort((one, other) => other.size - one.size);
    this.#marks.replaceChildren(made("path", { class: "shade" }), ...parts.map(({ group }) => group));
    this.#update();
  }

  #part(places, i) {
    const group = made("g", { class: "part", "data-part": i });
    group.style.setProperty("--part", this.colour(i));
    const [from, to] = [this.#inkNear(centreOf(places[0]), i), centreOf(places[1])];
    const line = `M${from.x} ${from.y}L${to.x} ${to.y}`;
    group.append(made("path", { class: "halo", d: line }), made("path", { class: "line", d: line }));
    for (const [where, { x, y, width, height }] of ["around-ink", "in-photo"].map((name, n) => [name, places[n]])) {
      const box = { x, y, width, height, rx: 5 };
      group.append(made("rect", { class: `halo ${where}`, ...box }), made("rect", { class: `box ${where}`, ...box }));
    }
    for (const { x, y } of [from, to]) {
      const number = made("text", { x, y, dy: "0.36em" });
      number.textContent = i + 1;
      group.append(made("circle", { cx: x, cy: y, r: 10 }), number);
    }
    return group;
  }

  /** The middle of the part's ink that is nearest to a point. */
  #inkNear(point, part) {
    const inked = this.#answer.collage.filter(({ match }) => match === part);
    const middles = inked.map(({ sketch }) => centreOf(this.placeOf(sketch, "sketch")));
    const away = ({ x, y }) => Math.hypot(x - point.x, y - point.y);
    return middles.reduce((best, one) => (away(one) < away(best) ? one : best), middles[0] ?? point);
  }

  /** Darkens the photo, but for what matches a part. */
  #shade(part) {
    const shade = this.#marks.querySelector(".shade");
    if (!shade) return;
    const whole = this.placeOf({ x: 0, y: 0, width: 1, height: 1 }, "photo");
    const hole = part === null ? null : this.placeOf(this.#answer.matches[part].photo, "photo");
    shade.setAttribute("d", hole ? frameOf(whole) + frameOf(hole) : "");
  }
}

function frameOf({ x, y, width, height }) {
  return `M${x} ${y}h${width}v${height}h${-width}z`;
}

function centreOf({ x, y, width, height }) {
  return { x: x + width / 2, y: y + height / 2 };
}

function partOf(event) {
  const group = event.target.closest?.(".part");
  return group ? Number(group.dataset.part) : null;
}

function made(name, attributes) {
  const one = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
  return one;
}
