/**
 * The canvas you draw on: turns pointer events into strokes and keeps the screen in step with the drawing.
 */
import { cursorOf, paintRing } from "./cursors.js";
import { PAPER } from "./drawing.js";
import { touches } from "./geometry.js";
import { Layer, blankContext, paint } from "./ink.js";
import { Line } from "./line.js";

const CLOSEST_POINTS = 1.5; // paper units: closer points only add jitter
const PALM_REST_MS = 1000; // a touch this soon after the pen is the palm of the same hand
const ERASER_WIDTH = 40; // paper units
const REMOVE_REACH = 10; // paper units: how close to a stroke counts as touching it
const PEN_ERASER = 32; // in a pointer's `buttons`: the pen is held upside down

export class Pad {
  penWidth = 7;
  #tool = "pen";
  #canvas;
  #drawing;
  #hooks;
  #gesture = null; // of a pointer or a replayed example: {pointer, kind, tool, line or hits, last}
  #hovered = null; // the stroke that "remove" would take
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

  /** "pen", "erase", which removes ink, or "remove", which removes whole strokes. */
  get tool() {
    return this.#tool;
  }

  set tool(tool) {
    this.#tool = tool;
    this.#redraw();
  }

  /** The stroke still being drawn, or null. */
  get unfinished() {
    return this.#gesture?.line?.stroke ?? null;
  }

  /** Shows a stroke that is not part of the drawing yet; null hides it. */
  show(item) {
    this.#gesture = item && { pointer: null, kind: "replay", tool: "pen", line: { stroke: item } };
    this.#redraw();
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", (event) => this.#cancel(event));
    canvas.addEventListener("pointerleave", () => this.#hover(null));
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
    if (tool === "remove") return { tool, hits: new Set() };
    return { tool, line: new Line(tool === "erase" ? { width: ERASER_WIDTH, erase: true } : { width: this.penWidth }) };
  }

  #move(event) {
    if (event.pointerType === "pen") this.#lastPen = event.timeStamp;
    if (this.tool === "remove" && !this.#gesture) this.#hover(event);
    if (event.pointerId !== this.#gesture?.pointer) return;
    const coalesced = event.getCoalescedEvents?.() ?? [];
    // A hand that rests trembles.
    if (this.#extend(coalesced.length ? coalesced : [event])) this.#hooks.moved();
  }

  #up(event) {
    if (event.pointerId !== this.#gesture?.pointer) return;
    const { line, hits } = this.#gesture;
    const item = line?.stroke;
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

  /** Returns whether anything was added. */
  #extend(events) {
    const added = [];
    for (const event of events) {
      const point = { ...this.#place(event), pressure: this.#gesture.line?.stroke.erase ? 1 : pressureOf(event) };
      if (this.#gesture.hits) this.#hit(point);
      else if (this.#gesture.last && apart(point, this.#gesture.last) < CLOSEST_POINTS) continue;
      this.#gesture.last = point;
      added.push(point);
    }
    this.#gesture.line?.extend(added);
    this.#redraw();
    return added.length > 0;
  }

  /** Where on the paper an event is, in its units. */
  #place({ clientX, clientY }) {
    const { left, top, width } = this.#canvas.getBoundingClientRect();
    const scale = PAPER / width;
    return { x: (clientX - left) * scale, y: (clientY - top) * scale };
  }

  #hit(point) {
    const { hits, last = point } = this.#gesture;
    for (const item of this.#drawing.items) if (isReached(item, last, point)) hits.add(item);
    this.#hovered = null;
  }

  #hover(event) {
    const point = event && this.#place(event);
    const found = point ? (this.#drawing.items.findLast((item) => isReached(item, point, point)) ?? null) : null;
    if (found === this.#hovered) return;
    this.#hovered = found;
    this.#redraw();
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
    const style = getComputedStyle(this.#canvas);
    if (this.#canvas.width !== pixels) this.#canvas.width = this.#canvas.height = pixels;
    const context = blankContext(this.#canvas, style.color);
    const { line, hits, kind, last } = this.#gesture ?? {};
    const { items, epoch } = this.#drawing;
    const left = hits?.size ? items.filter((item) => !hits.has(item)) : items;
    this.#settled.update(left, `${epoch} ${hits?.size ?? 0}`, pixels, style.color);
    context.drawImage(this.#settled.canvas, 0, 0, PAPER, PAPER);
    if (line) paint(context, [line.stroke]);
    if (line?.stroke.erase && kind !== "mouse") paintRing(context, last, ERASER_WIDTH);
    this.#point(context, style, (ERASER_WIDTH * width) / PAPER);
  }

  // The line that a click would take stands out.
  #point(context, style, eraser) {
    this.#canvas.style.cursor = cursorOf(this.tool, eraser);
    if (this.tool !== "remove" || !this.#drawing.items.includes(this.#hovered)) return;
    context.strokeStyle = context.fillStyle = style.getPropertyValue("--accent");
    paint(context, [this.#hovered]);
  }
}

function isReached(item, from, to) {
  return !item.mask && !item.erase && touches(item, from, to, REMOVE_REACH);
}

function apart(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

// Only pens measure pressure: a mouse always reports 0.5, and values for fingers mean little.
function pressureOf({ pointerType, pressure }) {
  return pointerType === "pen" && pressure > 0 ? 0.4 + 1.2 * pressure : 1;
}
