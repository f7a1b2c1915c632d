/**
 * Pictures that people bring along: pasted, dropped, chosen or taken. Whatever their size, little of them is sent.
 */
import { PAPER } from "./drawing.js";
import { blobOf } from "./ink.js";

const LONG_SIDE = 1024; // the model looks at 224 pixels
const LARGEST_BYTES = 200e6;
const SAMPLE = 64;
const MARGIN = 0.06; // of the paper, left free around a drawing

/** A file that cannot be searched with, and why, in words for the visitor. */
class UnusableFile extends Error {
  code = "unusable_file";

  constructor(title, detail) {
    super(detail);
    Object.assign(this, { title, detail });
  }
}

/** {bitmap, name}; throws a Problem that says what to do. */
export async function opened(file) {
  const name = file.name || "picture";
  if (file.size > LARGEST_BYTES) throw new UnusableFile(`${name} is too large`, "Choose a picture of less than 200 MB.");
  try {
    return { bitmap: await createImageBitmap(file), name };
  } catch {
    const detail = `${name} is no picture that this browser can open. Try a JPEG, PNG or WebP file.`;
    throw new UnusableFile("That is not a picture", detail);
  }
}

/** As a part of the query: small enough to be sent with every search. */
export async function asPhoto({ bitmap, name }) {
  const scale = Math.min(1, LONG_SIDE / Math.max(bitmap.width, bitmap.height));
  const size = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = sheet(...size);
  canvas.getContext("2d").drawImage(bitmap, 0, 0, ...size);
  const blob = await blobOf(canvas, "image/jpeg", 0.9);
  return { blob, name, bitmap, preview: URL.createObjectURL(blob) };
}

/** As an item of the drawing: its dark lines as ink, in the middle of the paper. */
export function asInk({ bitmap, name }) {
  const room = PAPER * (1 - 2 * MARGIN);
  const scale = room / Math.max(bitmap.width, bitmap.height);
  const [width, height] = [bitmap.width * scale, bitmap.height * scale];
  const mask = sheet(PAPER, PAPER, "#fff");
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

/** A guess that a button beside it can overrule: few colours, and far more paper than ink. */
export function looksDrawn({ bitmap }) {
  const canvas = sheet(SAMPLE, SAMPLE, "#fff");
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

/** Calls `take(file)` for whatever is pasted into the page or dropped on it. */
export function receive(take) {
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

function sheet(width, height, ground) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  if (ground) {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = ground;
    context.fillRect(0, 0, width, height);
  }
  return canvas;
}

function lightness(data) {
  const found = new Uint8Array(data.length / 4);
  for (let i = 0; i < found.length; i += 1) {
    found[i] = 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2];
  }
  return found;
}

function quantile(values, share) {
  return Uint8Array.from(values).sort()[Math.floor(share * (values.length - 1))];
}
