/**
 * Draws the strokes of an example one after another, as if by hand.
 */
import { settled } from "./line.js";

export class Replay {
  #pad;
  #drawing;
  #pending = [];
  #frame = 0;

  constructor(pad, drawing) {
    this.#pad = pad;
    this.#drawing = drawing;
  }

  /** Draws the strokes within `duration` ms. */
  play(strokes, duration) {
    this.finish();
    this.#pending = [...strokes];
    const total = strokes.reduce((sum, { points }) => sum + points.length, 0);
    const begun = performance.now();
    let drawn = 0;
    const advance = (now) => {
      const due = duration > 0 ? ((now - begun) / duration) * total : total;
      drawn = this.#upTo(due, drawn);
      this.#frame = this.#pending.length ? requestAnimationFrame(advance) : 0;
    };
    advance(begun);
  }

  /** Draws the remaining strokes at once. */
  finish() {
    for (const stroke of this.drop()) this.#drawing.add(settled(stroke));
  }

  /** Stops, and returns the strokes not drawn yet. */
  drop() {
    cancelAnimationFrame(this.#frame);
    if (this.#pending.length) this.#pad.show(null);
    return this.#pending.splice(0);
  }

  #upTo(due, drawn) {
    while (this.#pending.length && drawn + this.#pending[0].points.length <= due) {
      const stroke = this.#pending.shift();
      drawn += stroke.points.length;
      this.#pad.show(null);
      this.#drawing.add(settled(stroke));
    }
    const next = this.#pending[0];
    const count = Math.floor(due - drawn);
    if (next && count > 0) this.#pad.show({ ...next, points: next.points.slice(0, count) });
    return drawn;
  }
}
