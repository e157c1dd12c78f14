// What is served: the choice of a predictor, and what each knows and how well.

import { card, Refusal } from "./api.js";
import { html } from "./dom.js";

/** The choices of a select. */
export function options(found) {
  return found.map(({ name, title }) => html("option", { value: name }, title ? `${title} (${name})` : name));
}

/** Every predictor with its domain, its scores and its card. */
export function predictorsView(found) {
  return found.map((predictor) =>
    html(
      "article",
      { class: "served", "data-name": predictor.name },
      html("h3", {}, predictor.title || predictor.name, html("span", {}, ` · ${predictor.name} v${predictor.version}`)),
      html("p", {}, predictor.domain),
      scores(predictor.scores),
      cardView(predictor.name),
    ),
  );
}

function scores(found) {
  const rows = Object.entries(found).map(([name, value]) =>
    html("div", {}, html("dt", {}, name.replaceAll("_", " ")), html("dd", {}, String(Number(value.toPrecision(3))))),
  );
  return rows.length ? html("dl", { class: "facts" }, rows) : html("p", {}, "It has not been evaluated yet.");
}

/** The card, fetched when it is opened. */
function cardView(name) {
  const text = html("pre", { tabindex: "0" }, "...");
  const view = html("details", {}, html("summary", {}, "Its card"), text);
  view.addEventListener("toggle", async () => {
    if (!view.open) return;
    try {
      text.textContent = await card(name);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      text.textContent = error.problem.detail;
    }
  });
  return view;
}
