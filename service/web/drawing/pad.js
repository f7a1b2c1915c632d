/**
 * The canvas you draw on: turns pointer events into strokes and keeps the screen in step with the drawing.
 */
import { PAPER } from "./drawing.js";
import { touches } from "./geometry.js";
import { Layer, blankContext, paint } from "./ink.js";

const CLOSEST_POINTS = 1.5; // paper units: closer points only add jitter
const PALM_REST_MS = 1000; // a touch this soon after the pen is the palm of the same hand
const ERASER_WIDTH = 40; // paper units
const REMOVE_REACH = 10; // paper units: how close to a stroke counts as touching it
const PEN_ERASER = 32; // in a pointer's `buttons`: the pen is held upside down

export class Pad {
  penWidth = 7;
  tool = "pen"; // or "erase", which removes ink, or "remove", which removes whole strokes
  #canvas;
  #drawing;
  #hooks;
  #gesture = null; // of a pointer or a replayed example: {pointer, kind, tool, item, hits}
  #lastPen = -Infinity;
  #frame = 0;
  #settled = new Layer();

  /** hooks {touched, started, moved, dropped} follow a gesture; when it succeeds, the drawing fires "change". */
  constructor(canvas, drawing, hooks) {
    this.#canvas = canvas;
    this.#drawing = drawing;
    this.#hooks = hooks;
    this.#listen();
  }

  /** The stroke still being drawn, or null. */
  get unfinished() {
    return this.#gesture?.item ?? null;
  }

  /** Shows a stroke that is not part of the drawing yet; null hides it. */
  show(item) {
    this.#gesture = item && { pointer: null, kind: "replay", tool: "pen", item };
    this.#redraw();
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#cancel(event));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.#drawing.addEventListener("change", () => this.#redraw());
    new ResizeObserver(() => this.#redraw()).observe(canvas);
    addEventListener("resize", () => this.#redraw()); // zooming changes only the pixel ratio
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
    matchMedia("(forced-colors: active)").addEventListener("change", () => this.#redraw());
  }

  #down(event) {
    const { pointerId, pointerType, button, buttons } = event;
    const upsideDown = pointerType === "pen" && (buttons & PEN_ERASER) !== 0;
    if ((button !== 0 && !upsideDown) || this.#isPalm(pointerType)) return;
    this.#hooks.touched();
    if (this.#gesture && !(pointerType === "pen" && this.#gesture.kind === "touch")) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(pointerId);
    this.#gesture = { pointer: pointerId, kind: pointerType, ...this.#begun(upsideDown ? "erase" : this.tool) };
    this.#extend([event]);
    this.#hooks.started();
  }

  #begun(tool) {
    if (tool === "remove") return { tool, item: null, hits: new Set() };
    if (tool === "erase") return { tool, item: { width: ERASER_WIDTH, erase: true, points: [] } };
    return { tool, item: { width: this.penWidth, points: [] } };
  }

  #move(event) {
    if (event.pointerType === "pen") this.#lastPen = event.timeStamp;
    if (event.pointerId !== this.#gesture?.pointer) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    this.#extend(coalesced.length ? coalesced : [event]);
    this.#hooks.moved();
  }

  #up(event) {
    if (event.pointerId !== this.#gesture?.pointer) return;
    const { item, hits } = this.#gesture;
    this.#gesture = null;
    if (hits?.size) this.#drawing.remove(hits);
    else if (item && !(item.erase && this.#drawing.isEmpty)) this.#drawing.add(item);
    else this.#drop();
  }

  // The system cancels a pointer that turns out to be a palm or a system gesture.
  #cancel(event) {
    if (event.pointerId === this.#gesture?.pointer) this.#drop();
  }

  #drop() {
    this.#gesture = null;
    this.#redraw();
    this.#hooks.dropped();
  }

  #isPalm(pointerType) {
    return pointerType === "touch" && performance.now() - this.#lastPen < PALM_REST_MS;
  }

  #extend(events) {
    const box = this.#canvas.getBoundingClientRect();
    const scale = PAPER / box.width;
    for (const event of events) {
      const point = { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
      if (this.#gesture.tool === "remove") this.#hit(point);
      else append(this.#gesture.item.points, { ...point, pressure: this.#gesture.item.erase ? 1 : pressureOf(event) });
    }
    this.#redraw();
  }

  #hit(point) {
    const { hits, last = point } = this.#gesture;
    for (const item of this.#drawing.items) {
      if (!item.mask && !item.erase && touches(item, last, point, REMOVE_REACH)) hits.add(item);
    }
    this.#gesture.last = point;
  }

  #redraw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint() {
    const { width, height } = this.#canvas.getBoundingClientRect();
    const pixels = Math.max(1, Math.round(Math.min(width, height) * devicePixelRatio));
    const ink = getComputedStyle(this.#canvas).color;
    if (this.#canvas.width !== pixels) this.#canvas.width = this.#canvas.height = pixels;
    const context = blankContext(this.#canvas, ink);
    const hits = this.#gesture?.hits;
    const { items, epoch } = this.#drawing;
    const left = hits?.size ? items.filter((item) => !hits.has(item)) : items;
    this.#settled.update(left, `${epoch} ${hits?.size ?? 0}`, pixels, ink);
    context.drawImage(this.#settled.canvas, 0, 0, PAPER, PAPER);
    if (this.#gesture?.item) paint(context, [this.#gesture.item]);
  }
}

function append(points, point) {
  const last = points.at(-1);
  if (!last || Math.hypot(point.x - last.x, point.y - last.y) >= CLOSEST_POINTS) points.push(point);
}

// Only pens measure pressure: a mouse always reports 0.5, and values for fingers mean little.
function pressureOf({ pointerType, pressure }) {
  return pointerType === "pen" && pressure > 0 ? 0.4 + 1.2 * pressure : 1;
}
