/**
 * Ready-made drawings to try: each is a few strokes, as SVG paths on a 100 x 100 sheet.
 */
import { t } from "../language.js";
import { PAPER } from "./drawing.js";

const SHEET = 100;
const STEP = 0.9; // sheet units between the points of a replayed stroke
const SVG = "http://www.w3.org/2000/svg";

/** Where this browser keeps how likely each example is to find something: {at, known: {name: relevance}}. */
export const KNOWN = "sketchseek-examples";
const DAY_MS = 86_400_000;

/** Those on the start page of a first visit. */
export const EXAMPLES = [
  {
    name: "Strawberry",
    paths: [
      "M50 24 C38 16 22 18 17 30 C12 46 22 66 34 80 C42 89 46 94 50 95 C54 94 58 89 66 80 C78 66 88 46 83 30 C78 18 62 16 50 24",
      "M24 27 L36 35 L42 27 L50 38 L58 27 L64 35 L76 27",
      "M50 27 C50 20 52 13 58 8",
      "M30 46 L30 48.5",
      "M42 52 L42 54.5",
      "M58 52 L58 54.5",
      "M70 46 L70 48.5",
      "M26 58 L26 60.5",
      "M36 62 L36 64.5",
      "M50 62 L50 64.5",
      "M64 62 L64 64.5",
      "M74 58 L74 60.5",
      "M34 73 L34 75.5",
      "M44 73 L44 75.5",
      "M56 73 L56 75.5",
      "M66 73 L66 75.5",
      "M42 83 L42 85.5",
      "M50 84 L50 86.5",
      "M58 83 L58 85.5",
    ],
  },
  {
    name: "Fish",
    paths: [
      "M8 51 C20 30 52 26 74 47 C80 41 86 35 93 32 C89 44 89 57 93 69 C86 66 80 60 74 54 C52 75 20 72 8 51",
      "M30 36 C36 45 36 57 30 66",
      "M20 46 A2.6 2.6 0 1 1 20 45.9",
      "M40 34 C46 22 58 21 66 28 C64 32 63 36 62 38",
      "M44 68 C47 76 54 79 60 76 C59 72 58 68 57 64",
      "M10 54 C14 55 17 55 19 54",
      "M46 46 C50 49 50 52 46 55",
      "M58 46 C62 49 62 52 58 55",
    ],
  },
  {
    name: "Car",
    paths: [
      "M18 68 L8 67 C6 60 7 54 11 51 C17 48 24 47 30 46 C36 37 42 33 50 32 L62 32 C71 33 77 40 82 47 C90 49 94 53 94 60 C94 64 93 67 91 68 L84 68",
      "M37 68 L64 68",
      "M18 68 A9.5 9.5 0 1 1 37 68 A9.5 9.5 0 1 1 18 68",
      "M64.5 68 A9.5 9.5 0 1 1 83.5 68 A9.5 9.5 0 1 1 64.5 68",
      "M37 46 C41 40 45 37 50 37 L54 37 L54 47 Z",
      "M59 37 L62 37 C67 38 71 42 74 47 L59 47 Z",
      "M57 53 L63 53",
    ],
  },
  {
    name: "Butterfly",
    paths: [
      "M50 36 C47 45 47 62 50 74 C53 62 53 45 50 36",
      "M48 44 C40 24 20 12 11 20 C4 28 12 52 47 55",
      "M52 44 C60 24 80 12 89 20 C96 28 88 52 53 55",
      "M47 56 C30 55 18 64 22 76 C27 88 42 82 48 66",
      "M53 56 C70 55 82 64 78 76 C73 88 58 82 52 66",
      "M49 36 C47 28 43 23 38 20",
      "M51 36 C53 28 57 23 62 20",
      "M24 33 A5 5 0 1 1 24 32.9",
      "M86 33 A5 5 0 1 1 86 32.9",
    ],
  },
  {
    name: "Mug",
    paths: [
      "M20 30 C20 24 66 24 66 30 C66 36 20 36 20 30",
      "M20 30 C20 48 21 66 23 80 C26 88 60 88 63 80 C65 66 66 48 66 30",
      "M66 41 C80 36 90 44 87 55 C84 66 75 71 65 71",
      "M65 49 C73 46 79 49 78 55 C76 60 71 63 65 63",
    ],
  },
  {
    name: "Palm tree",
    paths: [
      "M46 92 C50 74 51 56 49 38",
      "M56 92 C57 74 57 56 53 38",
      "M51 37 C40 26 24 26 12 40 C26 35 38 35 51 39",
      "M51 37 C44 20 30 12 18 16 C32 20 42 27 51 37",
      "M51 37 C54 20 66 10 80 14 C66 19 58 27 51 37",
      "M51 37 C64 26 82 27 91 41 C78 35 64 35 51 39",
      "M51 39 C38 42 28 50 25 63 C33 52 42 45 51 40",
      "M51 39 C64 42 75 50 78 64 C70 52 61 45 51 40",
      "M34 92 C44 89 60 89 70 92",
    ],
  },
  {
    name: "Aeroplane",
    paths: [
      "M49 63 L24 63 C14 63 7 61 6 56 C8 48 18 45 30 45 L78 45 L88 28 L95 28 L92 50 C88 58 76 62 64 62.8",
      "M42 54 L58 54 L76 84 L68 84 Z",
      "M46 45 L62 22 L69 22 L62 45",
      "M10 52 L18 52 L20 46",
      "M28 51 L31 51",
      "M38 51 L41 51",
      "M64 51 L67 51",
      "M74 51 L77 51",
    ],
  },
  {
    name: "Flower",
    paths: [
      "M41 34 A9 9 0 1 1 59 34 A9 9 0 1 1 41 34",
      "M44 27 C36 15 40 7 50 7 C60 7 64 15 56 27",
      "M56.5 28 C67 18 76 20 78 29 C80 38 71 43 59 36",
      "M58 38 C70 44 71 53 63 58 C55 62 49 54 50 43",
      "M50 43 C51 54 45 62 37 58 C29 53 30 44 42 38",
      "M41 36 C29 43 20 38 22 29 C24 20 33 18 43.5 28",
      "M50 58 C53 70 52 80 49 94",
      "M51 80 C56 68 68 64 78 68 C74 78 62 84 51 80",
      "M50 88 C44 78 34 74 25 78 C30 87 40 91 50 88",
    ],
  },
];

/** What an earlier visit of the same day learned: how likely each example is to find something, by name. */
export function knownExamples() {
  try {
    const { at, known } = JSON.parse(localStorage.getItem(KNOWN));
    return Date.now() - at < DAY_MS ? known : {};
  } catch {
    return {};
  }
}

/** Fills a list with a button for each example; `start(example)` is called when one is chosen. */
export function showExamples(list, examples, start) {
  const items = examples.map((example) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = t(example.name);
    button.append(iconOf(example), t(example.name));
    button.addEventListener("click", () => start(example));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  list.replaceChildren(...items);
}

/** An example as strokes for a Drawing. */
export function strokesOf({ paths }, width) {
  const scale = PAPER / SHEET;
  return paths.map((d) => {
    const path = svg("path", { d });
    const length = path.getTotalLength();
    const steps = Math.max(1, Math.round(length / STEP));
    const points = Array.from({ length: steps + 1 }, (_, i) => {
      const { x, y } = path.getPointAtLength((length * i) / steps);
      return { x: x * scale, y: y * scale, pressure: 1 };
    });
    return { width, points };
  });
}

/** An example as a small icon in the colour of the text. */
function iconOf({ paths }) {
  const icon = svg("svg", { viewBox: `0 0 ${SHEET} ${SHEET}`, "aria-hidden": "true" });
  icon.append(...paths.map((d) => svg("path", { d })));
  return icon;
}

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
