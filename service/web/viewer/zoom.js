/**
 * Where a photo lies on its stage: fitted, zoomed to a point, and moved within bounds; by transforms alone.
 */

const LARGEST = 2; // screen pixels for each pixel of the photo
const SMALLEST_RANGE = 4; // times its fitted size: a small photo can be looked at closely, too
const ENLARGED = 2; // a small photo fills the stage up to this
const LEAST = 320; // but for tiny ones, in CSS pixels
const GLIDE_MS = 200;

export class Zoom {
  #stage;
  #frame;
  #changed;
  #photo = { width: 1, height: 1 };
  #size = { width: 1, height: 1 }; // fitted, in CSS pixels
  #at = { x: 0, y: 0, scale: 1 }; // from the middle of the stage

  /** `changed()` is called after the photo's size on the screen has changed. */
  constructor(stage, frame, changed) {
    this.#stage = stage;
    this.#frame = frame;
    this.#changed = changed;
    new ResizeObserver(() => this.#resized()).observe(stage);
  }

  get zoomed() {
    return this.#at.scale > 1.001;
  }

  /** How many pixels of the screen the longer side of a photo covers: this one as it is now, or another one fitted. */
  pixels(photo = null) {
    const { width, height } = photo ? fitted(photo, this.#stage) : this.#size;
    return devicePixelRatio * Math.max(width, height) * (photo ? 1 : this.#at.scale);
  }

  /** Fits a photo into the stage. */
  fit(photo) {
    this.#photo = photo;
    this.#size = fitted(photo, this.#stage);
    this.#frame.style.width = `${this.#size.width}px`;
    this.#frame.style.height = `${this.#size.height}px`;
    this.#place({ x: 0, y: 0, scale: 1 });
  }

  /** Multiplies the scale; the place under the point (of the window; or the middle) stays where it is. */
  by(factor, point = null, { smooth = false } = {}) {
    const { x, y } = this.#fromMiddle(point);
    const scale = Math.min(this.#largest(), Math.max(1, this.#at.scale * factor));
    const grown = scale / this.#at.scale;
    this.#place({ x: x - (x - this.#at.x) * grown, y: y - (y - this.#at.y) * grown, scale }, smooth);
    this.#changed();
  }

  /** From fitted to one screen pixel for each pixel of the photo (twice fitted if that is hardly more), and back. */
  toggle(point) {
    const full = this.#full();
    this.by(this.zoomed ? 1 / this.#at.scale : full > 1.2 ? full : 2, point, { smooth: true });
  }

  reset() {
    this.by(1 / this.#at.scale, null, { smooth: true });
  }

  move(dx, dy, { smooth = false } = {}) {
    this.#place({ ...this.#at, x: this.#at.x + dx, y: this.#at.y + dy }, smooth);
  }

  /** Shows the photo as far off its place as a finger has dragged it; without numbers it returns there. */
  drag(dx = 0, dy = 0) {
    this.#draw(this.#at, dx, dy);
    if (!dx && !dy) this.#glide();
  }

  /** The photo comes in from one side. */
  enter(step) {
    if (still()) return;
    const from = { transform: `translateX(${step * Math.min(innerWidth / 3, 160)}px)`, opacity: 0.2 };
    this.#frame.animate([from, {}], { duration: GLIDE_MS, easing: "cubic-bezier(0.2, 0, 0, 1)" });
  }

  #resized() {
    if (!this.#stage.clientWidth) return;
    const { x, y, scale } = this.#at;
    this.fit(this.#photo);
    this.#place({ x, y, scale: Math.min(scale, this.#largest()) });
    this.#changed();
  }

  #fromMiddle(point) {
    if (!point) return { x: 0, y: 0 };
    const { left, top, width, height } = this.#stage.getBoundingClientRect();
    return { x: point.x - left - width / 2, y: point.y - top - height / 2 };
  }

  #full() {
    return this.#photo.width / (this.#size.width * devicePixelRatio);
  }

  #largest() {
    return Math.max(SMALLEST_RANGE, LARGEST * this.#full());
  }

  #place({ x, y, scale }, smooth = false) {
    const room = (side) => Math.max(0, (this.#size[side] * scale - this.#stage[side === "width" ? "clientWidth" : "clientHeight"]) / 2);
    const [right, down] = [room("width"), room("height")];
    this.#at = { x: Math.min(right, Math.max(-right, x)), y: Math.min(down, Math.max(-down, y)), scale };
    this.#draw(this.#at);
    this.#stage.classList.toggle("zoomed", this.zoomed);
    if (smooth) this.#glide();
  }

  #draw({ x, y, scale }, dx = 0, dy = 0) {
    this.#frame.style.transition = "";
    this.#frame.style.transform = `translate(${x + dx}px, ${y + dy}px) scale(${scale})`;
  }

  #glide() {
    if (!still()) this.#frame.style.transition = `transform ${GLIDE_MS}ms cubic-bezier(0.2, 0, 0, 1)`;
  }
}

function fitted({ width, height }, stage) {
  const most = Math.max(LEAST, (ENLARGED * width) / devicePixelRatio);
  const across = Math.min(stage.clientWidth, (stage.clientHeight * width) / height, most);
  return { width: across, height: (across * height) / width };
}

function still() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
