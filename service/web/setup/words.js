/**
 * Progress, runs and counts in words.
 */
import { counted, locale, t } from "../language.js";
import { sentence } from "./library.js";

const TELLING = 20; // photos: how long the first ones took says nothing of the rest
const RUN_COUNTS = ["added", "changed", "moved", "removed"];

/** How far a run has come: how many, how fast, how long still. */
export function progressText(progress) {
  if (!progress?.photos) return t("Looking for photos…");
  const { what, done, photos, per_second: rate, seconds_left: left } = progress;
  const percent = Math.floor((100 * done) / photos);
  if (what && what !== "photos") return t("Making your photos searchable: {percent} %", { percent });
  const facts = [t("{done} of {photos}", { done: number(done), photos: counted(photos) })];
  if (done < Math.min(TELLING, photos)) return facts[0];
  if (rate >= 1) facts.push(t("{n} per second", { n: number(Math.round(rate)) }));
  if (Number.isFinite(left) && done < photos) facts.push(timeLeft(left));
  return facts.join(" · ");
}

function timeLeft(seconds) {
  const [minutes, hours] = [Math.round(seconds / 60), Math.round(seconds / 3600)];
  if (seconds < 10) return t("a few seconds left");
  if (seconds < 50) return t("less than a minute left");
  if (minutes < 2) return t("about a minute left");
  if (seconds < 5400) return t("about {n} minutes left", { n: number(minutes) });
  if (hours < 48) return t("about {n} hours left", { n: number(hours) });
  return t("about {n} days left", { n: number(Math.round(hours / 24)) });
}

/** "1,684 photos in this folder". */
export function countText({ photos, complete }) {
  const found = { photos: counted(photos) };
  return complete ? t("{photos} in this folder", found) : t("More than {photos} in this folder", found);
}

/** What a run changed; what went wrong if it failed, and never that nothing changed then. */
export function runText(run) {
  if (run.state === "failed") return [t("Failed."), ...(run.problems ?? []).map(sentence)].join(" ");
  const changes = RUN_COUNTS.filter((name) => run[name]).map((name) => changesText(name, number(run[name])));
  if (run.state === "stopped") return [t("Stopped early"), ...changes].join(", ");
  return changes.join(", ") || t("no changes");
}

function changesText(name, n) {
  return {
    added: t("{n} added", { n }),
    changed: t("{n} changed", { n }),
    moved: t("{n} moved", { n }),
    removed: t("{n} removed", { n }),
  }[name];
}

/** A moment, for people. */
export function when(iso) {
  const date = new Date(iso ?? "");
  if (Number.isNaN(date.valueOf())) return t("unknown");
  return date.toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

export function number(value) {
  return value.toLocaleString(locale());
}
