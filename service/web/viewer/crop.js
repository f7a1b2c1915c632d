/**
 * Selects a region of a photo to search with: by dragging, by its corners, or with the arrow keys.
 */
import { t } from "../language.js";

const FIRST = { left: 0.2, top: 0.2, right: 0.8, bottom: 0.8 };
const WHOLE = { left: 0, top: 0, right: 1, bottom: 1 };
const LEAST_PX = 24;
const STEP = 0.02;
const SHARP = 640; // pixels along the longer side of a region, where the photo has them
const MOST = 1024;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CORNERS = {
  "top left": () => t("Top left corner"),
  "top right": () => t("Top right corner"),
  "bottom left": () => t("Bottom left corner"),
  "bottom right": () => t("Bottom right corner"),
};

/** Promises the region that was selected as a picture, or null; `imageWith(pixels)` promises the photo's image. */
export async function selectRegion(dialog, frame, photo, imageWith) {
  const region = new Region(frame);
  const bar = barOf();
  dialog.querySelector(".screen").append(bar);
  region.focus();
  const chosen = await new Promise((resolve) => {
    const cancel = (event) => {
      event.preventDefault();
      resolve(null);
    };
    const keys = (event) => {
      if (event.key === "Escape") cancel(event);
      if (event.key === "Enter" && event.target.localName !== "button") resolve(region.bounds);
      if (event.key !== "Tab") event.stopPropagation();
    };
    dialog.addEventListener("cancel", cancel, { once: true });
    dialog.addEventListener("close", () => resolve(null), { once: true });
    for (const part of [region.layer, bar]) part.addEventListener("keydown", keys);
    bar.querySelector(".cancel").addEventListener("click", cancel);
    bar.querySelector(".search").addEventListener("click", () => resolve(region.bounds));
    region.finished = () => dialog.removeEventListener("cancel", cancel);
  });
  region.finished();
  const picture = chosen && (await cut(await imageWith(pixelsFor(chosen, photo)), chosen));
  region.layer.remove();
  bar.remove();
  return picture;
}

/** How many pixels the longer side of the photo needs, so that the region has enough. */
function pixelsFor({ left, top, right, bottom }, { width, height }) {
  return (SHARP * Math.max(width, height)) / Math.max((right - left) * width, (bottom - top) * height);
}

async function cut(image, { left, top, right, bottom }) {
  const [across, down] = [image.naturalWidth, image.naturalHeight];
  const [width, height] = [(right - left) * across, (bottom - top) * down];
  const scale = Math.min(1, MOST / Math.max(width, height));
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, left * across, top * down, width, height, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
}

class Region {
  layer = document.createElement("div");
  bounds = { ...FIRST };
  #box = document.createElement("div");
  #drag = null; // {x, y, bounds, sides}: where it began; sides are the edges that follow the pointer

  constructor(frame) {
    this.layer.className = "region-layer";
    this.#box.className = "region";
    this.#box.tabIndex = 0;
    this.#box.setAttribute("role", "group");
    this.#box.append(...Object.entries(CORNERS).map(([sides, name]) => cornerOf(sides, name())));
    this.layer.append(this.#box);
    frame.append(this.layer);
    this.layer.addEventListener("pointerdown", (event) => this.#begin(event));
    this.layer.addEventListener("pointermove", (event) => this.#follow(event));
    for (const type of ["pointerup", "pointercancel"]) this.layer.addEventListener(type, () => this.#end());
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#draw();
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  #begin(event) {
    if (event.button || this.#drag) return;
    event.preventDefault();
    event.stopPropagation();
    this.layer.setPointerCapture(event.pointerId);
    const at = this.#pointOf(event);
    const sides = event.target.dataset.sides?.split(" ");
    const inside = this.#box.contains(event.target);
    if (sides) this.#drag = { ...at, bounds: this.bounds, sides };
    else if (inside) this.#drag = { ...at, bounds: this.bounds, sides: ["left", "right", "top", "bottom"] };
    else this.#drag = { ...at, bounds: { left: at.x, right: at.x, top: at.y, bottom: at.y }, sides: ["right", "bottom"] };
    (sides ? event.target : this.#box).focus({ preventScroll: true });
  }

  #follow(event) {
    if (!this.#drag) return;
    const { x, y } = this.#pointOf(event);
    this.#shift(this.#drag.bounds, this.#drag.sides, x - this.#drag.x, y - this.#drag.y);
  }

  #end() {
    this.#drag = null;
  }

  #key(event) {
    const [x, y] = ARROWS[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    const corner = event.target.dataset.sides?.split(" ");
    const resized = event.shiftKey ? ["right", "bottom"] : ["left", "right", "top", "bottom"];
    this.#shift(this.bounds, corner ?? resized, x * STEP, y * STEP);
  }

  /** Moves some edges of the bounds; they stay in the photo, and edges dragged over each other swap. */
  #shift(bounds, sides, dx, dy) {
    const whole = sides.length === 4;
    const [x, y] = whole ? [within(dx, -bounds.left, 1 - bounds.right), within(dy, -bounds.top, 1 - bounds.bottom)] : [dx, dy];
    const moved = { ...bounds };
    for (const side of sides) moved[side] = within(bounds[side] + (side === "left" || side === "right" ? x : y), 0, 1);
    const { width, height } = this.layer.getBoundingClientRect();
    const [left, right] = apart(moved.left, moved.right, LEAST_PX / width);
    const [top, bottom] = apart(moved.top, moved.bottom, LEAST_PX / height);
    this.bounds = { left, top, right, bottom };
    this.#draw();
  }

  #draw() {
    for (const side of Object.keys(WHOLE)) {
      const inset = side === "right" || side === "bottom" ? 1 - this.bounds[side] : this.bounds[side];
      this.#box.style[side] = `${100 * inset}%`;
    }
    const { left, top, right, bottom } = this.bounds;
    const size = { width: Math.round(100 * (right - left)), height: Math.round(100 * (bottom - top)) };
    const name = t("Region, {width}% wide and {height}% high: arrow keys move it, with Shift they resize it", size);
    this.#box.setAttribute("aria-label", name);
  }

  #pointOf(event) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    return { x: within((event.clientX - left) / width, 0, 1), y: within((event.clientY - top) / height, 0, 1) };
  }
}

function within(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

/** Two edges in order, and at least so far apart. */
function apart(one, other, least) {
  const [low, high] = one < other ? [one, other] : [other, one];
  const room = Math.min(1, least);
  const start = within(low, 0, 1 - room);
  return [start, Math.max(high, start + room)];
}

function cornerOf(sides, name) {
  const corner = document.createElement("button");
  corner.type = "button";
  corner.className = "knob";
  corner.dataset.sides = sides;
  corner.ariaLabel = corner.title = name;
  return corner;
}

function barOf() {
  const bar = document.createElement("div");
  bar.className = "region-bar";
  const hint = document.createElement("p");
  hint.textContent = t("Drag around what you want to find.");
  bar.append(hint, buttonOf("cancel", t("Cancel")), buttonOf("search", t("Search")));
  return bar;
}

function buttonOf(name, text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = `deed ${name}`;
  button.textContent = text;
  return button;
}
