/**
 * What fingers, mouse and wheel do on the stage: pinch, wheel and double click zoom, dragging moves, swiping turns.
 */

const STILL_PX = 8; // a pointer that moves less is a tap
const SWIPE_PX = 48;
const CLOSE_PX = 90;
const DOUBLE_MS = 300;
const WHEEL = 0.002;
const TRACKPAD_PINCH = 0.01; // the wheel events of a pinch are small
const LINE_PX = 16;

/** Listens to the stage. does: {turn(step), close(), tap()}; a tap is one by a finger, a click beside the photo closes. */
export class Gestures {
  #stage;
  #zoom;
  #does;
  #down = new Map(); // pointer id -> where it is
  #start = null; // where the first pointer went down
  #kind = ""; // of the movement: "" until it is clear, move, turn, close, pinch, or done
  #pointer = ""; // the type of the one that went down last
  #tapped = null; // the last tap, which the next may make a double one
  #timer = 0;

  constructor(stage, zoom, does) {
    this.#stage = stage;
    this.#zoom = zoom;
    this.#does = does;
    stage.addEventListener("pointerdown", (event) => this.#pressed(event));
    stage.addEventListener("pointermove", (event) => this.#moved(event));
    stage.addEventListener("pointerup", (event) => this.#released(event));
    stage.addEventListener("pointercancel", (event) => this.#lost(event));
    stage.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    // A double tap brings this event, too, and has been answered by then.
    stage.addEventListener("dblclick", (event) => this.#pointer === "mouse" && zoom.toggle(pointOf(event)));
  }

  #pressed(event) {
    if (event.button) return;
    this.#stage.setPointerCapture(event.pointerId);
    this.#down.set(event.pointerId, pointOf(event));
    this.#pointer = event.pointerType;
    if (this.#down.size === 1) {
      this.#start = { ...pointOf(event), beside: event.target === this.#stage };
      this.#kind = "";
    } else {
      this.#zoom.drag();
      this.#kind = "pinch";
    }
    if (this.#zoom.zoomed) this.#stage.classList.add("held");
  }

  #moved(event) {
    const before = this.#down.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    const others = [...this.#down].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    this.#down.set(event.pointerId, now);
    if (this.#kind === "pinch") return others.length ? this.#pinched(before, now, others[0]) : undefined;
    const [dx, dy] = [now.x - this.#start.x, now.y - this.#start.y];
    if (!this.#kind && Math.hypot(dx, dy) > STILL_PX) this.#kind = this.#kindOf(dx, dy, event.pointerType);
    if (this.#kind === "move") this.#zoom.move(now.x - before.x, now.y - before.y);
    if (this.#kind === "turn") this.#zoom.drag(dx, 0);
    if (this.#kind === "close") this.#zoom.drag(0, Math.max(0, dy));
  }

  #kindOf(dx, dy, pointer) {
    if (this.#zoom.zoomed) return "move";
    if (pointer === "mouse") return "done";
    return Math.abs(dx) > Math.abs(dy) ? "turn" : "close";
  }

  #pinched(before, now, other) {
    const apart = (one) => Math.max(1, Math.hypot(one.x - other.x, one.y - other.y));
    this.#zoom.move((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.#zoom.by(apart(now) / apart(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  #released(event) {
    if (!this.#down.delete(event.pointerId)) return;
    this.#stage.classList.remove("held");
    // After a pinch the finger that is left moves the photo.
    if (this.#down.size) {
      this.#start = [...this.#down.values()][0];
      this.#kind = this.#zoom.zoomed ? "move" : "done";
      return;
    }
    const [dx, dy] = [event.clientX - this.#start.x, event.clientY - this.#start.y];
    const kind = this.#kind;
    this.#kind = "done";
    if (kind === "") return this.#tap(event);
    if (kind === "turn" && Math.abs(dx) > SWIPE_PX) return this.#does.turn(dx < 0 ? +1 : -1);
    if (kind === "close" && dy > CLOSE_PX) return this.#does.close();
    if (kind === "turn" || kind === "close") this.#zoom.drag();
  }

  #lost(event) {
    this.#down.delete(event.pointerId);
    this.#stage.classList.remove("held");
    if (this.#kind === "turn" || this.#kind === "close") this.#zoom.drag();
    this.#kind = "done";
  }

  // The bars wait for a second tap, so that they do not flash when it comes.
  #tap(event) {
    if (event.pointerType === "mouse") {
      if (this.#start.beside && !this.#zoom.zoomed) this.#does.close();
      return;
    }
    const last = this.#tapped;
    clearTimeout(this.#timer);
    this.#tapped = event;
    if (last && event.timeStamp - last.timeStamp < DOUBLE_MS) {
      this.#tapped = null;
      this.#zoom.toggle(pointOf(event));
    } else {
      this.#timer = setTimeout(() => this.#does.tap(), DOUBLE_MS);
    }
  }

  #wheeled(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? LINE_PX : 1);
    this.#zoom.by(Math.exp(-pixels * (event.ctrlKey ? TRACKPAD_PINCH : WHEEL)), pointOf(event));
  }
}

function pointOf({ clientX, clientY }) {
  return { x: clientX, y: clientY };
}
