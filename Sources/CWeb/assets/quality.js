// What the quality checks found, by day, with some of the rows that fail.
import { calmly, h, note, put } from "./dom.js";
import { get, listen, q } from "./api.js";
import { bars, number, runLink, table } from "./parts.js";

// The states of checks have the colours of tasks.
const colours = { pass: "success", warn: "up_for_retry", fail: "failed", not_evaluated: "cancelled" };
const marks = { pass: "✓", warn: "!", fail: "✗", not_evaluated: "?" };
const words = { pass: "passed", warn: "warned", fail: "failed", not_evaluated: "not evaluated" };

function status(name) { return h("span", { class: "state", data: { state: colours[name] ?? "none", mark: marks[name] ?? "" } }, words[name] ?? name); }

export async function quality(root, [dag], params, signal) {
  document.title = "Quality – Weir";
  const { items } = await get("/quality", {}, signal);
  root.append(h("div", { class: "head" }, h("h1", {}, dag ? [h("a", { href: "#/quality" }, "Quality"), " › ", dag] : "Quality")));
  if (!dag) {
    if (items.length === 1) { location.replace(`#/quality/${q(items[0].dag_id)}`); return; }
    root.append(h("section", { class: "card" }, table(["DAG", { text: "Days", class: "number" }, "Last", "Its checks"], items.map((one) => [
      h("a", { class: "name", href: `#/quality/${q(one.dag_id)}` }, one.dag_id), number(one.days), one.last_day ?? "–",
      Object.entries(one.last_counts).filter(([, count]) => count).map(([name, count]) => [status(name), ` ${count} `])]), { label: "quality reports", empty: "There are no reports yet: a task of kind quality writes them." })));
    return;
  }
  const place = h("div"), report = h("div");
  root.append(report, place);
  let day = params.get("day");
  async function load() {
    const { items: checks } = await get(`/quality/${q(dag)}/checks`, { days: 30 }, signal);
    const days = [...new Set(checks.flatMap((check) => check.days.map((one) => one.ds)))].sort();
    day ??= days[days.length - 1];
    const bad = (check) => check.days.filter((one) => one.status !== "pass").length;
    const groups = [...new Set(checks.map((check) => check.dataset ?? ""))];
    put(place, groups.map((group) => h("section", { class: "card wide" }, h("h2", {}, group || "all datasets"), h("table", { class: "checks", "aria-label": `checks of ${group || "all datasets"}` },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Check"), days.map((one) => h("th", { scope: "col", class: "day" }, h("a", { href: `#/quality/${q(dag)}?day=${one}`, "aria-label": `report of ${one}` }, one.slice(5)))), h("th", { scope: "col" }, "Last"))),
      h("tbody", {}, checks.filter((check) => (check.dataset ?? "") === group).map((check) => h("tr", {}, h("td", {}, check.check, bad(check) > 0 && h("span", { class: "below" }, `not passed on ${bad(check)} of ${check.days.length} days`)),
        days.map((one) => {
          const found = check.days.find((item) => item.ds === one);
          if (!found) return h("td", {});
          const title = `${one}: ${words[found.status]}${found.failing ? `, ${number(found.failing)} of ${number(found.total)} rows fail` : ""}${found.detail ? `. ${found.detail}` : ""}`;
          return h("td", {}, h("a", { class: "cell", href: `#/quality/${q(dag)}?day=${one}`, title, "aria-label": title, data: { state: colours[found.status], mark: marks[found.status] } }));
        }), h("td", { class: "number" }, lastOf(check)))))))));
  }
  function lastOf(check) {
    const last = check.days[check.days.length - 1];
    return last?.metric != null ? String(Math.round(last.metric * 1000) / 1000) : last?.failing != null ? `${number(last.failing)} fail` : "";
  }
  async function show() {
    if (!day) { put(report, h("p", { class: "empty" }, "There are no reports yet.")); return; }
    const it = await get(`/quality/${q(dag)}/reports/${q(day)}`, {}, signal);
    const order = ["fail", "not_evaluated", "warn", "pass"];
    const shown = [...it.checks].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
    const count = (name) => it.checks.filter((check) => check.status === name).length;
    put(report, h("section", { class: "card", "aria-label": "report" }, h("h2", {}, `${it.ds}, `, h("a", { href: runLink(dag, it.run_id) }, it.run_id)),
      h("p", {}, order.filter(count).map((name) => [status(name), ` ${count(name)} `])),
      h("div", { class: "cards" }, h("div", {}, h("h3", {}, "Rows of each dataset"), bars(Object.entries(it.rows).map(([name, rows]) => ({ label: name.split("/").pop(), value: rows, title: `${name}: ${number(rows)} rows` })), { label: "rows of each dataset", width: 1100, height: 200 })),
        Object.keys(it.drift).length ? h("div", {}, h("h3", {}, "Fields that the schema does not know"), table(["Field", { text: "Records", class: "number" }], Object.entries(it.drift).map(([name, records]) => [name, number(records)]))) : null),
      shown.filter((check) => check.status !== "pass").map((check) => h("div", { class: check.status === "fail" ? "problem" : "hint" }, h("b", {}, check.name), " ", status(check.status), check.failing ? `: ${number(check.failing)} of ${number(check.total)} rows` : "", check.detail && ` – ${check.detail}`,
        check.samples.length ? h("div", { class: "wide" }, check.failing > check.samples.length && h("p", { class: "soft" }, `${number(check.samples.length)} of the ${number(check.failing)} rows:`), table(Object.keys(check.samples[0]), check.samples.map((sample) => Object.values(sample).map((value) => value ?? "–")), { label: `rows that fail ${check.name}`, className: "rows" })) : null))));
  }
  const later = calmly(800, () => Promise.all([load(), show()]).catch((error) => { if (!signal.aborted) note(error.message, true); }));
  listen((kind, data) => { if (kind === "reset" || (kind === "run" && data.dag_id === dag && data.end_date)) later(); }, signal);
  await load();
  await show();
}
