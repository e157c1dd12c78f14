// The page: files come in, a job is followed, the list below keeps up.
// What the form says stays for the next checkpoint, except for the architecture, which belongs to one.

import { cancel, find, follow, isFinal, predict, predictors, recent, Refusal } from "./api.js";
import { html } from "./dom.js";
import { jobView, moveOn, problemView, spoken } from "./job.js";
import { options, predictorsView } from "./predictors.js";
import { recentView } from "./recent.js";

const RECENT = 10;
const WITHOUT_SIDECAR = "No architecture file: the structure is read from the checkpoint.";
const DECLARED = ["input_mean", "input_std", "class_order"];
const element = (id) => document.getElementById(id);
const form = element("upload");
const place = element("job");
let sidecar = null;
let unfollow = () => {};
let shown = 0; // counts what was asked for, so that an answer which comes late does not replace what is looked at now

function show(...children) {
  place.replaceChildren(...children);
  place.hidden = false;
}

function showRefusal(error) {
  if (!(error instanceof Refusal)) throw error;
  show(html("article", { class: "panel", "data-status": "refused" }, problemView(error.problem)));
}

function showJob(job) {
  const panel = place.querySelector(`[data-id="${CSS.escape(job.id)}"]`);
  if (panel && !isFinal(job)) moveOn(panel, job);
  else show(jobView(job, () => cancel(job.id).catch(showRefusal)));
  const announcement = element("announcement");
  if (announcement.textContent !== spoken(job)) announcement.textContent = spoken(job);
  if (isFinal(job)) listRecent();
}

function watch(job) {
  const turn = shown;
  const current = (act) => (value) => turn === shown && act(value);
  showJob(job);
  if (!isFinal(job)) unfollow = follow(job.id, current(showJob), current(showRefusal));
}

function begin() {
  unfollow();
  unfollow = () => {};
  shown += 1;
  return shown;
}

async function judge(files) {
  const turn = begin();
  const named = files.find(isIndex) ?? files.find((file) => file.name.toLowerCase().endsWith(".onnx")) ?? files[0];
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const draft = { id: null, filename: named.name, size_bytes: size, files: [], status: "queued", stage: null };
  show(jobView({ ...draft, status: "uploading", progress: 0 }));
  try {
    const sent = { files, sidecar, query: chosen() };
    const job = await predict(sent, (progress) => {
      if (turn === shown) show(jobView({ ...draft, status: "uploading", progress }));
    });
    if (sent.sidecar === sidecar) keepSidecar(null); // it belongs to this checkpoint, not to the next
    if (turn !== shown) return;
    history.replaceState(null, "", `#jobs/${encodeURIComponent(job.id)}`);
    watch(job);
  } catch (error) {
    if (turn === shown) showRefusal(error);
  }
}

async function open() {
  const id = /^#jobs\/(.+)$/.exec(location.hash)?.[1];
  if (!id) return;
  const turn = begin();
  try {
    const job = await find(decodeURIComponent(id));
    if (turn !== shown) return;
    watch(job);
    place.focus();
  } catch (error) {
    if (turn === shown) showRefusal(error);
  }
}

/** What the form says beside the files, by the names that the service reads. */
function chosen() {
  return Object.fromEntries(["predictor", ...DECLARED].map((name) => [name, element(name).value.trim()]));
}

function keepSidecar(file) {
  sidecar = file;
  element("sidecar-name").textContent = file ? `${file.name} goes with the next checkpoint.` : WITHOUT_SIDECAR;
}

/** Whether the file lists the shards of a network, and so is one of its files. */
function isIndex(file) {
  return /\.safetensors\.index(\.[\w-]+)?\.json$/i.test(file.name);
}

function take(files) {
  const isSidecar = (file) => file.name.toLowerCase().endsWith(".json") && !isIndex(file);
  files.filter(isSidecar).forEach(keepSidecar);
  const network = files.filter((file) => !isSidecar(file));
  if (network.length) judge(network);
}

async function listRecent() {
  let jobs;
  try {
    jobs = await recent(RECENT);
  } catch {
    return; // the list is an extra; what matters reports its own problems
  }
  element("recent").hidden = !jobs.length;
  element("recent-list").replaceChildren(recentView(jobs));
}

async function offerPredictors() {
  let found;
  try {
    found = await predictors();
  } catch {
    return; // without a choice the service takes its default
  }
  element("predictor").replaceChildren(...options(found));
  element("predictor-choice").hidden = found.length < 2;
  element("served-list").replaceChildren(...predictorsView(found));
  element("served").hidden = !found.length;
}

element("file").addEventListener("change", ({ target }) => {
  take([...target.files]);
  target.value = ""; // so that the same file can be chosen again
});
element("sidecar").addEventListener("change", ({ target }) => {
  keepSidecar(target.files[0] ?? null);
  target.value = "";
});
element("declarations").addEventListener("input", () => {
  element("declared").textContent = DECLARED.some((name) => element(name).value.trim()) ? "declared" : "assumed";
});
form.addEventListener("submit", (event) => event.preventDefault());
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
}
document.addEventListener("dragleave", (event) => event.relatedTarget || form.classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  take([...event.dataTransfer.files]);
});
window.addEventListener("hashchange", open);

listRecent();
offerPredictors();
open();
