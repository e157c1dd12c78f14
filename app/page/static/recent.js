// The list of recent jobs.

import { html, percent } from "./dom.js";
import { pill } from "./pill.js";

/** `jobs` as a table whose rows lead to `#jobs/ID`. */
export function recentView(jobs) {
  const head = ["Checkpoint", "Status", "Test accuracy", "When"].map((title) => html("th", { scope: "col" }, title));
  return html(
    "div",
    { class: "scroll" },
    html("table", { class: "recent" }, html("thead", {}, html("tr", {}, head)), html("tbody", {}, jobs.map(row))),
  );
}

function row(job) {
  return html(
    "tr",
    {},
    html("th", { scope: "row" }, html("a", { href: `#jobs/${encodeURIComponent(job.id)}` }, job.filename)),
    html("td", {}, pill(job)),
    html("td", { class: "outcome" }, outcome(job)),
    html("td", {}, html("time", { datetime: job.created_at }, new Date(job.created_at).toLocaleTimeString())),
  );
}

function outcome(job) {
  if (job.problem) return html("code", {}, job.problem.code);
  if (!job.report) return "";
  if (!job.report.predictions) return "no prediction";
  const { value, interval } = job.report.predictions.test_accuracy;
  return `${percent(value)} (${percent(interval[0], 0)} to ${percent(interval[1], 0)})`;
}
