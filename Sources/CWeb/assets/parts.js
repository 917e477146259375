// Small parts that several views are made of.
import { h, s } from "./dom.js";
import { q } from "./api.js";
import { ago } from "./time.js";

const marks = { success: "✓", failed: "✗", running: "▶", queued: "○", up_for_retry: "↻", deferred: "…", skipped: "»", upstream_failed: "⇡",
  cancelled: "■", removed: "–", none: "", lost: "?", revoked: "–" };
const words = { up_for_retry: "waits to retry", upstream_failed: "upstream failed", none: "not yet", lost: "lost" };

/** The states, those that need somebody first. */
const urgent = ["failed", "upstream_failed", "up_for_retry", "running", "deferred", "queued", "cancelled", "none", "success", "skipped", "removed"];
/** Which of two states needs somebody first, for sort(). */
export const byUrgency = (one, other) => urgent.indexOf(one) - urgent.indexOf(other);

export const mark = (state) => marks[state] ?? "";
export const stateWords = (state) => words[state] ?? state;

/** A state in words, with its mark and colour. */
export function state(name) { return h("span", { class: "state", data: { state: name, mark: mark(name) } }, stateWords(name)); }

/** `load`, or `load[3]` for an element of a mapped task. */
export const nameOf = (task) => task.task_id + (task.map_index >= 0 ? `[${task.map_index}]` : "");

export const dagLink = (dag, tab) => `#/dags/${q(dag)}${tab ? "/" + tab : ""}`;
export const runLink = (dag, run, task, index) =>
  `#/dags/${q(dag)}/runs/${q(run)}${task ? `?task=${q(task)}${index != null && index >= 0 ? `&map=${index}` : ""}` : ""}`;

export function number(value) { return value == null ? "–" : value.toLocaleString("en-US"); }

export function bytes(value) {
  if (value == null) return "–";
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let place = 0;
  while (value >= 1000 && place < units.length - 1) { value /= 1000; place += 1; }
  return `${place && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[place]}`;
}

/** Files that have arrived and that no run has succeeded with. */
export function backlog({ files, bytes: size, oldest, problem }) {
  if (problem) return h("p", { class: "problem" }, `Nobody can look for its files: ${problem}`);
  return h("p", { class: "soft" }, !files ? "No file waits." : [`${number(files)} ${files === 1 ? "file waits" : "files wait"} (${bytes(size)}), the oldest came `, ago(oldest), "."]);
}

export function legend(states) { return h("div", { class: "legend", "aria-label": "what the colours mean" }, states.map(state)); }

/** A table: heads are texts or {text, class}; rows are lists of cells, or elements. */
export function table(heads, rows, { label, empty = "nothing here yet", className } = {}) {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  return h("div", { class: "wide" }, h("table", { class: className, "aria-label": label },
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: head.class }, head.text ?? head)))),
    h("tbody", {}, rows.map((row) => row instanceof Node ? row
      : h("tr", {}, row.map((cell, place) => h("td", { class: heads[place]?.class }, cell)))))));
}

/** Names and values. */
export function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value != null && value !== "")
    .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Bars over time: items are {value, label, title, state, href}. */
export function bars(items, { format = number, height = 160, width = 900, label = "", mean } = {}) {
  if (!items.length) return h("p", { class: "empty" }, "nothing here yet");
  const left = 64, bottom = 22, room = width - left - 6;
  const most = Math.max(...items.map((item) => item.value ?? 0)) || 1;
  const step = room / items.length, y = (value) => (height - bottom) * (1 - value / most) + 6;
  const every = Math.ceil(items.length / Math.max(2, Math.floor(width / 110)));
  return s("svg", { class: "bars", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label },
    [0, 0.5, 1].map((part) => [s("line", { x1: left, x2: width - 6, y1: y(most * part), y2: y(most * part) }),
      s("text", { x: left - 6, y: y(most * part) + 4, "text-anchor": "end" }, format(most * part))]),
    items.map((item, place) => {
      const value = item.value ?? 0, x = left + place * step;
      const wide = Math.max(1, Math.min(46, step * 0.8));
      const bar = s("rect", { class: "bar", x: x + step * 0.1, width: wide, y: y(value),
        height: Math.max(1, y(0) - y(value)), "data-state": item.state }, s("title", {}, item.title ?? `${item.label}: ${format(value)}`));
      return [item.href ? s("a", { href: item.href }, bar) : bar,
        place % every === 0 && s("text", { x: x + step * 0.1 + (place ? wide / 2 : 0), y: height - 5, "text-anchor": place ? "middle" : "start" }, item.label)];
    }),
    mean != null && s("line", { class: "mean", x1: left, x2: width - 6, y1: y(mean), y2: y(mean) }));
}

/** Bars side by side: [name, number]. */
export function counts(pairs) {
  if (!pairs.length) return h("p", { class: "empty" }, "nothing here yet");
  const most = Math.max(...pairs.map((pair) => pair[1])) || 1;
  return h("div", { class: "counts" }, pairs.map(([name, count]) => [h("span", {}, name ?? "no value"),
    h("span", { class: "fill", vars: { "--part": count / most } }), h("span", { class: "number" }, number(count))]));
}

/** Tabs as links. */
export function tabs(names, current, link) {
  return h("nav", { class: "tabs", "aria-label": "views" },
    names.map(([id, name]) => h("a", { href: link(id), "aria-current": id === current ? "page" : null }, name)));
}
