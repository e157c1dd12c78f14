// What a prediction rests on: what was looked at, taken for granted and declared, and which known networks are close.

import { html, percent } from "./dom.js";

/** Assumptions and declarations of `report` as a list, or null if there are none. */
export function groundsView(report) {
  const items = [
    ...(report.assumptions ?? []).map((text) => html("li", {}, html("span", { class: "level" }, "assumed"), text)),
    ...declared(report.declared ?? {}).map((text) => html("li", {}, html("span", { class: "level" }, "declared"), text)),
  ];
  return items.length ? html("ul", { class: "grounds", "aria-label": "What this rests on" }, items) : null;
}

/** How far the prediction moved under changes that leave the function as it is, as names and values. */
export function stabilityRows(stability) {
  const moved = [
    ["Moved by reordering neurons", stability?.permutation],
    ["Moved by rescaling neurons", stability?.rescale],
  ];
  const points = (distance) => (distance >= 1 ? "as far as no prediction" : `${Number((100 * distance).toPrecision(2))} points`);
  return moved.filter(([, distance]) => typeof distance === "number").map(([name, distance]) => [name, points(distance)]);
}

/** The nearest networks that the predictor learned from as a table, or null if none are known. */
export function nearestView(networks) {
  if (!networks?.length) return null;
  const head = ["Family", "Measured accuracy", "Distance", "What it is"].map((title) => html("th", { scope: "col" }, title));
  const rows = networks.map((network) =>
    html(
      "tr",
      {},
      html("th", { scope: "row" }, network.family),
      html("td", {}, percent(network.test_accuracy)),
      html("td", {}, network.distance.toPrecision(3)),
      html("td", {}, network.description),
    ),
  );
  return html(
    "details",
    { class: "nearest" },
    html("summary", {}, "Nearest known networks"),
    html("div", { class: "scroll" }, html("table", {}, html("thead", {}, html("tr", {}, head)), html("tbody", {}, rows))),
  );
}

function declared({ input_mean: mean, input_std: std, class_order: order }) {
  const found = [];
  if (mean && std) found.push(`pixels normalised by mean (${mean.join(", ")}) and standard deviation (${std.join(", ")})`);
  if (order) found.push(`classes in the order ${order.join(", ")}`);
  return found;
}
