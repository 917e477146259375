// One DAG and what it has done.
import { calmly, h, note, put } from "./dom.js";
import { all, get, listen, may, q } from "./api.js";
import { ago, logical, setDAG, text, time } from "./time.js";
import { backlog, dagLink, table, tabs } from "./parts.js";
import { setPaused, trigger } from "./actions.js";
import { grid } from "./grid.js";
import { graph } from "./graph.js";
import { calendar, durations, runs } from "./history.js";
import { backfills } from "./backfills.js";

const views = { grid: ["Grid", grid], graph: ["Graph", liveGraph], runs: ["Runs", runs], calendar: ["Calendar", calendar],
  durations: ["Durations", durations], backfills: ["Backfills", backfills], definition: ["Definition", definition] };

export async function dag(root, [id, tab], params, signal) {
  const current = views[tab] ? tab : "grid";
  document.title = `${id} – Weir`;
  let it = await get(`/dags/${q(id)}`, {}, signal);
  setDAG(it);
  const head = h("div", { class: "head" }), wrong = h("div"), waiting = h("div", { class: "waiting" }), place = h("div");
  function drawHead() {
    put(head, h("div", {}, h("h1", {}, id, " ", it.tags.map((tag) => h("a", { class: "tag", href: `#/?tag=${q(tag)}` }, tag))),
      it.description && h("p", {}, it.description),
      h("p", { class: "soft" }, it.schedule_in_words, !it.active ? "" : it.paused ? " · paused" : it.next_run_after ? [" · next run ", time(it.next_run_after, { seconds: false }), ", ", ago(it.next_run_after)] : "",
        it.owner && ` · owner ${it.owner}`), !it.active && h("p", { class: "problem" }, `Its file ${it.file} is gone: nothing starts it any more. What it has done stays here.`),
    ), h("div", { class: "row" },
      may("operator", id) && it.active && [h("button", { class: "primary", onclick: () => trigger(it) }, "▶ Run"),
        it.schedule && h("button", { onclick: () => { location.hash = dagLink(id, "backfills"); } }, "Backfill"),
        h("button", { onclick: () => setPaused(id, !it.paused) }, it.paused ? "Let it go on" : "Pause")]));
  }
  /** Its file may say something else by now that cannot be read. */
  async function drawWrong() {
    const file = (await get("/dag-errors", {}, signal)).items.find((one) => one.file === it.file);
    put(wrong, file && h("div", { class: "problem" }, h("b", {}, `${file.file} is in error since `, ago(file.since), `; what is shown here is the version before. `),
      file.errors.map((one) => h("div", {}, `${one.line}:${one.column} ${one.message}`))));
  }
  /** What has arrived for a DAG that files start; it changes without an event. */
  async function drawWaiting() {
    if (it.schedule || !it.active || document.hidden) return;
    const one = (await get("/status", {}, signal)).status.arrivals.find((arrivals) => arrivals.dag_id === id);
    put(waiting, one && backlog(one));
  }
  drawHead();
  await Promise.all([drawWrong(), drawWaiting()]);
  const clock = setInterval(() => { drawWaiting().catch(() => {}); }, 2000);
  signal.addEventListener("abort", () => clearInterval(clock));
  root.append(head, waiting, wrong, tabs(Object.entries(views).map(([key, [name]]) => [key, name]), current, (key) => dagLink(id, key)), place);
  const refresh = calmly(300, async () => {
    try { it = await get(`/dags/${q(id)}`, {}, signal); drawHead(); } catch { /* It is shown as it was. */ }
  });
  listen((kind, data) => {
    if (kind === "reset" || (kind === "dag" && data.dag_id === id)) refresh();
    if (kind === "reset" || kind === "file") drawWrong().catch(() => {});
  }, signal);
  await views[current][1](place, it, params, signal);
}

/** The graph with the states of the last run. */
async function liveGraph(root, it, _, signal) {
  const place = h("div"), title = h("p", { class: "soft" });
  root.append(title, place);
  let run = it.last_run;
  async function states() {
    if (!run) return new Map();
    const { items } = await get(`/dags/${q(it.dag_id)}/runs/${q(run.run_id)}/tasks`, {}, signal);
    return new Map(items.map((task) => [task.task_id + (task.map_index >= 0 ? `[${task.map_index}]` : ""), task]));
  }
  const drawing = await graph(place, it.dag_id, it.version, { run, signal });
  function tell() { put(title, run ? ["The states of the run of ", logical(run.logical_date), ": ", run.state] : "It has not run yet."); }
  tell();
  drawing.show(await states());
  listen(async (kind, data) => {
    if (data.dag_id !== it.dag_id || !["run", "task"].includes(kind)) return;
    if (kind === "run" && (!run || data.logical_date >= run.logical_date)) {
      const isNew = run?.run_id !== data.run_id;
      run = data;
      tell();
      if (isNew) { try { drawing.show(await states(), run); } catch { /* The next event tells more. */ } }
    } else if (kind === "task" && data.run_id === run?.run_id) drawing.change(data);
  }, signal);
}

/** The file, its versions and what changed between them. */
async function definition(root, it, _, signal) {
  const path = `/dags/${q(it.dag_id)}/versions/`;
  const parts = h("div"), file = h("h2", {}), place = h("div", { class: "text mono", tabindex: "0", "aria-label": "the file" });
  const which = h("select", { "aria-label": "version", onchange: draw }), other = h("select", { "aria-label": "compared with", onchange: draw });
  root.append(parts, h("section", { class: "card" }, h("div", { class: "row" }, file, which, other), h("br"), place));
  async function draw() {
    try {
      if (other.value) {
        const { lines } = await get(`${path}${other.value}/diff/${which.value}`, {}, signal);
        put(place, lines.map((line) => h("div", { class: line.change }, { same: "  ", added: "+ ", removed: "- " }[line.change] + line.text)));
      } else {
        const { text: content } = await get(path + which.value, {}, signal);
        put(place, content.split("\n").map((line) => h("div", {}, line || " ")));
      }
    } catch (error) { if (!signal.aborted) note(error.message, true); }
  }
  let newest = null;
  async function load() {
    const now = await get(`/dags/${q(it.dag_id)}`, {}, signal);
    if (now.version === newest) return;
    const versions = await all(`/dags/${q(it.dag_id)}/versions`, {}, 500, signal);
    const { tasks, params } = await get(path + now.version + "/structure", {}, signal).catch(() => ({ tasks: [], params: [] }));
    put(parts, h("div", { class: "cards" },
      h("section", { class: "card" }, h("h2", {}, `${tasks.length} tasks`), table(["Task", "Kind", "After", "Retries"], tasks.map((task) =>
        [[h("b", {}, task.task_id), task.description && h("span", { class: "below" }, task.description)], task.kind, task.upstream.join(", ") || "–", task.retries]))),
      params.length ? h("section", { class: "card" }, h("h2", {}, "Parameters"), table(["Name", "Type", "Default", ""], params.map((param) =>
        [param.name, param.type, param.is_required ? "must be given" : JSON.stringify(param.default), param.description]))) : null));
    put(file, now.file);
    // Who looks at the newest version goes on to do so.
    const chosen = which.value === String(newest) ? "" : which.value, compared = other.value;
    const options = (value) => versions.map((one) => h("option", { value: one.version, selected: String(one.version) === value },
      `${text(one.loaded_at)}${one.version === now.version ? " (now)" : ""} · ${one.sha256.slice(0, 8)}`));
    put(which, options(chosen || String(now.version)));
    put(other, h("option", { value: "" }, "compare with nothing"), options(compared));
    newest = now.version;
    await draw();
  }
  const later = calmly(200, () => load().catch((error) => { if (!signal.aborted) note(error.message, true); }));
  listen((kind, data) => { if (kind === "reset" || (kind === "dag" && data.dag_id === it.dag_id)) later(); }, signal);
  await load();
}
