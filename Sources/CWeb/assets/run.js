// One run: its tasks, why they are as they are, and what to do about it.
import { calmly, h, note, put } from "./dom.js";
import { get, listen, may, q } from "./api.js";
import { ago, dayZone, duration, logical, logicalText, setDAG, text, time, took } from "./time.js";
import { bytes, dagLink, facts, nameOf, runLink, state, stateWords, tabs } from "./parts.js";
import { cancel, clear, mark } from "./actions.js";
import { graph } from "./graph.js";
import { log } from "./log.js";

const isFinal = (name) => ["success", "failed", "skipped", "upstream_failed", "cancelled", "removed"].includes(name);

export async function run(root, [dagID, runID], params, signal) {
  document.title = `${dagID} – Weir`;
  const path = `/dags/${q(dagID)}/runs/${q(runID)}`;
  let [it, { items: tasks }, dag] = await Promise.all([get(path, {}, signal), get(path + "/tasks", {}, signal), get(`/dags/${q(dagID)}`, {}, signal).catch(() => null)]);
  setDAG(dag);
  let why = { run: null, tasks: {} };
  const view = params.get("view") ?? "tasks";
  const map = params.get("map") ?? "-1";
  const chosen = () => tasks.find((task) => task.task_id === params.get("task") && String(task.map_index) === map)
    ?? tasks.find((task) => task.task_id === params.get("task"))
    ?? tasks.find((task) => task.state === "failed") ?? tasks.find((task) => task.state === "running") ?? tasks.find((task) => task.state === "up_for_retry") ?? tasks[tasks.length - 1];
  /** A mapped task became its elements, which stand where it stood. */
  function ordered(list) {
    const places = new Map(), mapped = new Set(list.filter((task) => task.map_index >= 0).map((task) => task.task_id));
    for (const task of list) if (!places.has(task.task_id)) places.set(task.task_id, places.size);
    return list.filter((task) => !(task.map_index < 0 && task.state === "removed" && mapped.has(task.task_id)))
      .sort((a, b) => places.get(a.task_id) - places.get(b.task_id) || a.map_index - b.map_index);
  }
  tasks = ordered(tasks);
  let current = chosen();
  const head = h("div", { class: "head" }), left = h("div"), right = h("div", { class: "card" });
  const here = (task, index, other = view) => runLink(dagID, runID, task, index) + (task ? "&" : "?") + "view=" + other;
  root.append(head, tabs([["tasks", "Tasks"], ["gantt", "Gantt"], ["graph", "Graph"]], view, (id) => here(current?.task_id, current?.map_index, id)),
    view === "graph" ? [left, h("br"), right].reduce((box, one) => { box.append(one); return box; }, h("div")) : h("div", { class: "split" }, left, right));

  function drawHead() {
    const canChange = may("operator", dagID), failed = tasks.filter((task) => ["failed", "upstream_failed", "cancelled"].includes(task.state)).length;
    put(head, h("div", {}, h("h1", {}, h("a", { href: dagLink(dagID) }, dagID), " › ", logical(it.logical_date), " ", state(it.state)),
      h("p", { class: "soft" }, it.run_type, " · ", it.run_id, it.data_interval_start !== it.data_interval_end && ` · interval ${logicalText(it.data_interval_start)} – ${logicalText(it.data_interval_end)} (${dayZone()})`,
        it.start_date ? [" · started ", ago(it.start_date), it.end_date ? ", took " : ", has run for ", took(it.start_date, it.end_date)] : [" · due ", ago(it.run_after)],
        it.params && Object.keys(it.params).length ? ` · params ${JSON.stringify(it.params)}` : ""),
      it.reason && h("p", { class: it.state === "failed" ? "problem" : "hint" }, it.reason), why.run && h("p", { class: "hint" }, why.run)),
    canChange && h("div", { class: "row" }, isFinal(it.state) ? null : h("button", { class: "danger", onclick: () => cancel(it) }, "Cancel"),
      failed ? h("button", { class: "primary", onclick: () => clear(it, [], { onlyFailed: true }) }, "Run what failed again") : null,
      isFinal(it.state) && h("button", { onclick: () => clear(it, []) }, "Run all again")));
  }

  /** Who has chosen no task sees what needs him first: what failed, or else what has begun. */
  function follow() {
    if (params.get("task")) return;
    const has = (...states) => tasks.some((task) => states.includes(task.state));
    if (current?.state !== "failed" && has("failed") || (!current || ["none", "queued", "upstream_failed"].includes(current.state)) && has("running", "up_for_retry")) current = chosen();
  }

  // The list of tasks.
  let drawing = null;
  async function drawLeft() {
    if (view === "graph") {
      drawing = await graph(left, dagID, it.dag_version, { run: it, signal, current: current?.task_id });
      drawing.show(new Map(tasks.map((task) => [nameOf(task), task])));
    } else redrawLeft();
  }
  function redrawLeft() {
    if (view === "graph") return;
    if (view === "gantt") { put(left, h("div", { class: "card" }, gantt())); return; }
    put(left, h("div", { class: "card" }, tasks.length ? h("div", { class: "wide" }, h("table", { "aria-label": "tasks" }, h("thead", {}, h("tr", {}, ["Task", "State", "Took", "Try"].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, tasks.map((task) => h("tr", { "aria-selected": String(current && nameOf(task) === nameOf(current)) }, h("td", {}, h("a", { class: "name", href: here(task.task_id, task.map_index) }, nameOf(task)),
        why.tasks[nameOf(task)] ? h("span", { class: "below" }, why.tasks[nameOf(task)]) : task.reason && (task.state !== "success" || /^marked /.test(task.reason)) && h("span", { class: "below" }, task.reason)),
      h("td", {}, state(task.state)), h("td", {}, task.start_date ? took(task.start_date, task.end_date ?? (isFinal(task.state) ? task.start_date : null)) : "–"), h("td", {}, task.try_number || "–")))))) : h("p", { class: "empty" }, "This run has no tasks yet.")));
  }
  function gantt() {
    const begun = tasks.filter((task) => task.start_date);
    if (!begun.length) return h("p", { class: "empty" }, "Nothing has started yet.");
    const from = Math.min(...begun.map((task) => Date.parse(task.start_date)));
    const to = Math.max(from + 1, ...begun.map((task) => task.end_date ? Date.parse(task.end_date) : Date.now()));
    return [h("p", { class: "soft" }, text(new Date(from).toISOString()), " – ", text(new Date(to).toISOString()), ", ", duration((to - from) / 1000)),
      h("div", { class: "gantt" }, tasks.map((task) => {
        const start = task.start_date && Date.parse(task.start_date), end = task.end_date ? Date.parse(task.end_date) : Date.now();
        const words = `${nameOf(task)}: ${stateWords(task.state)}${start ? `, ${duration((end - start) / 1000)}` : ""}`;
        return [h("a", { class: "what", href: here(task.task_id, task.map_index), title: nameOf(task) }, nameOf(task)), h("div", { class: "track" }, start
          ? h("a", { href: here(task.task_id, task.map_index), title: words, "aria-label": words, data: { state: task.state }, vars: { "--from": (start - from) / (to - from), "--long": (end - start) / (to - from) } }) : null)];
      }))];
  }

  // The chosen task.
  let logOf = null, leaveLog = new AbortController(), shownAttempt = null;
  signal.addEventListener("abort", () => leaveLog.abort());
  const facets = h("div"), tries = h("div"), place = h("div");
  async function drawRight() {
    if (!current) { put(right, h("p", { class: "empty" }, "No task is chosen.")); return; }
    const base = `${path}/tasks/${q(current.task_id)}`;
    const index = current.map_index;
    const attempts = (await get(base + "/attempts", { map_index: index }, signal)).items;
    const last = attempts[attempts.length - 1];
    const attempt = attempts.find((one) => one.attempt_id === shownAttempt) ?? last;
    drawFacets(attempt);
    put(tries, attempts.length > 1 && h("div", { class: "row" }, "Tries: ", attempts.map((one, number) => h("button", { class: "small", "aria-pressed": String(one === attempt), title: one.reason ?? "", onclick: () => { shownAttempt = one.attempt_id; drawRight(); } }, `${number + 1} `, state(one.state)))));
    if (attempt && logOf !== attempt.attempt_id) {
      leaveLog.abort();
      leaveLog = new AbortController();
      logOf = attempt.attempt_id;
      put(place);
      log(place, base, attempt, leaveLog.signal).catch((error) => { if (!leaveLog.signal.aborted) put(place, h("p", { class: "soft" }, error.message)); });
    } else if (!attempt) { logOf = null; put(place, h("p", { class: "empty" }, "It has not started, so there is no log.")); }
    if (!right.contains(place)) put(right, facets, tries, place);
  }
  function drawFacets(attempt) {
    const task = current, reason = why.tasks[nameOf(task)];
    put(facets, h("div", { class: "head" }, h("h2", {}, nameOf(task), " ", state(task.state)), may("operator", dagID) && h("div", { class: "row" },
      isFinal(task.state) && h("button", { class: "primary", onclick: () => clear(it, [nameOf(task)]) }, "Run again"),
      h("button", { onclick: () => mark(it, task) }, "Mark as …"))),
    reason && h("p", { class: "hint" }, reason, /\bpool\b/.test(reason) && [" ", h("a", { href: "#/admin/pools" }, "To the pools")]), task.reason && task.reason !== reason && h("p", { class: task.state === "failed" ? "problem" : "hint" }, task.reason),
    attempt && facts([["started", attempt.start_date && time(attempt.start_date)], [attempt.end_date ? "took" : "has run for", attempt.start_date && took(attempt.start_date, attempt.end_date)],
      ["exit code", attempt.exit_code], ["signal", attempt.signal], ["processor", attempt.cpu_seconds != null ? duration(attempt.cpu_seconds) : null], ["memory", attempt.peak_memory_bytes ? bytes(attempt.peak_memory_bytes) : null],
      ["parameters", attempt.rendered && Object.keys(attempt.rendered).length ? h("details", {}, h("summary", {}, "as they were"), h("pre", { class: "text" }, JSON.stringify(attempt.rendered, null, 2))) : null],
      ["outputs", task.outputs && Object.keys(task.outputs).length ? h("details", {}, h("summary", {}, "handed on"), h("pre", { class: "text" }, JSON.stringify(task.outputs, null, 2))) : null]]));
  }

  async function explain() {
    if (isFinal(it.state)) { why = { run: null, tasks: {} }; return; }
    try { why = (await get(path + "/why", {}, signal)).why; } catch { why = { run: null, tasks: {} }; }
  }
  const settle = calmly(150, async () => {
    await explain();
    if (signal.aborted) return;
    drawHead();
    redrawLeft();
    try { await drawRight(); } catch (error) { if (!signal.aborted) note(error.message, true); }
  });
  listen(async (kind, data) => {
    if (kind === "reset") {
      try { [it, { items: tasks }] = await Promise.all([get(path, {}, signal), get(path + "/tasks", {}, signal)]); tasks = ordered(tasks); current = chosen(); settle(); } catch { /* Later. */ }
      return;
    }
    if (data.dag_id !== dagID || data.run_id !== runID) return;
    if (kind === "run") it = data;
    else if (kind === "task") {
      const place = tasks.findIndex((task) => nameOf(task) === nameOf(data));
      if (place >= 0) tasks[place] = data; else tasks.push(data);
      tasks = ordered(tasks);
      if (current && nameOf(current) === nameOf(data)) current = data;
      follow();
      drawing?.change(data);
    } else if (kind === "attempt" && current && nameOf(current) === nameOf(data) && data.state === "running") shownAttempt = null;
    settle();
  }, signal);
  if (view === "gantt") {
    const clock = setInterval(() => { if (!isFinal(it.state)) redrawLeft(); }, 1000);
    signal.addEventListener("abort", () => clearInterval(clock));
  }
  await explain();
  drawHead();
  await drawLeft();
  await drawRight();
}
