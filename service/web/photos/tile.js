/**
 * One photo in a grid: its picture in the size that the tile needs, its caption, and its marks.
 */
import { counted, t } from "../language.js";
import { dayOf, fileName, likelihoodOf } from "./answers.js";

const SIZES = { "": 320, "&size=medium": 640, "&size=large": 1280 }; // the long sides of what the server keeps
const SLOW_MS = 120; // a picture that takes longer fades in

/** An empty tile for a photo. */
export function newTile(photo) {
  const tile = document.getElementById("tile").content.firstElementChild.cloneNode(true);
  const image = tile.querySelector("img");
  tile.dataset.id = photo.id;
  const late = setTimeout(() => tile.classList.add("slow"), SLOW_MS);
  image.addEventListener("load", () => {
    clearTimeout(late);
    tile.classList.add("loaded");
  });
  image.addEventListener("error", () => tile.classList.add("gone"));
  return tile;
}

/** Gives a tile its size, and a picture that is sharp in it; while one scrolls (`brief`), the smallest will do. */
export function fit(tile, photo, { width, height, whole }, brief = false) {
  tile.style.width = `${width}px`;
  tile.style.height = `${height}px`;
  tile.classList.toggle("whole", whole);
  tile.querySelector(".tile").style.backgroundColor = whole ? "" : (photo.colour ?? "");
  const image = tile.querySelector("img");
  const ratio = photo.width / photo.height;
  const across = whole ? Math.min(width, height * ratio) : Math.max(width, height * ratio);
  const sources = brief ? [sourcesOf(photo)[0]] : enough(sourcesOf(photo), across * devicePixelRatio);
  const srcset = sources.map(({ url, width: wide }) => `${url} ${wide}w`).join(", ");
  if (image.srcset === srcset) return;
  image.sizes = `${Math.ceil(across)}px`;
  image.srcset = srcset;
  if (!image.hasAttribute("src")) image.src = photo.thumbnail_url;
}

/** Says what a tile shows. `place` is its number among the results, if it has one. */
export function describe(tile, photo, place = null) {
  const likelihood = likelihoodOf(photo);
  const day = dayOf(photo);
  const copies = photo.duplicates?.length ?? 0;
  tile.querySelector(".name").textContent = fileName(photo.path);
  tile.querySelector(".fact").textContent = [day, likelihood].filter(Boolean).join(" · ");
  tile.querySelector(".meter").hidden = !likelihood;
  tile.querySelector(".heart").toggleAttribute("hidden", !photo.favourite);
  tile.style.setProperty("--relevance", photo.relevance);
  tile.querySelector(".copies").textContent = copies ? `+${copies}` : "";
  const similar = copies ? counted(copies, "near-duplicate") : "";
  const facts = [photo.path, day, likelihood, similar, photo.favourite ? t("favourite") : ""].filter(Boolean).join(", ");
  tile.querySelector(".tile").ariaLabel = place === null ? facts : `${place + 1}: ${facts}`;
  tile.querySelector(".pick").ariaLabel = t("Select {name}", { name: fileName(photo.path) });
}

/** Ends the loading of a tile that goes away. */
export function release(tile) {
  const image = tile.querySelector("img");
  if (!image.complete) image.srcset = image.src = "";
  tile.remove();
}

// A portrait picture within 640 x 640 is narrower than 640, and none is larger than the photo.
function sourcesOf({ thumbnail_url: small, width, height }) {
  const sources = Object.entries(SIZES).map(([size, side]) => {
    const scale = Math.min(1, side / Math.max(width, height));
    return { url: small + size, width: Math.max(1, Math.round(width * scale)) };
  });
  return sources.filter((source, i) => source.width > (sources[i - 1]?.width ?? 0));
}

// Browsers may choose a picture that is a little too small: they are offered none of those.
function enough(sources, pixels) {
  const wide = sources.filter(({ width }) => width >= pixels - 1);
  return wide.length ? wide : sources.slice(-1);
}
