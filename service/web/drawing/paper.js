/**
 * The paper, ready before the rest of the page has come: whoever draws at once loses nothing.
 */
import { Drawing } from "./drawing.js";
import { Pad } from "./pad.js";

/** What a gesture leads to; the page fills it in. */
export const hooks = { touched() {}, started() {}, moved() {}, dropped() {} };
export const drawing = new Drawing();
export const pad = new Pad(document.getElementById("canvas"), drawing, hooks);
performance.mark("drawable");
