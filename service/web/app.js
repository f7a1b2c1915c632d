/**
 * Wires the page together: every change to the query starts a search, and every answer is shown.
 */
import { Bringing } from "./bringing.js";
import { KNOWN, strokesOf } from "./drawing/examples.js";
import { toPng } from "./drawing/ink.js";
import { isField } from "./drawing/keys.js";
import { drawing, hooks, pad } from "./drawing/paper.js";
import { Replay } from "./drawing/replay.js";
import { toSketch } from "./drawing/sending.js";
import { Toolbar } from "./drawing/toolbar.js";
import { keepGutter, lazySetup, offerExamples, offerExtras } from "./extras.js";
import { counted, t } from "./language.js";
import { StartPage } from "./library/start.js";
import { normalized } from "./photos/answers.js";
import { Results } from "./photos/results.js";
import { announce, showFigures, showSummary } from "./photos/summary.js";
import { Address } from "./search/address.js";
import { Filters } from "./search/filters.js";
import { showWordHint, wordHint } from "./search/hints.js";
import { LiveSearch } from "./search/live.js";
import { Parts } from "./search/parts.js";
import { Query } from "./search/query.js";
import { copyFrom, save } from "./search/sharing.js";
import { keyAsker } from "./service/key.js";
import { Lamp } from "./service/lamp.js";
import { Notice } from "./service/notice.js";
import { storePicture, storedPicture } from "./service/pictures.js";
import { PAGE, Problem, SearchClient, fetchAsAdmin, read, readiness } from "./service/server.js";
import { Viewer } from "./viewer/viewer.js";

const EXAMPLE_MS = 900;

const byId = (id) => document.getElementById(id);

const noKey = async () => ""; // whoever only looks is not asked
const askForKey = keyAsker(byId("key"));
const client = new SearchClient(undefined, askForKey);
const live = new LiveSearch(search);
const query = new Query();
Object.assign(hooks, { touched: leaveField, started: strokeStarted, moved: () => live.strokeMoved(), dropped: drawingChanged });
const replay = new Replay(pad, drawing);
const extras = offerExtras(drawing, replay, (text) => toolbar.tell(text));
const selecting = { "Ctrl+a": () => startPage.selection.all(), escape: () => startPage.selection.size > 0 && startPage.selection.clear() };
const toolbar = new Toolbar(drawing, pad, replay, { ...extras, ...selecting });
const parts = new Parts(query, { changed: queryChanged, removed: removePart, swapped: (kind) => bringing.swap(kind) });
const address = new Address(query, drawing, restoreSearch, {
  store: (file) => storePicture(file, askForKey),
  stored: (id) => storedPicture(id, askForKey),
});
const viewer = new Viewer(byId("viewer"), {
  closed: ({ id }) => (startPage.active ? startPage : results).focus(id),
  alike: ({ photo, sign }) => findAlike([photo], sign),
  searched: searchRegion,
  filter: (filters) => query.filter(filters),
  marked: (photo) => startPage.marked(photo),
  copy: (text, button) => copyFrom(button, text),
  drawn: () => (drawing.isEmpty ? null : () => toPng(drawing)),
  read: (url, options) => read(url, askForKey, options),
  change: (url, method) => fetchAsAdmin(url, { method }, askForKey),
});
const startPage = new StartPage(query, {
  send: (url, options) => read(url, noKey, options),
  call: (url, options) => fetchAsAdmin(url, options, noKey),
  open: (...chosen) => viewer.open(...chosen),
  copy: copyFrom,
  alike: findAlike,
  announce,
  search: () => live.now(),
});
const filters = new Filters(query, () => read("facets", noKey));
const results = new Results(byId("results"), (...chosen) => viewer.open(...chosen), startPage.selection.dress);
startPage.besides(byId("results"), results);
const notice = new Notice(byId("notice"), { retry: () => live.now(), recovered });
const bringing = new Bringing(query, drawing, notice, askForKey);
const lamp = new Lamp(byId("index-open"), {
  open: () => setUp((setup) => setup.open()),
  changed: indexChanged,
  unfinished: () => setUp((setup) => setup.follow()),
  announce,
});
const setUp = lazySetup(askForKey, lamp, (problem) => notice.show(problem));

let shown = null; // the form that the results on the page answer
let answered = null; // the answer on the page
let fetching = false;
let changes = 0; // of the query since the page was opened

/** Whether there is nothing to search with. */
const isIdle = () => query.parts(!drawing.isEmpty || pad.unfinished !== null).length === 0;

async function search({ again = false } = {}) {
  if (isIdle()) return forgetSearch();
  const asked = [changes, pad.unfinished];
  setState("asking");
  try {
    const form = makeForm();
    const answer = await client.search(form, { again });
    if (answer === null) return; // a newer search has taken over, and sets the state
    notice.hide();
    shown = await form;
    if (answer !== answered) showAnswer(answer);
    setState(asked[0] === changes && asked[1] === pad.unfinished ? "current" : "outdated");
  } catch (problem) {
    if (problem.code === "nothing") return forgetSearch();
    notice.show(problem);
    setState("failed");
  }
}

async function makeForm() {
  const sketch = drawing.isEmpty && !pad.unfinished ? null : await toSketch(drawing, pad.unfinished);
  const form = query.form(sketch);
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
      showFigures(answer, results.count);
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
  answered = received;
  const answer = normalized(received);
  startPage.leave();
  results.show(answer.results);
  announce(showSummary(answer, query.filtersUsed > 0));
  byId("widen").hidden = !query.filtersUsed;
  offerMore(answer);
  showWordHint(wordHint(query.text, answer.nothing_close));
  lamp.served(answer.generation);
}

function offerMore({ results: photos, total_searched: total }) {
  byId("more").hidden = photos.length < PAGE || results.count >= total;
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
  changes += 1;
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
  startPage.show();
}

function removePart(kind) {
  if (kind === "sketch") toolbar.clear();
  else query.update({ [kind]: query.noParts[kind] });
}

/** Searches as the address says, after Back or Forward or, with what has been drawn meanwhile, at first. */
async function restoreSearch({ first = false } = {}) {
  const begun = first && !drawing.isEmpty;
  const { held, pictures } = address.read(begun);
  if (begun) drawingChanged();
  if (held || shown || begun) live.now();
  else startPage.show();
  try {
    const gone = await pictures;
    if (!gone) return;
    await live.now();
    notice.show(gone);
  } catch (problem) {
    notice.show(problem);
  }
}

/** Adds photos to the query, to find more like them (sign +1) or less (-1). */
function findAlike(photos, sign) {
  changeQuery(() => query.liken(photos.map(({ id }) => id), sign));
}

/** Searches for a region of a photo, besides whatever else is searched for. */
function searchRegion(blob, name) {
  return changeQuery(() => bringing.search(new File([blob], name, { type: blob.type })));
}

/** Changes the query so that Back returns to the one before. */
async function changeQuery(change) {
  address.keep();
  await change();
  address.write();
  byId("found").scrollIntoView({ block: "start" });
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

function showCount({ photos }) {
  if (photos === null) return 0;
  byId("count").textContent = t("your {photos}", { photos: counted(photos) });
  startPage.photos = photos;
  return photos;
}

function indexChanged(state) {
  localStorage.removeItem(KNOWN); // other photos, other examples
  showCount(state);
  announce(t("Index updated: {photos}", { photos: counted(state.photos) }));
  startPage.refresh();
  filters.refresh();
  if (!isIdle()) live.now();
}

// If there is a query, the notice stays until the server has answered it.
function recovered(state) {
  showCount(state);
  if (state.setup) setUp((setup) => setup.begin());
  if (!isIdle() && !state.setup) return live.now();
  notice.hide();
  startPage.show();
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
new IntersectionObserver(([edge]) => edge.isIntersecting && searchMore(), { rootMargin: "400px" }).observe(byId("more"));
restoreSearch({ first: true });
offerExamples(startExample, { ready: greet(), wanted: isIdle });
keepGutter();
