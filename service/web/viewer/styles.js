/**
 * Loads the styles of modules that are themselves loaded when first needed.
 */

const loaded = new Map(); // name -> promise

/** Promises that the rules of `style/{name}.css` apply; without them the page still works. */
export function loadStyle(name) {
  if (!loaded.has(name)) loaded.set(name, new Promise((resolve) => link(name, resolve)));
  return loaded.get(name);
}

function link(name, done) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = `web/style/${name}.css`;
  style.onload = style.onerror = () => done();
  document.head.append(style);
}
