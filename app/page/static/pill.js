// The mark that says how a job stands.

import { html } from "./dom.js";

/** A job that succeeded without a prediction is shown as what it is: the predictor abstained. */
export function pill(job) {
  const abstained = job.status === "succeeded" && job.report && !job.report.predictions;
  const standing = abstained ? "abstained" : job.status;
  return html("span", { class: `pill ${standing}` }, job.cached ? `${standing} · cached` : standing);
}
