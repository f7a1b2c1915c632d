/**
 * The search parameters as the server declares them: their names, defaults and bounds.
 */
import { t } from "../language.js";

const declared = JSON.parse(document.getElementById("parameters").textContent);

/** name -> {type, default, minimum, maximum, maxLength, enum, labels, description, label}, as far as each applies. */
export const PARAMETERS = Object.fromEntries(
  Object.entries(declared).map(([name, { anyOf = [], ...rules }]) => {
    const { "x-label": label, "x-labels": labels = {}, ...plain } = { ...anyOf[0], ...rules };
    return [name, { ...plain, label, labels }];
  }),
);

/** The parameters with a label get a control among the filters, unless they leave no choice. */
export const OFFERED = Object.keys(PARAMETERS).filter((name) => {
  const { label, enum: choices } = PARAMETERS[name];
  return label && !(choices && choices.length < 2);
});

/** What the control of a parameter holds while it has no effect. */
export function unset(name) {
  return PARAMETERS[name].type === "boolean" ? false : "";
}

/** A value as the control holds it, from text that anyone may have written: what the server would refuse is unset. */
export function valueOf(name, text) {
  const { type, enum: choices, minimum, maximum, maxLength } = PARAMETERS[name];
  const number = Number(text);
  const refused =
    !text ||
    (choices && !choices.includes(text)) ||
    text.length > (maxLength ?? Infinity) ||
    (type === "integer" && !Number.isInteger(number)) ||
    (["integer", "number"].includes(type) && !(number >= (minimum ?? -Infinity) && number <= (maximum ?? Infinity)));
  if (refused) return unset(name);
  return type === "boolean" ? text === "true" : text;
}

/** A number as the server takes it; the default if the text is none. */
export function numberOf(name, text) {
  const { default: otherwise, minimum, maximum } = PARAMETERS[name];
  const value = Number.parseFloat(text ?? otherwise);
  return Number.isFinite(value) ? Math.max(minimum, Math.min(maximum, value)) : otherwise;
}

/** The control of an offered parameter, in a label. */
export function controlOf(name) {
  const { type, enum: choices, labels, minimum, maximum, maxLength, label, description } = PARAMETERS[name];
  const row = document.createElement("label");
  const field = document.createElement(choices ? "select" : "input");
  field.name = name;
  row.title = t(description);
  row.append(`${t(label)} `, field);
  if (choices) {
    field.append(new Option(t("Automatic"), ""), ...choices.map((choice) => new Option(t(labels[choice] ?? choice), choice)));
  } else if (type === "boolean") {
    row.className = "check";
    field.type = "checkbox";
    row.prepend(field);
  } else if (type === "string") {
    if (maxLength) field.maxLength = maxLength;
  } else {
    Object.assign(field, { type: "number", min: minimum ?? "", max: maximum ?? "", step: type === "integer" ? 1 : "any" });
  }
  return row;
}
