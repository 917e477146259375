// Running past intervals: asking for them, seeing which, and following them.
import { ask, calmly, field, h, note, put } from "./dom.js";
import { get, listen, may, post, q } from "./api.js";
import { day, duration, logicalText, nextDay, startOfDay, time } from "./time.js";
import { dagLink, number, state, stateWords, table } from "./parts.js";
import { attempt, paramFields, paramValues } from "./actions.js";

const order = ["success", "failed", "cancelled", "running", "queued"];

export async function backfills(root, it, _, signal) {
  const list = h("div"), form = h("div");
  root.append(form, h("section", { class: "card" }, h("h2", {}, "Backfills"), list));
  if (may("operator", it.dag_id) && it.schedule) await drawForm(form, it, signal);
  else if (!it.schedule) put(form, h("p", { class: "hint" }, "Time does not start this DAG, so there are no past intervals to run."));

  async function load() {
    const { items } = await get("/backfills", { dag_id: it.dag_id }, signal);
    put(list, table(["Days", "State", "Progress", "Runs", "Left", ""], items.map((one) => [
      [range(one, it.timezone), h("span", { class: "below" }, `number ${one.backfill_id}, `, one.reprocess === "none" ? "missing intervals" : `reprocessing ${one.reprocess}`)],
      [one.paused ? "paused" : state(one.state), one.state === "failed" && !one.states.failed && h("span", { class: "below" }, "its runs were mended since")],
      [meter(one), h("span", { class: "below" }, countsOf(one))],
      [h("a", { href: runsOf(one) }, `${number(one.ended)} of ${number(one.total)}`), one.states.failed ? h("a", { class: "below failed", href: runsOf(one) + "&state=failed" }, `${number(one.states.failed)} failed: see why`) : null],
      one.seconds_left == null ? "–" : duration(one.seconds_left),
      may("operator", it.dag_id) && one.state === "running" && h("div", { class: "row" },
        h("button", { class: "small", onclick: () => attempt(() => post(`/backfills/${one.backfill_id}/${one.paused ? "resume" : "pause"}`), one.paused ? "it goes on" : "paused") }, one.paused ? "Go on" : "Pause"),
        h("button", { class: "small danger", onclick: () => ask("Cancel this backfill", [h("p", {}, "Its runs that have not ended are cancelled, too.")], "Cancel it",
          () => post(`/backfills/${one.backfill_id}/cancel`), { danger: true }) }, "Cancel"))]), { label: "backfills", empty: "There was none yet." }));
  }
  const later = calmly(300, () => load().catch(() => {}));
  listen((kind, data) => { if (kind === "reset" || (["backfill", "run"].includes(kind) && data.dag_id === it.dag_id)) later(); }, signal);
  await load();
}

function runsOf(one) { return `${dagLink(one.dag_id, "runs")}?backfill=${one.backfill_id}`; }

function countsOf(one) { return order.filter((name) => one.states[name]).map((name) => `${number(one.states[name])} ${stateWords(name)}`).join(", "); }

/** Whole days as they were asked for, in the DAG's zone; times as the others on the page. */
function range(one, zone) {
  const from = day(one.from, zone), to = day(one.to, zone);
  const begins = Date.parse(startOfDay(from, zone)) === Date.parse(one.from);
  const ends = Date.parse(startOfDay(nextDay(to), zone)) - Date.parse(one.to) <= 1000;
  if (begins && ends) return h("span", { title: `${one.from} – ${one.to}` }, from === to ? from : `${from} – ${to}`);
  return [time(one.from, { seconds: false }), " – ", time(one.to, { seconds: false })];
}

function meter(one) {
  const words = countsOf(one);
  return h("div", { class: "meter", role: "img", "aria-label": words, title: words }, order.map((name) => one.states[name]
    ? h("i", { data: { state: name }, vars: { "--part": one.states[name] / one.total } }) : null));
}

async function drawForm(root, it, signal) {
  const structure = await get(`/dags/${q(it.dag_id)}/versions/${it.version}/structure`, {}, signal).catch(() => ({ params: [], tasks: [] }));
  const plan = h("div");
  // A plan is of what was filled in when it was asked for.
  const form = h("form", { class: "card", oninput: () => put(plan), onsubmit: (event) => { event.preventDefault(); send(event.submitter?.value === "dry"); } },
    h("h2", {}, "Run past days"), h("div", { class: "cards" },
      h("div", {}, field("From", h("input", { type: "date", name: "from", required: true })), field("To", h("input", { type: "date", name: "to", required: true }), `both days count, in ${it.timezone}`)),
      h("div", {}, field("Days that ran already", h("select", { name: "reprocess" }, h("option", { value: "none" }, "stay as they are"), h("option", { value: "failed" }, "run again if they failed"), h("option", { value: "completed" }, "run again"))),
        field("Runs at once", h("input", { type: "number", name: "max_active", min: 1, placeholder: "as the DAG says" })),
        h("label", { class: "field check" }, h("input", { type: "checkbox", name: "reverse" }), h("span", {}, "newest first"))),
      structure.params.length ? h("div", {}, paramFields(structure.params)) : null),
    h("div", { class: "row" }, h("button", { type: "submit", value: "dry" }, "Show which"), h("button", { type: "submit", class: "primary", value: "go" }, "Start")), plan);
  async function send(isDry) {
    const data = new FormData(form);
    const body = { dag_id: it.dag_id, from: startOfDay(data.get("from"), it.timezone),
      to: new Date(Date.parse(startOfDay(nextDay(data.get("to")), it.timezone)) - 1).toISOString(), reprocess: data.get("reprocess"), reverse: data.get("reverse") === "on", dry_run: isDry };
    try {
      if (data.get("from") > data.get("to")) throw new Error(`the first day, ${data.get("from")}, comes after the last, ${data.get("to")}`);
      if (data.get("max_active")) body.max_active = Number(data.get("max_active"));
      body.params = paramValues(structure.params, data);
      const answer = await post("/backfills", body);
      const words = { create: "a new run", rerun: "runs again", skip: "stays as it is" };
      put(plan, h("h3", {}, isDry ? `${answer.plan.length} intervals` : `Backfill ${answer.backfill_id} has begun`), isDry && table([`Interval (${it.timezone})`, "Run"], answer.plan.slice(0, 400).map((entry) => [
        [logicalText(entry.data_interval_start, it), " – ", logicalText(entry.data_interval_end, it)], words[entry.disposition] ?? entry.disposition]), { label: "what would run" }));
      if (!isDry) note(`backfill ${answer.backfill_id} has begun`);
    } catch (error) { put(plan, h("p", { class: "problem", role: "alert" }, error.message)); }
  }
  put(root, form);
}
