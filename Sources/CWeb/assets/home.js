// All DAGs: how they are, what is wrong, and what comes next.
import { calmly, h, put } from "./dom.js";
import { get, listen, may, q } from "./api.js";
import { ago, duration, logicalText, time } from "./time.js";
import { backlog, dagLink, runLink, state, stateWords } from "./parts.js";
import { setPaused, trigger } from "./actions.js";

const shown = 14, atOnce = 60, page = 200;
/** A failure that nobody has mended for so long is not news any more; the list of runs has it still. */
const newsDays = 7;

export async function home(root, _, params, signal) {
  document.title = "DAGs – Weir";
  let dags = new Map(), errors = [], status = null, stuck = [];
  let search = params.get("search") ?? "", filter = params.get("show") ?? "all", tags = new Set(params.getAll("tag"));

  const tiles = h("div", { class: "tiles" }), wrong = h("div"), chips = h("div", { class: "row" }), list = h("div");
  const input = h("input", { type: "search", value: search, placeholder: "Search", "aria-label": "search DAGs", oninput: () => {
    search = input.value;
    remember();
    drawList();
  } });
  root.append(h("div", { class: "head" }, h("h1", {}, "DAGs"), h("div", { class: "row" }, chips, input)), tiles, wrong, list);

  function remember() {
    const query = new URLSearchParams();
    if (search) query.set("search", search);
    if (filter !== "all") query.set("show", filter);
    for (const tag of tags) query.append("tag", tag);
    history.replaceState(null, "", query.toString() ? `#/?${query}` : "#/");
  }

  const kinds = {
    all: ["DAGs", (dag) => dag.active],
    failed: ["have failed", (dag) => dag.active && failureOf(dag) != null],
    running: ["running now", (dag) => dag.active_runs > 0],
    paused: ["paused", (dag) => dag.active && dag.paused],
    gone: ["file is gone", (dag) => !dag.active],
  };

  /** The run to look at in a DAG where something has gone wrong: the last failure that stands. */
  function failureOf(dag) {
    if (dag.latest_run?.state === "failed") return dag.last_failure ?? dag.latest_run;
    const failure = dag.last_failure;
    return failure && Date.now() - Date.parse(failure.end_date) < newsDays * 86400000 ? failure : null;
  }

  function drawTiles() {
    const values = [...dags.values()];
    put(tiles, Object.entries(kinds).map(([id, [name, test]]) => {
      const count = values.filter(test).length;
      if (id === "gone" && !count) return null;
      return h("button", { class: "tile" + (id === "failed" && count ? " bad" : ""), "aria-pressed": String(filter === id), onclick: () => {
        filter = id;
        remember();
        drawTiles();
        drawList();
      } }, h("b", {}, count), name);
    }), status && h("a", { class: "tile", href: "#/tasks?state=running" }, h("b", {}, `${status.running_attempts}/${status.parallelism}`), "tasks at work"),
    status && h("a", { class: "tile", href: "#/tasks?state=queued" }, h("b", {}, status.queued_tasks), "tasks waiting"));
  }

  function drawWrong() {
    const items = [];
    if (status?.stopped_because) items.push(h("p", { class: "problem" }, `Nothing is started: ${status.stopped_because}`));
    if (status?.is_draining) items.push(h("p", { class: "hint" }, "The daemon drains: it starts nothing and ends with the last task."));
    for (const file of errors) {
      const first = file.errors[0];
      const dag = [...dags.values()].find((one) => one.file === file.file);
      items.push(h("p", { class: "problem" }, h("a", { href: dag ? dagLink(dag.dag_id) : "#/admin/files" }, h("b", {}, `${file.file}:${first?.line}:${first?.column}`)), " ", first?.message,
        file.errors.length > 1 && ` – and ${file.errors.length - 1} more`, dag && "; the version before goes on"));
    }
    for (const [reason, tasks] of Map.groupBy(stuck, (task) => task.reason)) {
      items.push(h("p", { class: "problem" }, h("a", { href: runLink(tasks[0].dag_id, tasks[0].run_id, tasks[0].task_id, tasks[0].map_index) }, h("b", {}, tasks[0].dag_id), `: ${tasks[0].task_id}`),
        tasks.length > 1 && [" and ", h("a", { href: "#/tasks?state=queued" }, `${tasks.length - 1} more`)], ` cannot start: ${reason}`));
    }
    const failed = [...dags.values()].filter(kinds.failed[1])
      .sort((a, b) => (failureOf(b).end_date ?? "").localeCompare(failureOf(a).end_date ?? ""));
    for (const dag of failed.slice(0, 6)) {
      const run = failureOf(dag);
      items.push(h("p", { class: "problem" }, h("a", { href: runLink(dag.dag_id, run.run_id) },
        h("b", {}, dag.dag_id), ` of ${logicalText(run.logical_date, dag)}`), run.run_type === "scheduled" ? "" : ` (${run.run_type})`, " failed ", ago(run.end_date),
      run.reason ? `: ${run.reason.replace(/^failed: /, "")}` : "",
      dag.failed_runs > 1 && [" – ", h("a", { href: dagLink(dag.dag_id, "runs") + "?state=standing" }, `${dag.failed_runs} runs failed`)]));
    }
    if (failed.length > 6) items.push(h("p", {}, h("a", { href: "#/?show=failed" }, `and ${failed.length - 6} DAGs more that have failed`)));
    put(wrong, items.length ? h("section", { class: "card", "aria-label": "what is wrong" }, h("h2", {}, "What is wrong now"), items) : null);
  }

  function drawChips() {
    const names = [...new Set([...dags.values()].flatMap((dag) => dag.tags))].sort().slice(0, 30);
    put(chips, names.map((tag) => h("button", { class: "tag", "aria-pressed": String(tags.has(tag)), onclick: () => {
      if (!tags.delete(tag)) tags.add(tag);
      remember();
      drawChips();
      drawList();
    } }, tag)));
  }

  function recent(dag) {
    const runs = [...(dag.recent_runs ?? [])].reverse();
    const most = Math.max(...runs.map((run) => run.duration ?? 0)) || 1;
    return h("div", { class: "recent" }, runs.map((run) => {
      const seconds = run.duration;
      const title = `${logicalText(run.logical_date, dag)}: ${stateWords(run.state)}${seconds == null ? "" : ", " + duration(seconds)}`;
      return h("a", { class: "dot", href: runLink(dag.dag_id, run.run_id), title, "aria-label": title, data: { state: run.state },
        vars: { "--tall": (seconds ?? 0) / most } });
    }));
  }

  function row(dag) {
    const last = dag.latest_run, canChange = may("operator", dag.dag_id);
    return h("tr", { data: { dag: dag.dag_id } },
      h("td", {}, h("a", { class: "name", href: dagLink(dag.dag_id) }, dag.dag_id), " ", dag.tags.map((tag) => h("span", { class: "tag" }, tag)),
        dag.description && h("span", { class: "below" }, dag.description)),
      h("td", { class: "optional" }, dag.schedule ?? "–", h("span", { class: "below" }, dag.schedule_in_words.replace(/^it (has|runs|starts) /, ""))),
      h("td", {}, recent(dag)),
      h("td", {}, last ? [h("a", { href: runLink(dag.dag_id, last.run_id) }, state(last.state)), h("span", { class: "below" }, ago(last.end_date ?? last.start_date ?? last.run_after), dag.schedule && ` of ${logicalText(last.logical_date, dag)}`), others(dag)] : "–"),
      h("td", { class: "optional" }, dag.paused ? h("span", { class: "soft" }, "paused") : dag.next_run_after
        ? [time(dag.next_run_after, { seconds: false }), h("span", { class: "below" }, ago(dag.next_run_after))] : waiting(dag)),
      h("td", { class: "act" }, canChange && h("button", { class: "small", title: "start a run", "aria-label": `start a run of ${dag.dag_id}`, onclick: () => trigger(dag) }, "▶ Run"), " ",
        canChange && h("button", { class: "small", "aria-label": `${dag.paused ? "let go on" : "pause"} ${dag.dag_id}`,
          onclick: () => setPaused(dag.dag_id, !dag.paused) }, dag.paused ? "Go on" : "Pause")));
  }

  /** What has arrived for a DAG that files start. */
  function waiting(dag) {
    const one = status.arrivals.find((arrivals) => arrivals.dag_id === dag.dag_id);
    return one ? h("div", { class: "waiting", data: { arrivals: dag.dag_id } }, backlog(one)) : "–";
  }

  /** It changes without an event. */
  async function redrawWaiting() {
    if (!status?.arrivals.length || document.hidden) return;
    status = (await get("/status", {}, signal)).status;
    for (const one of status.arrivals) {
      for (const place of list.querySelectorAll(`[data-arrivals="${CSS.escape(one.dag_id)}"]`)) put(place, backlog(one));
    }
  }
  const clock = setInterval(() => { redrawWaiting().catch(() => {}); }, 5000);
  signal.addEventListener("abort", () => clearInterval(clock));

  /** What the last run's state does not tell. */
  function others(dag) {
    const failed = dag.failed_runs - (dag.latest_run?.state === "failed" ? 1 : 0), running = dag.active_runs - (["running", "queued"].includes(dag.latest_run?.state) ? 1 : 0);
    const link = (name, wanted, words) => h("a", { class: "below " + name, href: dagLink(dag.dag_id, "runs") + (wanted ? `?state=${wanted}` : "") }, words);
    return [running > 0 && link("running", "", `${running} ${["running", "queued"].includes(dag.latest_run?.state) ? "more " : ""}unfinished`), failed > 0 && link("failed", "standing", `${failed} ${dag.latest_run?.state === "failed" ? "more " : ""}failed`)];
  }

  function isShown(dag) {
    return (kinds[filter] ?? kinds.all)[1](dag) && (!search || dag.dag_id.toLowerCase().includes(search.toLowerCase())
      || dag.description.toLowerCase().includes(search.toLowerCase())) && [...tags].every((tag) => dag.tags.includes(tag));
  }

  let body = null;
  function drawList() {
    const rows = [...dags.values()].filter(isShown).sort((a, b) => a.dag_id.localeCompare(b.dag_id));
    if (!rows.length) {
      body = null;
      put(list, h("p", { class: "empty" }, dags.size ? "No DAG is like this." : "There is no DAG yet: put a file into dags/."));
      return;
    }
    // The first ones at once; the others as the browser finds time.
    body = h("tbody", {}, rows.slice(0, atOnce).map(row));
    const mine = body;
    const rest = (from) => requestAnimationFrame(() => {
      if (body !== mine || from >= rows.length) return;
      mine.append(...rows.slice(from, from + atOnce).map((dag) => row(dags.get(dag.dag_id) ?? dag)));
      rest(from + atOnce);
    });
    rest(atOnce);
    put(list, h("div", { class: "card wide" }, h("table", { class: "dags", "aria-label": "DAGs" }, h("thead", {}, h("tr", {},
      h("th", { scope: "col" }, "DAG"), h("th", { scope: "col", class: "optional" }, "Schedule"), h("th", { scope: "col" }, "Last runs"), h("th", { scope: "col" }, "Last run"),
      h("th", { scope: "col", class: "optional" }, "Next run"), h("th", { scope: "col" }, h("span", { class: "soft" }, "")))), body)));
  }

  /** The tasks that wait for what only a person can give them. */
  async function loadStuck() {
    stuck = status.pools.some((pool) => pool.stuck) ? (await get("/tasks", { state: "queued", limit: 1000 }, signal)).items.filter((task) => task.reason) : [];
  }

  async function load() {
    const part = (cursor) => get("/dags", { limit: page, recent: shown, cursor }, signal);
    const [first, wrongFiles, engine] = await Promise.all([part(), get("/dag-errors", {}, signal), get("/status", {}, signal)]);
    errors = wrongFiles.items;
    status = engine.status;
    await loadStuck();
    const found = new Map(first.items.map((dag) => [dag.dag_id, dag]));
    const draw = () => {
      dags = found;
      drawTiles();
      drawWrong();
      drawChips();
      drawList();
    };
    if (!dags.size || !first.next_cursor) draw();
    for (let cursor = first.next_cursor; cursor;) {
      const next = await part(cursor);
      for (const dag of next.items) found.set(dag.dag_id, dag);
      cursor = next.next_cursor;
      if (!cursor) draw();
    }
  }

  const changed = new Set();
  const refresh = calmly(250, async () => {
    const names = [...changed];
    changed.clear();
    try {
      if (names.length > 25) { await load(); return; }
      const [engine, wrongFiles] = await Promise.all([get("/status", {}, signal), get("/dag-errors", {}, signal)]);
      status = engine.status;
      errors = wrongFiles.items;
      await loadStuck();
      for (const name of names) {
        let dag;
        try {
          dag = await get(`/dags/${q(name)}`, { recent: shown }, signal);
        } catch (error) { if (error.status !== 404) throw error; dags.delete(name); continue; }
        const isNew = !dags.has(name);
        dags.set(name, dag);
        const old = [...(body?.children ?? [])].find((one) => one.dataset.dag === name);
        if (!isNew && old && isShown(dag) && !old.contains(document.activeElement)) old.replaceWith(row(dag));
        else drawList();
      }
      drawTiles();
      drawWrong();
      drawChips();
    } catch (error) { if (!signal.aborted && error.status !== 0) console.warn(error.message); }
  });
  listen((kind, data) => {
    if (kind === "reset") { load().catch(() => {}); return; }
    if (kind === "task" || kind === "attempt") { refresh(); return; }
    if (data.dag_id) changed.add(data.dag_id);
    refresh();
  }, signal);
  window.addEventListener("weir-zone", () => { drawWrong(); drawList(); }, { signal });
  await load();
}
