// The lake: its tables, what they hold, where it comes from, and questions.
import { calmly, field, h, note, put } from "./dom.js";
import { exactly, get, link, listen, q } from "./api.js";
import { bars, bytes, counts, number, runLink, table } from "./parts.js";

export async function lake(root, [name], params, signal) {
  if (name) await one(root, name, params, signal);
  else await overview(root, signal);
}

/** Calls `load` now, and again when a table of these has changed. */
async function follow(load, isAbout, signal) {
  const later = calmly(500, () => load().catch((error) => { if (!signal.aborted) note(error.message, true); }));
  listen((kind, data) => { if (kind === "reset" || (kind === "lake" && isAbout(data.table))) later(); }, signal);
  await load();
}

/** What the pictures of the first page show, where there are such tables. */
const pictures = [
  ["Countries", "lakestorage/country", "country"], ["Makes", "lakestorage/makeModelYear", "make"], ["Colours", "lakestorage/color", "Name"],
];

async function overview(root, signal) {
  document.title = "Lake – Weir";
  const place = h("div");
  root.append(h("div", { class: "head" }, h("h1", {}, "Lake")), place);
  await follow(async () => {
    const { items } = await get("/lake/tables", {}, signal);
    put(place, items.length ? await tables(items, signal) : h("p", { class: "empty" }, "There is no data yet: the first run of a DAG that loads some makes it."));
  }, () => true, signal);
}

async function tables(items, signal) {
  const cards = h("div", { class: "cards" }), lists = [];
  const buckets = [...new Set(items.map((one) => one.bucket))];
  for (const bucket of buckets) {
    lists.push(h("section", { class: "card" }, h("h2", {}, bucket), table(["Table", { text: "Rows", class: "number" }, { text: "Size", class: "number" }, { text: "Days", class: "number" }, "From", "To"],
      items.filter((one) => one.bucket === bucket).map((one) => [[h("a", { class: "name", href: `#/lake/${q(one.table)}` }, one.dataset ?? one.table), one.description && h("span", { class: "below" }, one.description)],
        number(one.rows), bytes(one.bytes), number(one.partitions), one.first_day ?? "–", one.last_day ?? "–"]), { label: bucket })));
  }
  const plate = items.find((one) => one.table === "lakestorage/plate");
  if (plate) {
    const days = await get(`/lake/tables/${q(plate.table)}/partitions`, {}, signal);
    cards.append(h("section", { class: "card" }, h("h2", {}, "Plates a day"), dayBars(days.items, "rows", number, plate.table)));
  }
  const drawn = await Promise.all(pictures.map(async ([title, wanted, column]) => {
    const found = items.find((one) => one.table === wanted);
    if (!found) return null;
    try {
      const { rows } = await get(`/lake/tables/${q(found.table)}/rows`, { columns: column, count: true, limit: 10 }, signal);
      return h("section", { class: "card" }, h("h2", {}, title), counts(rows.map((row) => [row[column], row.count])));
    } catch (error) {
      if (!signal.aborted) console.warn(error.message);
      return null;
    }
  }));
  cards.append(...drawn.filter(Boolean));
  return [cards, h("br"), lists];
}

function dayBars(days, what, format, name) {
  const shown = days.slice(-120);
  return bars(shown.map((one) => ({ value: one[what], label: one.day, title: `${one.day}: ${format(one[what])}`, href: `#/lake/${q(name)}?day=${one.day}` })), { format, label: `${what} a day`, height: 200, width: 520 });
}

async function one(root, name, params, signal) {
  document.title = `${name} – Weir`;
  const path = `/lake/tables/${q(name)}`;
  const head = h("div", { class: "head" }), form = h("div"), below = h("div"), lineage = h("div");
  let known = null, shownDay = params.get("day");
  root.append(head, form, below);
  await follow(async () => {
    const [it, { items: days }] = await Promise.all([get(path, {}, signal), get(path + "/partitions", {}, signal)]);
    const columns = it.columns ?? [];
    put(head, h("div", {}, h("h1", {}, h("a", { href: "#/lake" }, "Lake"), " › ", it.table), it.description && h("p", {}, it.description),
      h("p", { class: "soft" }, `${number(it.rows)} rows, ${bytes(it.bytes)}, ${number(it.partitions)} days`)));
    // What somebody has filled in stays, and so does its answer.
    const names = columns.map((one) => one.name).join("\n");
    if (names !== known) put(form, ask(path, it, columns, days, params, signal));
    known = names;
    put(below, parts(it, columns, days));
    if (shownDay) await show(shownDay);
  }, (table) => table === name || table.endsWith("/" + name), signal);
  function parts(it, columns, days) {
    return [h("div", { class: "cards" },
      h("section", { class: "card" }, h("h2", {}, "Rows a day"), dayBars(days, "rows", number, name)),
      h("section", { class: "card" }, h("h2", {}, "Columns"), table(["Name", "Type", "Meaning"], columns.map((one) => [h("span", { class: "mono" }, one.name), one.type, one.description]), { label: "columns" }))),
    h("br"), h("section", { class: "card" }, h("h2", {}, "Days"), lineage, table(["Day", { text: "Rows", class: "number" }, { text: "Size", class: "number" }, { text: "Files", class: "number" }, { text: "Published", class: "number" }, "Made by", ""],
    [...days].reverse().slice(0, 400).map((one) => [one.day, number(one.rows), bytes(one.bytes), number(one.files), one.generation === 1 ? "once" : `${one.generation} times`, madeBy(one.run),
      h("button", { class: "small", onclick: () => show(one.day) }, "where from")]), { label: "days" }))];
  }
  async function show(day) {
    shownDay = day;
    try { put(lineage, h("ul", { class: "tree" }, branch(await get(`${path}/partitions/${day}/lineage`, {}, signal)))); } catch (error) { note(error.message, true); }
  }
}

function madeBy(run) {
  if (run == null) return "–";
  // dag/run/task
  const [, dag, id, task] = /^([^/]+)\/(.+)\/([^/]+)$/.exec(run) ?? [];
  return task ? h("a", { href: runLink(dag, id, task) }, run) : run;
}

function branch(node) {
  return h("li", {}, h("b", {}, node.partition), node.generation == null ? " is gone" : [` generation ${node.generation_used ?? node.generation}`, node.rows != null && `, ${number(node.rows)} rows`,
    node.source_files != null && `, from ${number(node.source_files)} files`], node.is_newer && h("span", { class: "hint" }, ` generation ${node.generation} is there now: what was made from it is out of date`),
  node.inputs.length ? h("ul", { class: "tree" }, node.inputs.map(branch)) : null);
}

const operators = ["=", "!=", "<", "<=", ">", ">=", "like", "in", "between", "is null", "is not null"];

/** A form for questions: conditions, columns, order, limit. */
function ask(path, it, columns, days, params, signal) {
  const names = ["dt", ...columns.map((one) => one.name)];
  const filters = h("div", { class: "filters" }), result = h("div");
  const order = h("select", { "aria-label": "order by" }, h("option", { value: "" }, "in any order"), names.flatMap((one) => [h("option", { value: one }, `${one} ↑`), h("option", { value: "-" + one }, `${one} ↓`)]));
  const limit = h("input", { type: "number", min: 1, max: 10000, value: 50, "aria-label": "most rows" });
  const grouped = h("select", { "aria-label": "count by" }, h("option", { value: "" }, "rows as they are"), columns.map((one) => h("option", { value: one.name }, `count by ${one.name}`)));
  const day = params.get("day"), last = days[days.length - 1]?.day;
  const from = h("input", { type: "date", value: day ?? last ?? "", "aria-label": "first day" }), to = h("input", { type: "date", value: day ?? last ?? "", "aria-label": "last day" });
  function filter() {
    const column = h("select", { "aria-label": "column" }, names.map((one) => h("option", {}, one)));
    const operator = h("select", { "aria-label": "operator" }, operators.map((one) => h("option", {}, one)));
    const value = h("input", { "aria-label": "value", placeholder: "value" });
    operator.addEventListener("change", () => { value.hidden = operator.value.startsWith("is "); value.placeholder = { in: "(a,b)", between: "1 and 9", like: "A%" }[operator.value] ?? "value"; });
    const row = h("div", { class: "row" }, column, operator, value, h("button", { class: "quiet", type: "button", "aria-label": "remove this condition", onclick: () => row.remove() }, "×"));
    row.condition = () => `${column.value} ${operator.value} ${operator.value.startsWith("is ") ? "" : quoted(operator.value, value.value)}`.trim();
    filters.append(row);
  }
  function wanted() {
    return { where: [...filters.children].map((one) => one.condition()), order: grouped.value ? null : order.value, limit: limit.value, from: from.value, to: to.value,
      columns: grouped.value || null, count: grouped.value ? true : null };
  }
  async function send(event) {
    event?.preventDefault();
    put(result, h("p", { class: "soft" }, "…"));
    try {
      const began = performance.now();
      const answer = await exactly(path + "/rows", wanted(), signal);
      const took = performance.now() - began;
      const heads = answer.columns.map((one) => ({ text: one.name, class: /INT|DOUBLE|FLOAT|DECIMAL/.test(one.type) ? "number" : null }));
      put(result, h("p", { class: "soft" }, `${number(answer.rows.length)} rows${answer.has_more ? ", and there are more" : ""}, ${Math.round(took)} ms · `, h("a", { href: link(path + "/rows", { ...wanted(), limit: 100000, format: "csv" }), download: "rows.csv" }, "CSV"), " · ",
        h("a", { href: link(path + "/rows", { ...wanted(), limit: 100000, format: "parquet" }), download: "rows.parquet" }, "Parquet")),
      grouped.value ? counts(answer.rows.map((row) => [shown(row[grouped.value]), row.count])) : table(heads, answer.rows.map((row) => answer.columns.map((one) => shown(row[one.name]))), { label: "rows", className: "rows", empty: "no row is like this" }));
    } catch (error) { if (!signal.aborted) put(result, h("p", { class: "problem", role: "alert" }, error.message)); }
  }
  const form = h("form", { class: "card", onsubmit: send }, h("h2", {}, "Ask"), h("div", { class: "row" }, h("label", { class: "row" }, "from", from), h("label", { class: "row" }, "to", to), grouped, order, h("label", { class: "row" }, "at most", limit)),
    filters, h("div", { class: "row" }, h("button", { type: "button", onclick: filter }, "+ condition"), h("button", { class: "primary", type: "submit" }, "Show")), result);
  if (day) send();
  return form;
}

/** A value as conditions take it: quoted where it has spaces. */
function quoted(operator, value) {
  if (operator === "in" || operator === "between") return value;
  return /[\s'"(),]/.test(value) ? `'${value.replaceAll("'", "''")}'` : value;
}

function shown(value) { return value == null ? h("span", { class: "soft" }, "–") : typeof value === "object" ? JSON.stringify(value) : String(value); }
