/**
 * Loads the styles of modules that are themselves loaded when first needed.
 */

const loaded = new Map(); // name -> promise

/** Promises that the rules of `style/{name}.css` apply; without them the page still works. */
export function loadStyle(name) {
  if (!loaded.has(name)) loaded.set(name, new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = `web/style/${name}.css`;
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  }));
  return loaded.get(name);
}
