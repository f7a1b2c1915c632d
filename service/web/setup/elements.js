/**
 * Makes elements. Names of folders come from disks: they are only ever set as text.
 */

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  folder: "M3.5 18V6.5A1.5 1.5 0 0 1 5 5h4.5l2 2.5H19A1.5 1.5 0 0 1 20.5 9v9a1.5 1.5 0 0 1-1.5 1.5H5A1.5 1.5 0 0 1 3.5 18Z",
  pictures: "M4 17.5v-11A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5Z" +
    "m.5-1 4.5-5 3.5 3.5 2-2 5 5M15.5 9.5h.01",
  home: "m4 11.5 8-7 8 7M6.5 9.5V19h11V9.5M10 19v-5h4v5",
  drive: "M4 13.5 6.5 6h11l2.5 7.5V18H4Zm0 0h16M16.5 15.8h.01",
  close: "m6 6 12 12M18 6 6 18",
  remove: "M4.5 7h15M10 4h4M6.5 7l.8 12a1.5 1.5 0 0 0 1.5 1.4h6.4a1.5 1.5 0 0 0 1.5-1.4L17.5 7",
  add: "M12 5v14M5 12h14",
  warning: "M12 4 2.8 19.5h18.4ZM12 10v4.5m0 2.5h.01",
};

/** make("p.quiet", { id: "x", onclick: act }, "text", child): classes follow the tag, null children are left out. */
export function make(kind, attributes = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element[name] = value;
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function button(text, onclick, kind = "framed") {
  return make(`button.tool.wordy.${kind}`, { type: "button", onclick }, text);
}

export function iconButton(icon, name, onclick) {
  return make("button.tool", { type: "button", "aria-label": name, title: name, onclick }, iconOf(icon));
}

export function iconOf(name) {
  return drawingOf("0 0 24 24", ICONS[name]);
}

/** Lines that say nothing to somebody who does not see them. */
export function drawingOf(box, ...lines) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", box);
  svg.setAttribute("aria-hidden", "true");
  for (const line of lines) svg.append(document.createElementNS(SVG, "path"));
  lines.forEach((line, i) => svg.children[i].setAttribute("d", line));
  return svg;
}

/** A name in its own direction of writing, with line breaks and other control characters made visible. */
export function nameOf(text) {
  return make("bdi", {}, visible(text));
}

/** A path, from left to right whatever the directions of the names in it. */
export function pathOf(path) {
  const parts = path.split("/").flatMap((name, i) => [...(i ? ["/", make("wbr")] : []), nameOf(name)]);
  return make("span.path", { dir: "ltr" }, ...parts);
}

/** The last part of a path. */
export function lastOf(path) {
  return path.split("/").filter(Boolean).at(-1) ?? path;
}

function visible(text) {
  return text.replace(/[\u0000-\u001f]/g, (control) => String.fromCharCode(0x2400 + control.charCodeAt(0)));
}
