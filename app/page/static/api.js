// The HTTP contract from the page's side: upload, follow, list, cancel.

const FINAL = new Set(["succeeded", "failed", "canceled", "dead"]);
const POLL_WAIT_S = 10;
const PAUSE_MS = 500;

/** Whether nothing can happen to the job any more. */
export function isFinal(job) {
  return FINAL.has(job.status);
}

/** What the service refuses with; `problem` is an RFC 9457 document. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** Uploads the files of one network; `onFraction` hears how much has been sent. Answers the job. `query` is as in the URL. */
export function predict({ files, sidecar, query }, onFraction) {
  const form = new FormData();
  for (const file of files) form.append("file", file, file.name);
  if (sidecar) form.append("architecture", sidecar, sidecar.name);
  const chosen = String(new URLSearchParams(Object.entries(query).filter(([, value]) => value)));
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much of an upload has been sent
    request.open("POST", chosen ? `/predict?${chosen}` : "/predict");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onFraction(event.loaded / event.total);
    });
    request.addEventListener("load", () => settle(request.status, request.responseText, resolve, reject));
    request.addEventListener("error", () => reject(new Refusal(unreachable())));
    request.send(form);
  });
}

/** Calls `onJob` with every state of the job until it is final: by events, else by polling. */
export function follow(id, onJob, onRefusal) {
  const stop = new AbortController();
  const events = new EventSource(`/jobs/${encodeURIComponent(id)}/events`);
  const receive = (event) => {
    const job = JSON.parse(event.data);
    onJob(job);
    if (isFinal(job)) events.close();
  };
  events.addEventListener("job", receive);
  events.addEventListener("message", receive);
  events.addEventListener("error", () => {
    events.close();
    if (!stop.signal.aborted) poll(id, onJob, stop.signal).catch(onRefusal);
  });
  stop.signal.addEventListener("abort", () => events.close());
  return () => stop.abort();
}

async function poll(id, onJob, signal) {
  let job = await find(id);
  while (!signal.aborted) {
    onJob(job);
    if (isFinal(job)) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    job = await call(`/jobs/${encodeURIComponent(id)}?wait=${POLL_WAIT_S}`);
  }
}

/** One job as it is. */
export function find(id) {
  return call(`/jobs/${encodeURIComponent(id)}`);
}

/** The newest jobs. */
export async function recent(limit) {
  return (await call(`/jobs?limit=${limit}`)).jobs;
}

/** What is served. */
export function predictors() {
  return call("/predictors");
}

/** The card of a predictor, as Markdown. */
export async function card(name) {
  const response = await answer(`/predictors/${encodeURIComponent(name)}/card`);
  const text = await response.text();
  if (response.ok) return text;
  return new Promise((resolve, reject) => settle(response.status, text, resolve, reject));
}

/** Asks for a job to be given up. */
export function cancel(id) {
  return call(`/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
}

async function call(path, options = {}) {
  const response = await answer(path, { headers: { Accept: "application/json" }, ...options });
  const text = await response.text();
  return new Promise((resolve, reject) => settle(response.status, text, resolve, reject));
}

async function answer(path, options = {}) {
  try {
    return await fetch(path, options);
  } catch {
    throw new Refusal(unreachable());
  }
}

function settle(status, text, resolve, reject) {
  let document;
  try {
    document = JSON.parse(text);
  } catch {
    reject(new Refusal({ status, code: "unexpected_answer", title: "Unexpected answer", detail: `The service answered ${status} without JSON.` }));
    return;
  }
  if (status >= 200 && status < 300) resolve(document);
  else reject(new Refusal(document));
}

function unreachable() {
  return { status: 0, code: "service_unavailable", title: "No connection", detail: "The service does not answer. Is it still running?" };
}
