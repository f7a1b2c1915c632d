/**
 * The page's own wiring: a changed drawing is searched with, and what comes back is shown.
 */
import { Drawing } from "./drawing.js";
import { EXAMPLES, pictureOf, strokesOf } from "./examples.js";
import { toPng } from "./ink.js";
import { keyAsker } from "./key.js";
import { LiveSearch } from "./live.js";
import { Notice } from "./notice.js";
import { Pad } from "./pad.js";
import { Results } from "./results.js";
import { SearchClient, readiness } from "./server.js";
import { Viewer } from "./viewer.js";

const EXAMPLE_MS = 900;

const by = (id) => document.getElementById(id);
const canvas = by("canvas");

const client = new SearchClient(undefined, keyAsker(by("key")));
const live = new LiveSearch(search);
const drawing = new Drawing();
const pad = new Pad(canvas, drawing, { started, moved: () => live.strokeMoved(), dropped: drawingChanged });
const viewer = new Viewer(by("viewer"), ({ id }) => results.focus(id));
const results = new Results(by("results"), (photos, index) => viewer.open(photos, index));
const notice = new Notice(by("notice"), { retry: () => live.now(), recovered });

async function search() {
  const asked = pad.strokes;
  if (asked.length === 0) return;
  setState("asking");
  try {
    const answer = await client.search(toPng(asked));
    if (answer === null) return; // a newer search has the word now, and the state is its own
    notice.hide();
    showAnswer(answer);
    setState(asked === pad.strokes ? "current" : "outdated");
  } catch (problem) {
    notice.show(problem);
    setState("failed");
  }
}

/** How what is shown relates to what is drawn: empty, outdated, asking, current or failed. */
function setState(state) {
  by("found").dataset.state = state;
  by("found").ariaBusy = String(state === "asking");
}

function showAnswer({ results: photos, total_searched: total, took_ms: took }) {
  showWelcome(false);
  results.show(photos);
  by("heading").textContent = photos.length ? "Closest first" : "No photos to search yet";
  by("figures").textContent = `${counted(total)} in ${Math.max(1, Math.round(took.total))} ms`;
  announce(`${counted(photos.length)} found`);
}

function showWelcome(shown) {
  by("welcome").hidden = !shown;
  by("results").hidden = shown;
  by("found").classList.toggle("welcoming", shown);
}

function started() {
  document.body.classList.add("drawing");
  live.strokeStarted();
}

function drawingChanged() {
  const { isEmpty, canUndo, canRedo, strokes } = drawing;
  document.body.classList.toggle("drawing", !isEmpty);
  const drawn = isEmpty ? "empty" : `${counted(strokes.length, "line")} drawn`;
  canvas.setAttribute("aria-label", `Drawing area, ${drawn}`);
  setEnabled(by("undo"), canUndo);
  setEnabled(by("redo"), canRedo);
  setEnabled(by("clear"), !isEmpty);
  if (isEmpty) return forgetSearch();
  if (by("found").dataset.state === "current") setState("outdated");
  live.drawingChanged();
}

function forgetSearch() {
  live.cancel();
  client.cancel();
  notice.settle();
  setState("empty");
  results.show([]);
  by("heading").textContent = by("figures").textContent = "";
  showWelcome(true);
  announce("The drawing is empty");
}

// A disabled button drops the keyboard's focus on the floor; hand it to its neighbour first.
function setEnabled(button, enabled) {
  if (!enabled && document.activeElement === button) {
    const others = [by("undo"), by("redo"), by("clear")].filter((other) => other !== button);
    const neighbour = others.find((other) => !other.disabled);
    (neighbour ?? document.querySelector("[name=pen]:checked")).focus();
  }
  button.disabled = !enabled;
}

function undo() {
  pad.finishReplay();
  drawing.undo();
}

function clear() {
  pad.abandon();
  drawing.clear();
}

function startExample(example) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  canvas.scrollIntoView({ block: "nearest", behavior: calm ? "instant" : "smooth" });
  pad.replay(strokesOf(example, pad.penWidth), calm ? 0 : EXAMPLE_MS);
}

function offerExamples() {
  for (const example of EXAMPLES) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(pictureOf(example), example.name);
    button.addEventListener("click", () => startExample(example));
    const item = document.createElement("li");
    item.append(button);
    by("examples").append(item);
  }
}

function onKey(event) {
  const typing = event.target.closest?.("input:not([type=radio]), textarea, [contenteditable]");
  if (!(event.ctrlKey || event.metaKey) || event.altKey || typing || viewer.isOpen) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) drawing.redo();
  else undo();
}

async function greet() {
  try {
    const state = await readiness();
    if (state.ready) tellCount(state);
    else notice.waitForIndex(state);
  } catch (problem) {
    notice.show(problem);
  }
}

function tellCount({ photos }) {
  if (photos !== null) by("count").textContent = `your ${counted(photos)}`;
}

// With a drawing at hand only its answer proves that all is well; until then the notice stays.
function recovered(state) {
  tellCount(state);
  if (drawing.isEmpty) notice.hide();
  else live.now();
}

function announce(text) {
  by("announcer").textContent = text;
}

function counted(number, noun = "photo") {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

by("undo").addEventListener("click", undo);
by("redo").addEventListener("click", () => drawing.redo());
by("clear").addEventListener("click", clear);
document.addEventListener("keydown", onKey);
drawing.addEventListener("change", drawingChanged);
for (const pen of document.getElementsByName("pen")) {
  if (pen.checked) pad.penWidth = Number(pen.value);
  pen.addEventListener("change", () => (pad.penWidth = Number(pen.value)));
}
showWelcome(true);
offerExamples();
greet();
