/**
 * The canvas one draws on: pointers in, strokes out, and the screen kept in step with the drawing.
 */
import { PAPER } from "./drawing.js";
import { paint } from "./ink.js";

const NEAREST_POINTS = 1.5; // paper units: closer points only add tremor
const PALM_REST_MS = 1000; // a touch this soon after the pen is the hand that holds it

export class Pad {
  penWidth = 7;
  #canvas;
  #drawing;
  #hooks;
  #live = null; // the stroke being drawn: {pointer, kind, stroke}
  #replay = null; // an example being drawn: {pending, frame}
  #lastPen = -Infinity;
  #frame = 0;
  #settled = { canvas: document.createElement("canvas"), strokes: null };

  /** hooks: {started, moved, dropped} follow a stroke in hand; its good end is the drawing's "change". */
  constructor(canvas, drawing, hooks) {
    this.#canvas = canvas;
    this.#drawing = drawing;
    this.#hooks = hooks;
    this.#listen();
  }

  /** The drawing together with the stroke that is still going on. */
  get strokes() {
    const { strokes } = this.#drawing;
    return this.#live ? [...strokes, this.#live.stroke] : strokes;
  }

  /** Draws ready strokes as if by hand, in `duration` ms; a pointer on the paper finishes them at once. */
  replay(strokes, duration) {
    this.finishReplay();
    this.#replay = { pending: [...strokes], frame: 0 };
    const total = strokes.reduce((sum, { points }) => sum + points.length, 0);
    const begun = performance.now();
    let drawn = 0;
    const advance = (now) => {
      const due = duration > 0 ? ((now - begun) / duration) * total : total;
      drawn = this.#replayUpTo(due, drawn);
      if (this.#replay?.pending.length) this.#replay.frame = requestAnimationFrame(advance);
      else this.#replay = null;
    };
    this.#hooks.started();
    advance(begun);
  }

  finishReplay() {
    const pending = this.#dropReplay();
    for (const stroke of pending) this.#drawing.add(stroke);
  }

  /** Forgets the stroke in hand and what is left of an example. */
  abandon() {
    this.#dropReplay();
    this.#live = null;
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
    const { pointerId, pointerType, button } = event;
    if (button !== 0 || this.#isPalm(pointerType)) return;
    this.finishReplay();
    if (this.#live && !(pointerType === "pen" && this.#live.kind === "touch")) return;
    event.preventDefault();
    this.#canvas.setPointerCapture(pointerId);
    this.#live = { pointer: pointerId, kind: pointerType, stroke: { width: this.penWidth, points: [] } };
    this.#extend([event]);
    this.#hooks.started();
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
    const { stroke } = this.#live;
    this.#live = null;
    this.#drawing.add(stroke);
  }

  // The system takes a pointer away when it knows better: a palm, a gesture.
  #cancel(event) {
    if (event.pointerId !== this.#live?.pointer) return;
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
    const { points } = this.#live.stroke;
    for (const event of events) {
      const x = (event.clientX - box.left) * scale;
      const y = (event.clientY - box.top) * scale;
      const last = points.at(-1);
      if (last && Math.hypot(x - last.x, y - last.y) < NEAREST_POINTS) continue;
      points.push({ x, y, pressure: pressureOf(event) });
    }
    this.#redraw();
  }

  #replayUpTo(due, drawn) {
    while (this.#replay?.pending.length && drawn + this.#replay.pending[0].points.length <= due) {
      const stroke = this.#replay.pending.shift();
      drawn += stroke.points.length;
      this.#live = null;
      this.#drawing.add(stroke);
    }
    const next = this.#replay?.pending[0];
    const count = Math.floor(due - drawn);
    if (next && count > 0) {
      const stroke = { ...next, points: next.points.slice(0, count) };
      this.#live = { pointer: null, kind: "replay", stroke };
      this.#redraw();
    }
    return drawn;
  }

  #dropReplay() {
    if (!this.#replay) return [];
    const { pending, frame } = this.#replay;
    cancelAnimationFrame(frame);
    this.#replay = null;
    this.#live = null;
    return pending;
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
    context.drawImage(this.#settledInk(pixels, ink), 0, 0, PAPER, PAPER);
    if (this.#live) paint(context, [this.#live.stroke]);
  }

  // Finished strokes are painted once and kept, so that a long drawing stays as quick as a short one.
  #settledInk(pixels, ink) {
    const kept = this.#settled;
    const { strokes } = this.#drawing;
    if (kept.strokes !== strokes || kept.ink !== ink || kept.canvas.width !== pixels) {
      kept.canvas.width = kept.canvas.height = pixels;
      paint(prepared(kept.canvas, ink), strokes);
      Object.assign(kept, { strokes, ink });
    }
    return kept.canvas;
  }
}

function prepared(canvas, ink) {
  const context = canvas.getContext("2d");
  const scale = canvas.width / PAPER;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, PAPER, PAPER);
  context.strokeStyle = context.fillStyle = ink;
  return context;
}

// Only a pen feels pressure; a mouse reports 0.5 and a finger whatever its screen makes up.
function pressureOf({ pointerType, pressure }) {
  return pointerType === "pen" && pressure > 0 ? 0.4 + 1.2 * pressure : 1;
}
