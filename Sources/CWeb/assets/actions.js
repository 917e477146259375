// What an operator does, from wherever it is asked for.
import { ask, calmly, field, h, note, put } from "./dom.js";
import { all, get, post, q } from "./api.js";
import { nameOf, runLink } from "./parts.js";
import { logicalText, nextDay, startOfDay } from "./time.js";

/** Says how it went; true when it went well. */
export async function attempt(work, done) {
  try {
    const result = await work();
    note(typeof done === "function" ? done(result) : done);
    return true;
  } catch (error) {
    note(error.message, true);
    return false;
  }
}

export function setPaused(dag, paused) {
  return attempt(() => post(`/dags/${q(dag)}/${paused ? "pause" : "unpause"}`), paused ? `${dag} is paused` : `${dag} goes on`);
}

/** Fields for the parameters of a DAG. */
export function paramFields(params) {
  return params.map((param) => {
    const name = "param:" + param.name;
    const required = param.is_required || null;
    const value = param.default == null ? "" : typeof param.default === "string" ? param.default : JSON.stringify(param.default);
    let input;
    if (param.allowed.length) {
      input = h("select", { name, required }, !required && h("option", { value: "" }, `default (${value})`),
        param.allowed.map((one) => h("option", { value: typeof one === "string" ? one : JSON.stringify(one) }, String(one))));
    } else input = h("input", { name, required, placeholder: value === "" ? "" : `default: ${value}`, autocomplete: "off" });
    return field(`${param.name} (${param.type})`, input, param.description);
  });
}

/** Their values; what is left empty keeps its default. */
export function paramValues(params, data) {
  const values = {};
  for (const param of params) {
    const given = data.get("param:" + param.name);
    if (given == null || given === "") continue;
    if (param.type === "string" || param.type === "date") values[param.name] = given;
    else {
      try { values[param.name] = JSON.parse(given); } catch { throw new Error(`${param.name} must be of type ${param.type}, not '${given}'`); }
    }
  }
  return values;
}

export async function trigger(dag) {
  let structure = { params: [] };
  try { structure = await get(`/dags/${q(dag.dag_id)}/versions/${dag.version}/structure`); } catch { /* It has none to be asked for. */ }
  const hint = h("div", { role: "status" });
  // What a day is that somebody has chosen, before he starts it.
  const look = calmly(200, async (date) => {
    if (!date) { put(hint); return; }
    const from = startOfDay(date, dag.timezone), to = startOfDay(nextDay(date), dag.timezone);
    const { items } = await get(`/dags/${q(dag.dag_id)}/runs`, { from, to: new Date(Date.parse(to) - 1).toISOString(), limit: 5 }).catch(() => ({ items: [] }));
    const words = [Date.parse(to) > Date.now() && "this day is not over yet: its data may not be complete",
      items.length > 0 && `this day has run already: ${items.map((one) => `${one.run_type} ${one.state}`).join(", ")}; this makes one more`].filter(Boolean);
    put(hint, words.map((one) => h("p", { class: "hint" }, one)));
  });
  const run = await ask(`Start a run of ${dag.dag_id}`, [
    dag.schedule && field("Day", h("input", { type: "date", name: "day", oninput: (event) => look(event.target.value) }), `the interval that begins on this day (${dag.timezone}); without: the last complete one`),
    hint, paramFields(structure.params),
  ], "Start", async (data) => {
    const body = { params: paramValues(structure.params, data) };
    if (data.get("day")) body.logical_date = startOfDay(data.get("day"), dag.timezone);
    return (await post(`/dags/${q(dag.dag_id)}/runs`, body)).run;
  });
  if (run) { note(`${run.run_id} was started`); location.hash = runLink(run.dag_id, run.run_id); }
}

/** Runs what failed again in all runs of a DAG that have failed and stand so. */
export async function clearFailures(dag) {
  const runs = await all(`/dags/${q(dag)}/runs`, { state: "failed", standing: true });
  if (!runs.length) { note("nothing has failed"); return; }
  const done = await ask("Run all again that failed", [
    h("p", {}, `The failed tasks of ${runs.length} run${runs.length === 1 ? "" : "s"}, and what waits for them:`),
    h("p", { class: "mono" }, runs.slice(0, 40).map((run) => logicalText(run.logical_date)).join(", ") + (runs.length > 40 ? " …" : "")),
  ], "Run again", () => post("/bulk/runs", { dag_id: dag, action: "clear", only_failed: true, run_ids: runs.map((run) => run.run_id) }));
  if (!done) return;
  const refused = done.items.filter((item) => item.error);
  note(`${done.items.length - refused.length} runs go on` + (refused.length ? `; ${refused[0].run_id}: ${refused[0].error}` : ""), refused.length > 0);
}

/** Clears tasks of a run after showing which. */
export async function clear(run, tasks, { onlyFailed = false } = {}) {
  const path = `/dags/${q(run.dag_id)}/runs/${q(run.run_id)}/clear`;
  const body = { task_ids: tasks, only_failed: onlyFailed, downstream: true };
  let which;
  try { which = (await post(path, { ...body, dry_run: true })).task_ids; } catch (error) { note(error.message, true); return; }
  if (!which.length) { note("nothing to clear"); return; }
  const latest = h("input", { type: "checkbox", name: "latest" });
  const done = await ask("Run again", [
    h("p", {}, `${which.length} task${which.length === 1 ? "" : "s"} of the run of ${logicalText(run.logical_date)} will run again:`),
    h("p", { class: "mono" }, which.slice(0, 40).join(", ") + (which.length > 40 ? " …" : "")),
    h("label", { class: "field check" }, latest, h("span", {}, "with the DAG file as it is now")),
  ], "Run again", () => post(path, { ...body, latest: latest.checked }));
  if (done) note(`${done.task_ids.length} task${done.task_ids.length === 1 ? "" : "s"} cleared`);
}

export async function mark(run, task) {
  const name = nameOf(task);
  const choice = h("select", { name: "state" }, ["success", "failed", "skipped"].map((one) => h("option", { value: one }, one)));
  const done = await ask(`Give ${name} a state`, [
    h("p", { class: "soft" }, "Without running it. What waits for it goes on by that state."), field("State", choice),
  ], "Mark", (data) => post(`/dags/${q(run.dag_id)}/runs/${q(run.run_id)}/tasks/${q(name)}/mark`, { state: data.get("state") }));
  if (done) note(`${done.task_ids?.join(", ") ?? name} ${done.task_ids?.length > 1 ? "are" : "is"} marked`);
}

export async function cancel(run) {
  const done = await ask("Cancel this run", [h("p", {}, `Its running tasks are ended, the others do not start: ${run.run_id}`)], "Cancel the run",
    () => post(`/dags/${q(run.dag_id)}/runs/${q(run.run_id)}/cancel`), { danger: true });
  if (done) note("the run is cancelled");
}
