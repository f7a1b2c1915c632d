/**
 * The page's own wiring: whatever changes what is looked for leads to a search, and what comes back is shown.
 */
import { Drawing } from "./drawing/drawing.js";
import { offerExamples, strokesOf } from "./drawing/examples.js";
import { toPng } from "./drawing/ink.js";
import { Pad } from "./drawing/pad.js";
import { asInk, asPhoto, looksDrawn, opened, receive } from "./drawing/pictures.js";
import { Replay } from "./drawing/replay.js";
import { Toolbar } from "./drawing/toolbar.js";
import { sound } from "./photos/answers.js";
import { Results } from "./photos/results.js";
import { Viewer } from "./photos/viewer.js";
import { Address } from "./search/address.js";
import { LiveSearch } from "./search/live.js";
import { Parts } from "./search/parts.js";
import { Query } from "./search/query.js";
import { copyFrom, save } from "./search/sharing.js";
import { counted, IndexPanel } from "./service/indexpanel.js";
import { keyAsker } from "./service/key.js";
import { Notice } from "./service/notice.js";
import { PAGE, Problem, SearchClient, readiness } from "./service/server.js";

const EXAMPLE_MS = 900;

const by = (id) => document.getElementById(id);

const askForKey = keyAsker(by("key"));
const client = new SearchClient(undefined, askForKey);
const live = new LiveSearch(search);
const query = new Query();
const drawing = new Drawing();
const pad = new Pad(by("canvas"), drawing, {
  touched: () => replay.finish(),
  started,
  moved: () => live.strokeMoved(),
  dropped: drawingChanged,
});
const replay = new Replay(pad, drawing);
const toolbar = new Toolbar(drawing, pad, replay);
const parts = new Parts(query, { changed: queryChanged, removed: removePart, swapped: swapPart });
const address = new Address(query, drawing, () => live.now());
const viewer = new Viewer(by("viewer"), {
  closed: ({ id }) => results.focus(id),
  alike: searchAlike,
  copy: (photo, button) => copyFrom(button, new URL(photo.url, location.href).href),
});
const results = new Results(by("results"), (photos, index) => viewer.open(photos, index));
const notice = new Notice(by("notice"), { retry: () => live.now(), recovered });
const panel = new IndexPanel(by("index"), askForKey, indexChanged);

let shown = null; // the form that the results on the page answer
let fetching = false;

/** Whether there is anything that could be searched with. */
function isIdle() {
  return query.parts(!drawing.isEmpty || pad.live !== null).length === 0;
}

async function search() {
  if (isIdle()) return forgetSearch();
  const asked = [drawing.version, pad.live];
  setState("asking");
  try {
    const form = makeForm();
    const answer = await client.search(form);
    if (answer === null) return; // a newer search has the word now, and the state is its own
    notice.hide();
    shown = await form;
    showAnswer(answer);
    setState(asked[0] === drawing.version && asked[1] === pad.live ? "current" : "outdated");
  } catch (problem) {
    if (problem.code === "nothing") return forgetSearch();
    notice.show(problem);
    setState("failed");
  }
}

async function makeForm() {
  const png = drawing.isEmpty && !pad.live ? null : await toPng(drawing, pad.live);
  const form = query.form(png);
  if (form === null) throw new Problem({ status: 422, title: "Nothing is left on the paper", code: "nothing" });
  return form;
}

async function searchMore() {
  if (fetching || !shown) return;
  fetching = true;
  try {
    const more = await client.more(shown, results.count);
    if (more) {
      const answer = sound(more);
      results.append(answer.results);
      offerMore(answer);
    }
  } catch (problem) {
    notice.show(problem);
  }
  fetching = false;
}

/** How what is shown relates to what is looked for: empty, outdated, asking, current or failed. */
function setState(state) {
  by("found").dataset.state = state;
  by("found").ariaBusy = String(state === "asking");
}

function showAnswer(told) {
  const answer = sound(told);
  const { results: photos, total_searched: total, took_ms: took, generation } = answer;
  showWelcome(false);
  results.show(photos);
  parts.suggest(photos);
  by("heading").textContent = photos.length ? "Closest first" : total ? "No photos found" : "No photos to search yet";
  by("figures").textContent = `${counted(total)} in ${Math.max(1, Math.round(took.total))} ms`;
  by("nothing").hidden = photos.length > 0;
  by("widen").hidden = !query.filtersUsed;
  by("nothing-text").textContent = query.filtersUsed ? "No photo passes the filters." : "There is nothing to show yet.";
  offerMore(answer);
  announce(`${counted(photos.length)} found`);
  panel.heard(generation);
}

function offerMore({ results: photos, total_searched: total }) {
  by("more").hidden = photos.length < PAGE || results.count >= total;
}

function showWelcome(visible) {
  by("welcome").hidden = !visible;
  by("heading").hidden = visible;
  by("results").hidden = by("share").hidden = visible;
  by("found").classList.toggle("welcoming", visible);
}

function started() {
  document.body.classList.add("drawing");
  live.strokeStarted();
}

function drawingChanged() {
  const { isEmpty, items } = drawing;
  document.body.classList.toggle("drawing", !isEmpty);
  const drawn = isEmpty ? "empty" : `${counted(items.length, "line")} drawn`;
  by("canvas").setAttribute("aria-label", `Drawing area, ${drawn}`);
  queryChanged(0);
}

function queryChanged(pause) {
  parts.show({ ink: !drawing.isEmpty, picture: drawing.items.some(({ mask }) => mask) });
  address.writeSoon();
  if (isIdle()) return forgetSearch();
  if (by("found").dataset.state === "current") setState("outdated");
  live.soon(pause);
}

function forgetSearch() {
  live.cancel();
  client.cancel();
  notice.settle();
  setState("empty");
  results.show([]);
  shown = null;
  by("heading").textContent = by("figures").textContent = "";
  by("nothing").hidden = by("more").hidden = true;
  showWelcome(true);
  announce("Nothing is looked for");
}

function removePart(kind) {
  if (kind === "sketch") toolbar.clear();
  else query.update({ [kind]: kind === "photo" ? null : "" });
}

/** A picture was taken for a photo and is a drawing, or the other way round. */
async function swapPart(kind) {
  if (kind === "photo") {
    const picture = query.photo;
    query.update({ photo: null });
    drawing.add(asInk(picture));
  } else {
    const pictures = drawing.items.filter(({ mask }) => mask);
    drawing.remove(new Set(pictures));
    query.update({ photo: await asPhoto(pictures.at(-1)) });
  }
}

async function bring(file) {
  if (!file) return;
  try {
    const picture = await opened(file);
    notice.settle();
    if (looksDrawn(picture)) drawing.add(asInk(picture));
    else query.update({ photo: await asPhoto(picture) });
  } catch (problem) {
    notice.show(problem);
  }
}

function searchAlike({ id }) {
  address.leave();
  replay.drop();
  if (!drawing.isEmpty) drawing.clear();
  query.update({ ...query.none, like: id });
  address.write();
  by("found").scrollIntoView({ block: "nearest" });
}

function startExample(example) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  by("canvas").scrollIntoView({ block: "nearest", behavior: calm ? "instant" : "smooth" });
  replay.play(strokesOf(example, pad.penWidth), calm ? 0 : EXAMPLE_MS);
}

async function greet() {
  try {
    const state = await readiness();
    if (state.ready) tellCount(state);
    else notice.waitForIndex(state);
  } catch (problem) {
    notice.show(problem);
  }
  await panel.look();
}

function tellCount({ photos }) {
  if (photos !== null) by("count").textContent = `your ${counted(photos)}`;
}

function indexChanged(state) {
  tellCount(state);
  announce(`The index was updated: ${counted(state.photos)}`);
  if (!isIdle()) live.now();
}

// With a query at hand only its answer proves that all is well; until then the notice stays.
function recovered(state) {
  tellCount(state);
  if (isIdle()) notice.hide();
  else live.now();
}

function announce(text) {
  by("announcer").textContent = text;
}

drawing.addEventListener("change", drawingChanged);
by("share").addEventListener("click", () => {
  address.write();
  copyFrom(by("share"), location.href, address.lacks ? `Copied, without ${address.lacks}` : "Copied");
});
by("download").addEventListener("click", async () => {
  const png = await toPng(drawing);
  if (png) save(png, "drawing.png");
});
for (const [button, input] of [["choose", "file"], ["take", "camera-file"]]) {
  by(button).addEventListener("click", () => by(input).click());
  by(input).addEventListener("change", () => bring(by(input).files[0]).then(() => (by(input).value = "")));
}
by("more").addEventListener("click", searchMore);
new IntersectionObserver(([edge]) => edge.isIntersecting && searchMore(), { rootMargin: "400px" }).observe(by("more"));
receive(bring);
showWelcome(true);
offerExamples(by("examples"), startExample);
if (address.read()) live.now();
greet();
