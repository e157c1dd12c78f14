// A report: predictions or the reasons for none, what was read, findings, architecture.

import { count, html, percent, svg } from "./dom.js";
import { groundsView, nearestView, stabilityRows } from "./grounds.js";
import { interval } from "./interval.js";

const RUNGS = {
  declared: "declared: the specification that came with the checkpoint",
  config: "config: config.json and the template of its family",
  graph: "graph: the program in the file",
  template: "template: names and shapes that only one family has",
  chain: "chain: one numbered chain of layers that fit each other",
};

const SEEN = {
  "weights and probes": "the weights and what the network answers to synthetic images",
  "weights only": "the weights alone",
};

/** Everything a report says, as one element. */
export function reportView(report) {
  return html(
    "div",
    { class: "report" },
    report.predictions ? predictions(report) : abstention(report),
    groundsView(report),
    nearestView(report.domain.nearest),
    summary(report),
    report.findings.length ? findings(report.findings) : null,
    architecture(report.architecture),
  );
}

function predictions(report) {
  const { test_accuracy: accuracy, generalization_gap: gap } = report.predictions;
  const { name, version } = report.predictor;
  const { score, threshold } = report.domain;
  const known = score === null || threshold === null ? "" : ` Further out than ${(100 * score).toFixed(1)} % of known networks; from ${(100 * threshold).toFixed(1)} % on it would not answer. The intervals are nominal, and for networks that were trained on this task.`;
  return html(
    "div",
    { class: "predictions" },
    card("Test accuracy", accuracy, [0, 1], "predicted share of unseen images it classifies correctly"),
    card("Generalization gap", gap, [-0.25, 0.5], "train accuracy minus test accuracy, in points"),
    html("p", { class: "by" }, `Predicted by ${name} v${version} from ${SEEN[report.basis] ?? "the weights"}.${known}`),
  );
}

function card(title, estimate, scale, meaning) {
  const [low, high] = estimate.interval;
  return html(
    "div",
    { class: "card" },
    html("h3", {}, title),
    html("p", { class: "figure" }, percent(estimate.value)),
    html("p", { class: "range-text" }, `${percent(low)} to ${percent(high)}`, html("span", {}, ` · nominal ${percent(estimate.coverage, 0)} interval`)),
    interval(estimate, scale, title),
    html("p", { class: "meaning" }, meaning),
  );
}

function abstention(report) {
  const { name, version } = report.predictor;
  const reasons = report.domain.reasons.length ? report.domain.reasons : ["No reason was given."];
  return html(
    "div",
    { class: "notice warning" },
    html("h3", {}, "No prediction"),
    html("p", {}, `This network is outside what ${name} v${version} knows, and a guess would be worth nothing:`),
    html("ul", {}, reasons.map((reason) => html("li", {}, reason))),
  );
}

function summary({ checkpoint, architecture: read, stability, timings_s: timings }) {
  const rows = [
    ["Format", checkpoint.format],
    ["Parameters", count(checkpoint.parameters)],
    ["Numbers", Object.entries(checkpoint.dtypes).map(([dtype, size]) => `${count(size)} ${dtype}`).join(", ")],
    ["Family", read.family],
    ["Structure from", RUNGS[read.provenance] ?? read.provenance],
    ["Coverage", `${percent(read.coverage)} of the parameters`],
  ];
  if (read.assumed.length) rows.push(["Assumed", read.assumed.join("; ")]);
  if (read.digest) rows.push(["Graph digest", html("code", { title: read.digest }, read.digest.slice(0, 16))]);
  rows.push(...stabilityRows(stability));
  const total = Object.values(timings).reduce((sum, seconds) => sum + seconds, 0);
  if (total) rows.push(["Time", `${(1000 * total).toFixed(0)}\u202fms`]);
  return html("dl", { class: "facts" }, rows.map(([name, value]) => html("div", {}, html("dt", {}, name), html("dd", {}, value))));
}

function findings(found) {
  const item = ({ level, rule, message, layer }) =>
    html("li", { class: `finding ${level}` }, html("span", { class: "level" }, level), html("span", {}, message, " ", layer ? html("code", {}, layer) : null), html("span", { class: "rule" }, rule));
  return html("div", {}, html("h3", {}, "Findings"), html("ul", { class: "findings" }, found.map(item)));
}

function architecture(read) {
  const most = Math.max(1, ...read.layers.map((layer) => layer.parameters));
  const head = ["Layer", "Kind", "Reads", "Shape", "Parameters"].map((title, column) => html("th", { scope: "col", class: column === 4 ? "number" : null }, title));
  return html(
    "details",
    { class: "architecture", open: read.layers.length <= 40 },
    html("summary", {}, layerCount(read)),
    html("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Architecture table" }, html("table", {}, html("thead", {}, html("tr", {}, head)), html("tbody", {}, read.layers.map((layer) => row(layer, most))))),
    read.unsupported.length ? html("p", { class: "notice warning" }, `Not understood, and left out: ${read.unsupported.map((piece) => `${piece.operator} ${piece.name}`).join(", ")}`) : null,
  );
}

function layerCount(read) {
  const all = read.layer_count || read.layers.length;
  return all > read.layers.length ? `Architecture · the first ${count(read.layers.length)} of ${count(all)} layers` : `Architecture · ${count(all)} layers`;
}

function row(layer, most) {
  const share = svg("svg", { class: "share", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: (100 * layer.parameters) / most, height: 8, rx: 1 }));
  return html(
    "tr",
    {},
    html("th", { scope: "row" }, layer.name),
    html("td", {}, layer.kind),
    html("td", { class: "reads" }, layer.inputs.join(", ")),
    html("td", { class: "shape" }, layer.shape.join("\u2009×\u2009")),
    html("td", { class: "number" }, layer.parameters ? count(layer.parameters) : "", layer.parameters ? share : null),
  );
}
