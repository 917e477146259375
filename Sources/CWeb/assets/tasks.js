// What is at work, what waits and for what, in all DAGs.
import { calmly, h, note, put } from "./dom.js";
import { all, get, listen, q } from "./api.js";
import { ago, logical, took } from "./time.js";
import { dagLink, nameOf, runLink, state, stateWords, table } from "./parts.js";

const some = 200;
const choices = { unfinished: ["running", "queued", "up_for_retry", "deferred"], running: ["running"], queued: ["queued"], up_for_retry: ["up_for_retry"],
  deferred: ["deferred"], failed: ["failed"], upstream_failed: ["upstream_failed"] };

export async function tasks(root, _, params, signal) {
  document.title = "Tasks – Weir";
  let shown = choices[params.get("state")] ? params.get("state") : "unfinished";
  const place = h("div");
  const states = h("select", { "aria-label": "state", onchange: () => {
    shown = states.value;
    history.replaceState(null, "", `#/tasks?state=${shown}`);
    load().catch((error) => note(error.message, true));
  } }, Object.keys(choices).map((one) => h("option", { value: one, selected: one === shown }, one === "unfinished" ? "at work and waiting" : stateWords(one))));
  root.append(h("div", { class: "head" }, h("h1", {}, "Tasks"), h("div", { class: "row" }, states)), place);
  const dags = new Map((await all("/dags", {}, 100000, signal)).map((dag) => [dag.dag_id, dag]));

  async function load() {
    const found = await get("/tasks", { state: choices[shown], limit: some }, signal);
    // Those at work first, then what needs somebody.
    const items = found.items.sort((a, b) => choices[shown].indexOf(a.state) - choices[shown].indexOf(b.state));
    const why = await reasons(items);
    put(place, h("section", { class: "card" }, found.next_cursor && h("p", { class: "soft" }, `the ${some} of the newest runs; there are more`),
      table(["Task", "Run", "State", "For", "Why"], items.map((task) => [
        h("a", { class: "name", href: runLink(task.dag_id, task.run_id, task.task_id, task.map_index) }, nameOf(task)),
        [h("a", { href: dagLink(task.dag_id) }, task.dag_id), h("span", { class: "below" }, task.logical_date ? logical(task.logical_date, dags.get(task.dag_id)) : task.run_id)],
        state(task.state), task.state === "running" ? took(task.start_date, null) : task.end_date ? ago(task.end_date) : "–",
        why.get(task.dag_id + "\n" + task.run_id)?.tasks[nameOf(task)] ?? task.reason ?? ""]), { label: "tasks", empty: "no task is like this" })));
  }

  /** Why the first of them wait, as the scheduler sees it. */
  async function reasons(items) {
    const runs = new Map(items.filter((task) => task.state === "queued" && !task.reason).map((task) => [task.dag_id + "\n" + task.run_id, task]));
    const asked = [...runs].slice(0, 20).map(async ([key, task]) => {
      try { return [key, (await get(`/dags/${q(task.dag_id)}/runs/${q(task.run_id)}/why`, {}, signal)).why]; } catch { return [key, undefined]; }
    });
    return new Map(await Promise.all(asked));
  }

  const later = calmly(400, () => load().catch((error) => { if (!signal.aborted) console.warn(error.message); }));
  listen((kind) => { if (["reset", "task", "run", "pool"].includes(kind)) later(); }, signal);
  await load();
}
