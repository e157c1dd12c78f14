// One job: where it is, what came out of it, or why nothing did.

import { isFinal } from "./api.js";
import { bytes, html } from "./dom.js";
import { pill } from "./pill.js";
import { reportView } from "./report.js";

const STAGES = ["upload", "sniff", "read", "infer", "build", "predict", "report"];

/** `job` as one element; `onCancel` is called for a job that can still be stopped. */
export function jobView(job, onCancel) {
  return html(
    "article",
    { class: "panel", "data-status": job.status, "data-id": job.id },
    html(
      "div",
      { class: "job-head" },
      html("h2", {}, job.filename),
      pill(job),
      onCancel && job.id && !isFinal(job) ? html("button", { class: "button quiet", type: "button", onclick: onCancel }, "Cancel") : null,
    ),
    html("p", { class: "job-facts" }, facts(job)),
    isFinal(job) && (job.status === "succeeded" || !job.stage) ? null : stages(job),
    job.problem ? problemView(job.problem) : null,
    job.report ? reportView(job.report) : null,
    job.report ? raw(job) : null,
  );
}

/** Redraws what moves in `panel`, a view of the same unfinished job; its buttons stay what they are. */
export function moveOn(panel, job) {
  panel.querySelector(".pill").replaceWith(pill(job));
  panel.querySelector(".moving").replaceWith(stages(job));
}

/** A problem document as one element. */
export function problemView(problem) {
  return html(
    "div",
    { class: "notice error", role: "alert" },
    html("h3", {}, problem.title ?? "The service refused"),
    html("p", {}, problem.detail ?? "No detail was given."),
    html("p", { class: "code" }, html("code", {}, problem.code ?? "unknown"), problem.status ? ` · ${problem.status}` : ""),
  );
}

/** The job in a few words, for those who cannot see it. */
export function spoken(job) {
  if (job.status === "succeeded") return job.report?.predictions ? `${job.filename}: prediction ready` : `${job.filename}: finished without a prediction`;
  return isFinal(job) ? `${job.filename}: ${job.status}` : `${job.filename}: ${job.stage ?? job.status}`;
}

function facts(job) {
  const parts = [job.files?.length ? `${bytes(job.size_bytes)} in ${job.files.length} files` : bytes(job.size_bytes)];
  if (job.created_at) parts.push(new Date(job.created_at).toLocaleString());
  if (job.attempts > 1) parts.push(`attempt ${job.attempts}`);
  const text = parts.join(" · ");
  return job.id ? [`${text} · `, html("a", { href: `/jobs/${job.id}` }, job.id)] : [text];
}

function stages(job) {
  const now = job.stage ? STAGES.indexOf(job.stage) : job.id ? 1 : 0;
  const steps = STAGES.map((stage, number) => {
    const state = number < now ? "done" : number > now ? "ahead" : isFinal(job) ? "stopped" : job.stage ? "now" : "waiting";
    return html("li", { class: state, "aria-current": state === "now" ? "step" : null }, stage);
  });
  const waiting = job.status === "queued" && job.id !== null;
  const bar = isFinal(job) ? null : html("progress", { max: 1, value: waiting ? null : job.progress, "aria-label": "Progress" });
  return html("div", { class: "moving" }, html("ol", { class: "stages" }, steps), bar);
}

function raw(job) {
  return html("details", {}, html("summary", {}, "The answer as JSON"), html("pre", { tabindex: "0" }, JSON.stringify(job.report, null, 2)));
}
