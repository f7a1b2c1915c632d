/**
 * Wires the page together: every change to the query starts a search, and every answer is shown.
 */
import { Bringing } from "./bringing.js";
import { Drawing } from "./drawing/drawing.js";
import { KNOWN, strokesOf } from "./drawing/examples.js";
import { toPng } from "./drawing/ink.js";
import { isField } from "./drawing/keys.js";
import { Pad } from "./drawing/pad.js";
import { Replay } from "./drawing/replay.js";
import { Toolbar } from "./drawing/toolbar.js";
import { offerExamples, offerExtras } from "./extras.js";
import { counted, t } from "./language.js";
import { normalized } from "./photos/answers.js";
import { Results } from "./photos/results.js";
import { Viewer } from "./photos/viewer.js";
import { Address } from "./search/address.js";
import { wordHint } from "./search/hints.js";
import { LiveSearch } from "./search/live.js";
import { Parts } from "./search/parts.js";
import { Query } from "./search/query.js";
import { copyFrom, save } from "./search/sharing.js";
import { keyAsker } from "./service/key.js";
import { Lamp } from "./service/lamp.js";
import { Notice } from "./service/notice.js";
import { storePicture, storedPicture } from "./service/pictures.js";
import { PAGE, Problem, SearchClient, fetchAsAdmin, read, readiness } from "./service/server.js";

const EXAMPLE_MS = 900;

const byId = (id) => document.getElementById(id);

const askForKey = keyAsker(byId("key"));
const client = new SearchClient(undefined, askForKey);
const live = new LiveSearch(search);
const query = new Query();
const drawing = new Drawing();
const pad = new Pad(byId("canvas"), drawing, {
  touched: leaveField,
  started: strokeStarted,
  moved: () => live.strokeMoved(),
  dropped: drawingChanged,
});
const replay = new Replay(pad, drawing);
const toolbar = new Toolbar(drawing, pad, replay, offerExtras(drawing, replay, (text) => toolbar.say(text)));
const parts = new Parts(query, { changed: queryChanged, removed: removePart, swapped: (kind) => bringing.swap(kind) });
const address = new Address(query, drawing, restoreSearch, {
  store: (file) => storePicture(file, askForKey),
  stored: (id) => storedPicture(id, askForKey),
});
const viewer = new Viewer(byId("viewer"), {
  closed: ({ id }) => results.focus(id),
  alike: searchAlike,
  searched: searchRegion,
  filter: (filters) => query.filter(filters),
  copy: (text, button) => copyFrom(button, text),
  read: (url) => read(url, askForKey),
  change: (url, method) => fetchAsAdmin(url, { method }, askForKey),
});
const results = new Results(byId("results"), (photos, index, options) => viewer.open(photos, index, options));
const notice = new Notice(byId("notice"), { retry: () => live.now(), recovered });
const bringing = new Bringing(query, drawing, notice, askForKey);
const lamp = new Lamp(byId("index-open"), {
  open: () => setUp((setup) => setup.open()),
  changed: indexChanged,
  unfinished: () => setUp((setup) => setup.follow()),
  announce,
});

let shown = null; // the form that the results on the page answer
let fetching = false;
let setup = null; // choosing folders, following a run, the panel: loaded when first needed

/** Whether there is nothing to search with. */
function isIdle() {
  return query.parts(!drawing.isEmpty || pad.unfinished !== null).length === 0;
}

async function search() {
  if (isIdle()) return forgetSearch();
  const asked = [drawing.version, pad.unfinished];
  setState("asking");
  try {
    const form = makeForm();
    const answer = await client.search(form);
    if (answer === null) return; // a newer search has taken over, and sets the state
    notice.hide();
    shown = await form;
    showAnswer(answer);
    setState(asked[0] === drawing.version && asked[1] === pad.unfinished ? "current" : "outdated");
  } catch (problem) {
    if (problem.code === "nothing") return forgetSearch();
    notice.show(problem);
    setState("failed");
  }
}

async function makeForm() {
  const png = drawing.isEmpty && !pad.unfinished ? null : await toPng(drawing, pad.unfinished);
  const form = query.form(png);
  if (form === null) throw new Problem({ status: 422, title: t("The drawing is empty"), code: "nothing" });
  return form;
}

async function searchMore() {
  if (fetching || !shown) return;
  fetching = true;
  try {
    const more = await client.more(shown, results.count);
    if (more) {
      const answer = normalized(more);
      results.append(answer.results);
      offerMore(answer);
    }
  } catch (problem) {
    notice.show(problem);
  }
  fetching = false;
}

/** How the results shown relate to the query: empty, outdated, asking, current or failed. */
function setState(state) {
  byId("found").dataset.state = state;
  byId("found").ariaBusy = String(state === "asking");
}

function showAnswer(received) {
  const answer = normalized(received);
  const { results: photos, total_searched: total, took_ms: took, generation } = answer;
  const far = answer.nothing_close && photos.length > 0;
  showWelcome(false);
  results.show(photos);
  byId("found").classList.toggle("far", far);
  parts.suggest(photos);
  byId("heading").textContent = far ? t("Nothing close to this") : headingFor(photos, total);
  const time = t("{photos} in {ms} ms", { photos: counted(total), ms: Math.max(1, Math.round(took.total)) });
  byId("figures").textContent = far ? t("The nearest of {photos}", { photos: counted(total) }) : time;
  byId("nothing").hidden = photos.length > 0;
  byId("widen").hidden = !query.filtersUsed;
  byId("nothing-text").textContent = nothingText(total);
  offerMore(answer);
  const found = { photos: counted(photos.length) };
  announce(far ? t("Nothing close to this. {photos} shown", found) : t("{photos} found", found));
  showWordHint(wordHint(query.text, answer.nothing_close));
  lamp.served(generation);
}

function showWordHint(text) {
  byId("word-hint").hidden = !text;
  byId("word-hint").textContent = text;
}

function headingFor(photos, total) {
  if (photos.length) return t("Best matches");
  return total ? t("No photos found") : t("No photos to search yet");
}

function nothingText(total) {
  if (query.filtersUsed) return t("No photos match your filters.");
  return total ? t("Try another drawing or other words.") : t("Photos appear here once they have been indexed.");
}

function offerMore({ results: photos, total_searched: total }) {
  byId("more").hidden = photos.length < PAGE || results.count >= total;
}

function showWelcome(visible) {
  byId("welcome").hidden = !visible;
  byId("heading").hidden = visible;
  byId("results").hidden = byId("share").hidden = visible;
  byId("found").classList.toggle("welcoming", visible);
  if (visible) byId("found").classList.remove("far");
}

// From now on, Ctrl+Z is about the drawing.
function leaveField() {
  replay.finish();
  toolbar.say("");
  if (isField(document.activeElement)) document.activeElement.blur();
}

function strokeStarted() {
  document.body.classList.add("drawing");
  live.strokeStarted();
}

function drawingChanged() {
  const { isEmpty, items } = drawing;
  document.body.classList.toggle("drawing", !isEmpty);
  const drawn = t("Drawing area, {lines} drawn", { lines: counted(items.length, "line") });
  byId("canvas").setAttribute("aria-label", isEmpty ? t("Drawing area, empty") : drawn);
  queryChanged(0);
}

function queryChanged(pause) {
  parts.show({ ink: !drawing.isEmpty, picture: drawing.items.some(({ mask }) => mask) });
  address.writeSoon();
  if (isIdle()) return forgetSearch();
  if (byId("found").dataset.state === "current") setState("outdated");
  live.soon(pause);
}

function forgetSearch() {
  live.cancel();
  client.cancel();
  notice.settle();
  setState("empty");
  results.show([]);
  announce(shown ? t("Search cleared") : "");
  shown = null;
  byId("heading").textContent = byId("figures").textContent = "";
  byId("nothing").hidden = byId("more").hidden = true;
  showWordHint("");
  showWelcome(true);
}

function removePart(kind) {
  if (kind === "sketch") toolbar.clear();
  else query.update({ [kind]: kind === "photo" ? null : "" });
}

/** Searches as the address says, at first and after Back or Forward. */
async function restoreSearch() {
  const { held, pictures } = address.read();
  if (held || shown) live.now();
  try {
    const gone = await pictures;
    if (!gone) return;
    await live.now();
    notice.show(gone);
  } catch (problem) {
    notice.show(problem);
  }
}

function searchAlike({ photo: { id }, sign }) {
  address.keep();
  query.update({ like: id, weights: { ...query.weights, like: sign } });
  address.write();
  byId("found").scrollIntoView({ block: "nearest" });
}

/** Searches for a region of a photo, besides whatever else is searched for. */
async function searchRegion(blob, name) {
  const picture = await openPicture(new File([blob], name, { type: blob.type }));
  address.keep();
  query.update({ photo: await asPhoto(picture) });
  address.write();
  byId("found").scrollIntoView({ block: "nearest" });
}

function startExample(example) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  byId("canvas").scrollIntoView({ block: "nearest", behavior: still ? "instant" : "smooth" });
  replay.play(strokesOf(example, pad.penWidth), still ? 0 : EXAMPLE_MS);
}

/** Promises whether there are photos to search. */
async function greet() {
  let photos = 0;
  try {
    const state = await readiness();
    if (state.setup || state.photos === 0) await setUp((setup) => setup.begin());
    else if (state.ready) photos = showCount(state);
    else notice.waitForIndex(state);
  } catch (problem) {
    notice.show(problem);
  }
  await lamp.refresh();
  return photos > 0;
}

async function setUp(act) {
  try {
    const { Setup } = await import("./setup/setup.js");
    setup ??= new Setup(askForKey, lamp);
    await act(setup);
  } catch (problem) {
    notice.show(problem instanceof Problem ? problem : new Problem({ status: 0, title: problem.message }));
  }
}

function showCount({ photos }) {
  if (photos !== null) byId("count").textContent = t("your {photos}", { photos: counted(photos) });
  return photos ?? 0;
}

function indexChanged(state) {
  localStorage.removeItem(KNOWN); // other photos, other examples
  showCount(state);
  announce(t("Index updated: {photos}", { photos: counted(state.photos) }));
  if (!isIdle()) live.now();
}

// If there is a query, the notice stays until the server has answered it.
function recovered(state) {
  showCount(state);
  if (state.setup) setUp((setup) => setup.begin());
  if (isIdle() || state.setup) notice.hide();
  else live.now();
}

function announce(text) {
  if (byId("announcer").textContent !== text) byId("announcer").textContent = text; // each change is read out once
}

drawing.addEventListener("change", drawingChanged);
byId("share").addEventListener("click", async () => {
  await address.share().catch(() => {}); // what the link leaves out is said below
  copyFrom(byId("share"), location.href, address.omitted ? t("Copied without {what}", { what: address.omitted }) : t("Copied"));
});
byId("download").addEventListener("click", async () => {
  const png = await toPng(drawing);
  if (png) save(png, "drawing.png");
});
byId("more").addEventListener("click", searchMore);
const nearEnd = new IntersectionObserver(([edge]) => edge.isIntersecting && searchMore(), { rootMargin: "400px" });
nearEnd.observe(byId("more"));
showWelcome(true);
restoreSearch();
offerExamples(startExample, { ready: greet(), wanted: isIdle });

// A page beneath a dialog does not scroll: it keeps its width when the scrollbar's place goes to the dialog.
new ResizeObserver(() => {
  const { style, clientWidth } = document.documentElement;
  if (!document.querySelector("dialog[open]")) style.setProperty("--gutter", `${innerWidth - clientWidth}px`);
}).observe(document.documentElement);
