/**
 * Makes elements. Names of folders come from disks: they are only ever set as text.
 */

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  folder: "M3.5 18V6.5A1.5 1.5 0 0 1 5 5h4.5l2 2.5H19A1.5 1.5 0 0 1 20.5 9v9a1.5 1.5 0 0 1-1.5 1.500H5A1.5 1.5 0 0 1 3.5 18Z",
  pictures: "M4 17.5v-11A1.5 1.5 0 0 1 5.500 5h13A1.5 1.5 0 0 1 20 6.500v11a1.5 1.5 0 0 1-1.500 1.500h-13A1.5 1.5 0 0 1 4 17.500Zm.5-1 4.500-5 3.500 3.500 2-2 5 5M15.500 9.500h.01",
  home: "m4 11.500 8-7 8 7M6.500 9.500V19h11V9.500M10 19v-5h4v5",
  drive: "M4 13.500 6.500 6h11l2.500 7.500V18H4Zm0 0h16M16.500 15.800h.01",
  close: "m6 6 12 12M18 6 6 18",
  remove: "M4.500 7h15M10 4h4M6.500 7l.8 12a1.500 1.500 0 0 0 1.500 1.400h6.400a1.500 1.500 0 0 0 1.500-1.400L17.500 7",
  add: "M12 5v14M5 12h14",
  warning: "M12 4 2.800 19.500h18.400ZM12 10v4.500m0 2.500h.01",
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
