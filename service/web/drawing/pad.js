/**
 * The canvas one draws on: pointers in, strokes out, and the screen kept in step with the drawing.
 */
import { PAPER } from "./drawing.js";
import { touches } from "./geometry.js";
import { Layer, paint, prepared } from "./ink.js";

const NEAREST_POINTS = 1.5; // paper units: closer points only add tremor
const PALM_REST_MS = 1000; // a touch this soon after the pen is the hand that holds it
const RUBBER = 40; // paper units: the rubber's width
const LIFTER = 10; // paper units: how near to a line one must come to lift it
const PEN_ERASER = 32; // among a pointer's `buttons`: the pen is held upside down

export class Pad {
  penWidth = 7;
  tool = "pen"; // or "rub", which erases by area, or "lift", which takes whole strokes away
  #canvas;
  #drawing;
  #hooks;
  #live = null; // what a pointer, or an example, is doing: {pointer, kind, tool, item, lifted}
  #lastPen = -Infinity;
  #frame = 0;
  #settled = new Layer();

  /** hooks: {touched, started, moved, dropped} follow a stroke in hand; its good end is the drawing's "change". */
  constructor(canvas, drawing, hooks) {
    this.#canvas = canvas;
    this.#drawing = drawing;
    this.#hooks = hooks;
    this.#listen();
  }

  /** The stroke that is still going on, if one is. */
  get live() {
    return this.#live?.item ?? null;
  }

  /** Shows a stroke that is not in the drawing yet; null to end that. */
  show(item) {
    this.#live = item && { pointer: null, kind: "replay", tool: "pen", item };
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
    if (this.#live && !(pointerType === "pen" && this.#live.kind === "touch")) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(pointerId);
    this.#live = { pointer: pointerId, kind: pointerType, ...this.#begun(upsideDown ? "rub" : this.tool) };
    this.#extend([event]);
    this.#hooks.started();
  }

  #begun(tool) {
    if (tool === "lift") return { tool, item: null, lifted: new Set() };
    if (tool === "rub") return { tool, item: { width: RUBBER, erase: true, points: [] } };
    return { tool, item: { width: this.penWidth, points: [] } };
  }

  #move(event) {
    if (event.pointerType === "pen") this.#lastPen = event.timeStamp;
    if (event.pointerId !== this.#live?.pointer) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    this.#extend(coalesced.length ? coalesced : [event]);
    this.#hooks.moved();
  }

  #up(event) {
    if (event.pointerId !== this.#live?.pointer) return;
    const { item, lifted } = this.#live;
    this.#live = null;
    if (lifted?.size) this.#drawing.remove(lifted);
    else if (item && !(item.erase && this.#drawing.isEmpty)) this.#drawing.add(item);
    else this.#drop();
  }

  // The system takes a pointer away when it knows better: a palm, a gesture.
  #cancel(event) {
    if (event.pointerId === this.#live?.pointer) this.#drop();
  }

  #drop() {
    this.#live = null;
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
      if (this.#live.tool === "lift") this.#lift(point);
      else append(this.#live.item.points, { ...point, pressure: this.#live.item.erase ? 1 : pressureOf(event) });
    }
    this.#redraw();
  }

  #lift(point) {
    const { lifted, last = point } = this.#live;
    for (const item of this.#drawing.items) {
      if (!item.mask && !item.erase && touches(item, last, point, LIFTER)) lifted.add(item);
    }
    this.#live.last = point;
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
    const context = prepared(this.#canvas, ink);
    const lifted = this.#live?.lifted;
    const { items, epoch } = this.#drawing;
    const left = lifted?.size ? items.filter((item) => !lifted.has(item)) : items;
    this.#settled.update(left, `${epoch} ${lifted?.size ?? 0}`, pixels, ink);
    context.drawImage(this.#settled.canvas, 0, 0, PAPER, PAPER);
    if (this.#live?.item) paint(context, [this.#live.item]);
  }
}

function append(points, point) {
  const last = points.at(-1);
  if (!last || Math.hypot(point.x - last.x, point.y - last.y) >= NEAREST_POINTS) points.push(point);
}

// Only a pen feels pressure; a mouse reports 0.5 and a finger whatever its screen makes up.
function pressureOf({ pointerType, pressure }) {
  return pointerType === "pen" && pressure > 0 ? 0.4 + 1.2 * pressure : 1;
}
