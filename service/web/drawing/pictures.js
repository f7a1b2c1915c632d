/**
 * Pictures added to a search: pasted, dropped, chosen or taken. However large they are, only a small version is sent.
 */
import { t } from "../language.js";
import { PAPER } from "./drawing.js";
import { blobOf } from "./ink.js";

const LONG_SIDE = 1024; // the model looks at 224 pixels
const MAX_BYTES = 200e6;
const SAMPLE = 64;
const OTHERS = /\.(heic|heif|hif|tiff?|nef|cr2|cr3|arw|dng|raf|orf|rw2)$/i; // what browsers cannot open, and the server can
const MARGIN = 0.06; // around a drawing, as a share of the paper

/** Why a file cannot be used, in words for the visitor. */
class UnusableFile extends Error {
  code = "unusable_file";

  constructor(title, detail) {
    super(detail);
    Object.assign(this, { title, detail });
  }
}

/**
 * Promises {bitmap, name}, and {shared, kept} if the server keeps the picture under that id, as that file; rejects with
 * an UnusableFile that says what to do. `convert(file)` promises {id, file}: the same picture as a file that this browser can open.
 */
export async function openPicture(file, convert) {
  const name = file.name || t("picture");
  if (file.size > MAX_BYTES) throw new UnusableFile(t("{name} is too large", { name }), t("Choose a picture under 200 MB."));
  try {
    return { bitmap: await createImageBitmap(file), name };
  } catch {
    if (mayBePicture(file)) return openElsewhere(file, name, convert);
    const detail = t("This browser cannot open {name} as a picture. Try a JPEG, PNG or WebP file.", { name });
    throw new UnusableFile(t("Could not open the picture"), detail);
  }
}

async function openElsewhere(file, name, convert) {
  try {
    const { id, file: opened } = await convert(file);
    return { bitmap: await createImageBitmap(opened), name, shared: id, kept: opened };
  } catch (problem) {
    if (!(problem.status >= 400 && problem.status < 500)) throw problem;
    const detail = t("Neither this browser nor the server can open {name}: {problem}", { name, problem: problem.message });
    throw new UnusableFile(t("Could not open the picture"), detail);
  }
}

// Many systems do not know the type of a raw file; a text is not worth an upload.
function mayBePicture({ name, type }) {
  return type.startsWith("image/") || OTHERS.test(name);
}

/**
 * A picture as the query's photo: small enough to send with every search. One that the server keeps is sent as it is
 * kept, so that everybody with the link searches with the same.
 */
export async function asPhoto({ bitmap, name, shared, kept }) {
  const blob = kept ?? (await reduced(bitmap));
  return { blob, name, bitmap, shared, preview: URL.createObjectURL(blob) };
}

async function reduced(bitmap) {
  const scale = Math.min(1, LONG_SIDE / Math.max(bitmap.width, bitmap.height));
  const size = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = blankCanvas(...size, "#fff");
  canvas.getContext("2d").drawImage(bitmap, 0, 0, ...size);
  return blobOf(canvas, "image/jpeg", 0.9);
}

/** A picture as an item of the drawing: its dark lines become ink, centred on the paper. */
export function asInk({ bitmap, name }) {
  const room = PAPER * (1 - 2 * MARGIN);
  const scale = room / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const mask = blankCanvas(PAPER, PAPER, "#fff");
  const context = mask.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, (PAPER - width) / 2, (PAPER - height) / 2, width, height);
  const image = context.getImageData(0, 0, PAPER, PAPER);
  const light = lightness(image.data);
  const [dark, bright] = [quantile(light, 0.005), quantile(light, 0.7)];
  for (let i = 0; i < light.length; i += 1) {
    const ink = (bright - light[i]) / Math.max(40, bright - dark);
    image.data[4 * i + 3] = 255 * Math.min(1, Math.max(0, 1.3 * ink - 0.15));
  }
  context.putImageData(image, 0, 0);
  return { mask, bitmap, name };
}

/** A picture of a whole paper, dark on white, as an item that puts the same ink in the same places. */
export function asPaper({ bitmap, name }) {
  const mask = blankCanvas(PAPER, PAPER, "#fff");
  const context = mask.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, PAPER, PAPER);
  const image = context.getImageData(0, 0, PAPER, PAPER);
  const light = lightness(image.data);
  for (let i = 0; i < light.length; i += 1) image.data[4 * i + 3] = 255 - light[i];
  context.putImageData(image, 0, 0);
  return { mask, bitmap, name };
}

/** Guesses whether a picture is a drawing: few colours, far more paper than ink. A button corrects a wrong guess. */
export function looksDrawn({ bitmap }) {
  const canvas = blankCanvas(SAMPLE, SAMPLE, "#fff");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, SAMPLE, SAMPLE);
  const { data } = context.getImageData(0, 0, SAMPLE, SAMPLE);
  const light = lightness(data);
  const paper = quantile(light, 0.8);
  let [bare, coloured] = [0, 0];
  for (let i = 0; i < light.length; i += 1) {
    if (light[i] > paper - 24) bare += 1;
    const rgb = data.subarray(4 * i, 4 * i + 3);
    if (Math.max(...rgb) - Math.min(...rgb) > 48) coloured += 1;
  }
  return paper > 150 && bare / light.length > 0.6 && coloured / light.length < 0.05;
}

/** Calls `take(file)` for each file pasted into the page or dropped on it. */
export function acceptFiles(take) {
  const dropping = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    dropping(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? dropping(false));
  addEventListener("drop", (event) => {
    dropping(false);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    take(file);
  });
}

function blankCanvas(width, height, background) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  if (background) {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = background;
    context.fillRect(0, 0, width, height);
  }
  return canvas;
}

function lightness(data) {
  const values = new Uint8Array(data.length / 4);
  for (let i = 0; i < values.length; i += 1) {
    values[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  }
  return values;
}

function quantile(values, share) {
  return Uint8Array.from(values).sort()[Math.floor(share * (values.length - 1))];
}
