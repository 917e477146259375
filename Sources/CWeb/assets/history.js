// What a DAG has done: its runs as a list, by days of the year, and how long they took.
import { calmly, h, note, put } from "./dom.js";
import { all, get, listen, may, q } from "./api.js";
import { ago, dayZone, duration, logical, logicalDay, logicalText, nextDay, span, startOfDay, took } from "./time.js";
import { clearFailures } from "./actions.js";
import { bars, byUrgency, dagLink, legend, mark, runLink, state, stateWords, table } from "./parts.js";

const stateChoices = { standing: "failed, not made good", failed: "failed", success: "success", running: "running", queued: "queued", cancelled: "cancelled" };

export async function runs(root, it, params, signal) {
  let items = [], cursor = null;
  const wanted = params.get("day"), backfill = params.get("backfill");
  const place = h("div"), button = h("button", { onclick: () => more() }, "Older runs");
  const states = h("select", { "aria-label": "state", onchange: () => {
    const query = new URLSearchParams(Object.entries({ state: states.value, day: wanted, backfill }).filter(([, value]) => value));
    history.replaceState(null, "", dagLink(it.dag_id, "runs") + (query.size ? `?${query}` : ""));
    load().catch((error) => note(error.message, true));
  } }, h("option", { value: "" }, "any state"),
  Object.entries(stateChoices).map(([one, words]) => h("option", { value: one, selected: one === params.get("state") }, words)));
  const only = (words) => h("a", { class: "tag", href: dagLink(it.dag_id, "runs"), title: "show all" }, words, " ×");
  root.append(h("div", { class: "row" }, states, wanted && only(wanted), backfill && only(`backfill ${backfill}`), h("span", { class: "grow" }),
    may("operator", it.dag_id) && it.active && it.failed_runs > 0 && h("button", { onclick: () => clearFailures(it.dag_id) }, "Run all again that failed")), place, button);
  async function fetchPage(after) {
    const zone = dayZone(it);
    const bounds = wanted ? { from: startOfDay(wanted, zone), to: new Date(Date.parse(startOfDay(nextDay(wanted), zone)) - 1).toISOString() } : {};
    return get(`/dags/${q(it.dag_id)}/runs`, { limit: 100, cursor: after, ...(states.value === "standing" ? { state: "failed", standing: true } : { state: states.value }), backfill_id: backfill, ...bounds }, signal);
  }
  function draw() {
    put(place, table([it.schedule ? `Logical date (${it.timezone})` : "Logical date", "State", { text: "Kind", class: "optional" }, { text: "Started", class: "optional" }, "Took", { text: "Reason", class: "why" }], items.map((run) => [
      [h("a", { href: runLink(it.dag_id, run.run_id) }, logical(run.logical_date)), run.reason && h("span", { class: "below narrow" }, run.reason)], state(run.state), run.run_type, ago(run.start_date),
      run.start_date ? took(run.start_date, run.end_date) : "–", run.reason ?? ""]), { label: "runs", empty: "no run is like this" }));
    button.hidden = !cursor;
  }
  async function load() { const found = await fetchPage(); items = found.items; cursor = found.next_cursor; draw(); }
  async function more() {
    try { const found = await fetchPage(cursor); items.push(...found.items); cursor = found.next_cursor; draw(); } catch (error) { note(error.message, true); }
  }
  const reload = calmly(400, () => load().catch(() => {}));
  listen((kind, data) => {
    if (kind === "reset") { reload(); return; }
    if (kind !== "run" || data.dag_id !== it.dag_id) return;
    const place = items.findIndex((run) => run.run_id === data.run_id);
    if (place >= 0 && (!states.value || states.value === data.state)) { items[place] = data; draw(); } else reload();
  }, signal);
  await load();
}

export async function calendar(root, it, _, signal) {
  const place = h("div", { class: "calendar" });
  root.append(h("p", { class: "soft" }, `Each square is a day of logical dates (${dayZone(it)}); its colour is the worst of its runs. Weeks begin on Monday.`), place, legend(["success", "failed", "running", "queued", "cancelled"]));
  const found = await all(`/dags/${q(it.dag_id)}/runs`, {}, 6000, signal);
  const byID = new Map(found.map((run) => [run.run_id, run]));
  function draw() {
    const days = new Map();
    for (const run of byID.values()) {
      const name = logicalDay(run.logical_date);
      days.set(name, [...(days.get(name) ?? []), run]);
    }
    const years = [...new Set([...days.keys()].map((name) => name.slice(0, 4)))].sort().reverse();
    put(place, years.length ? years.map((year) => h("section", { class: "card year" }, h("h2", {}, year), h("div", { class: "months", "aria-hidden": "true" }, months(year)), h("div", { class: "days", role: "group", "aria-label": `days of ${year}` }, squares(year, days))))
      : h("p", { class: "empty" }, "It has not run yet."));
    // The newest is what one looks for, also on a narrow screen.
    for (const box of place.querySelectorAll(".year")) {
      const last = [...box.querySelectorAll("a.cell")].pop();
      if (last) box.scrollLeft = last.offsetLeft - box.clientWidth + 60;
    }
  }
  const weekday = (date) => (date.getUTCDay() + 6) % 7;
  /** Names of months above the week of their first day, and of some weekdays. */
  function months(year) {
    const first = new Date(Date.UTC(year, 0, 1));
    return ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].map((name, month) => {
      const week = Math.floor(((Date.UTC(year, month, 1) - first) / 86400000 + weekday(first)) / 7);
      return h("span", { vars: { "--week": week + 1 } }, name);
    });
  }
  function squares(year, days) {
    const cells = [], today = logicalDay(new Date().toISOString());
    const first = new Date(Date.UTC(year, 0, 1));
    for (let blank = weekday(first); blank > 0; blank -= 1) cells.push(h("span"));
    for (let at = first; at.getUTCFullYear() === Number(year); at = new Date(at.getTime() + 86400000)) {
      const name = at.toISOString().slice(0, 10), runs = days.get(name);
      if (!runs) { cells.push(h("span", { class: name === today ? "cell today" : "cell", data: { state: "none", mark: "" }, title: name === today ? `${name}, today` : name })); continue; }
      const one = [...runs].sort((a, b) => byUrgency(a.state, b.state))[0];
      const words = `${name}: ${runs.length === 1 ? stateWords(one.state) : `${runs.length} runs, worst ${stateWords(one.state)}`}`;
      cells.push(h("a", { class: name === today ? "cell today" : "cell", href: runs.length === 1 ? runLink(it.dag_id, one.run_id) : `#/dags/${q(it.dag_id)}/runs?day=${name}`,
        data: { state: one.state, mark: mark(one.state) }, title: words, "aria-label": words }));
    }
    return cells;
  }
  const later = calmly(300, draw);
  listen((kind, data) => { if (kind === "run" && data.dag_id === it.dag_id) { byID.set(data.run_id, data); later(); } }, signal);
  window.addEventListener("weir-zone", draw, { signal });
  draw();
}

export async function durations(root, it, params, signal) {
  const place = h("div"), which = h("select", { "aria-label": "of what", onchange: () => {
    history.replaceState(null, "", dagLink(it.dag_id, "durations") + (which.value ? `?task=${q(which.value)}` : ""));
    draw();
  } }, h("option", { value: "" }, "whole runs"));
  root.append(h("div", { class: "row" }, which, h("span", { class: "soft" }, "the last 100 runs, oldest first; the line is the mean of those that succeeded")), h("br"), h("div", { class: "card" }, place));
  let rows = [];
  function draw() {
    const items = [...rows].reverse().map((run) => {
      const task = which.value ? run.tasks.find((one) => one.task_id === which.value && one.map_index <= 0) : null;
      const value = which.value ? task?.duration ?? null : run.end_date ? span(run.start_date, run.end_date) : null;
      const name = which.value ? task?.state ?? "none" : run.state;
      return { value, state: name, label: logicalDay(run.logical_date), href: runLink(it.dag_id, run.run_id, which.value || null),
        title: `${logicalText(run.logical_date)}: ${duration(value)}, ${stateWords(name)}` };
    });
    const good = items.filter((item) => item.state === "success" && item.value != null).map((item) => item.value);
    const mean = good.length ? good.reduce((a, b) => a + b, 0) / good.length : null;
    put(place, bars(items, { format: duration, height: 240, label: "how long runs took", mean }), mean != null && h("p", { class: "soft" }, `mean ${duration(mean)}`));
  }
  async function load() {
    rows = (await get(`/dags/${q(it.dag_id)}/grid`, { limit: 100 }, signal)).items;
    const names = [...new Set(rows.flatMap((run) => run.tasks.map((task) => task.task_id)))];
    const value = which.value || params.get("task");
    params.delete("task");
    put(which, h("option", { value: "" }, "whole runs"), names.map((name) => h("option", { value: name, selected: name === value }, name)));
    draw();
  }
  const later = calmly(500, () => load().catch(() => {}));
  listen((kind, data) => { if (kind === "reset" || (kind === "run" && data.dag_id === it.dag_id && data.end_date)) later(); }, signal);
  await load();
}
