/**
 * The way to a folder, as buttons: the places to begin, one of them, and the folders in between.
 */
import { t } from "../language.js";
import { make, nameOf } from "./elements.js";

const NAMES = { Home: t("Home folder"), Pictures: t("Pictures") };

export class Crumbs {
  element = make("nav.crumbs", { "aria-label": t("Way to this folder") });
  #go;

  constructor(go) {
    this.#go = go;
  }

  show({ path, places }) {
    const steps = [{ path: "", name: t("This computer") }, ...stepsOf(path, places)];
    const last = steps.length - 1;
    const items = steps.map((step, i) => {
      const here = i === last ? "page" : null;
      const attributes = { type: "button", "aria-current": here, onclick: () => this.#go(step.path) };
      return make("li", {}, make("button", attributes, nameOf(step.name)));
    });
    this.element.replaceChildren(make("ol", {}, ...items));
    this.element.scrollLeft = this.element.scrollWidth;
  }
}

/** From the outermost place that holds the path to the path itself. */
function stepsOf(path, places) {
  if (!path) return [];
  const inside = (place) => `${path}/`.startsWith(`${place.path.replace(/\/$/, "")}/`);
  const [place = { path: "/", name: "/" }] = places.filter(inside).sort((a, b) => a.path.length - b.path.length);
  const base = place.path.replace(/\/$/, "");
  const names = path.slice(base.length).split("/").filter(Boolean);
  const further = names.map((name, i) => ({ name, path: [base, ...names.slice(0, i + 1)].join("/") }));
  return [{ path: place.path, name: NAMES[place.name] ?? place.name }, ...further];
}
