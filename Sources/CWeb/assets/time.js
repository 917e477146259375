// Times as people read them: in the DAG's zone, the browser's, or UTC.
import { h } from "./dom.js";

const browser = Intl.DateTimeFormat().resolvedOptions().timeZone;
let mode = localStorage.getItem("weir-zone") ?? "browser";
/** The DAG that is shown: its zone, and whether it has a schedule. */
let shownDAG = { timezone: "UTC", schedule: null };
const formats = new Map();

export const zoneMode = () => mode;
export function setZoneMode(value) { mode = value; localStorage.setItem("weir-zone", value); refresh(); }
export function setDAG(dag) { shownDAG = dag ?? { timezone: "UTC", schedule: null }; refresh(); }
export const localZone = browser;
export function zoneName() { return mode === "utc" ? "UTC" : mode === "dag" ? shownDAG.timezone : browser; }

function parts(date, zone) {
  let format = formats.get(zone);
  if (!format) {
    const options = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
      hourCycle: "h23", timeZone: zone };
    try { format = new Intl.DateTimeFormat("en-CA", options); } catch { format = new Intl.DateTimeFormat("en-CA", { ...options, timeZone: "UTC" }); }
    formats.set(zone, format);
  }
  return Object.fromEntries(format.formatToParts(date).map((part) => [part.type, part.value]));
}

/** `2022-05-02 00:00:00`. */
export function text(instant, { seconds = true, zone = zoneName() } = {}) {
  if (!instant) return "–";
  const p = parts(new Date(instant), zone);
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}${seconds ? ":" + p.second : ""}`;
}

/** `2022-05-02`. */
export function day(instant, zone = zoneName()) { return text(instant, { zone }).slice(0, 10); }

/** The zone that a DAG's days are days of: its own where it has a schedule, wherever somebody looks from. */
export function dayZone(dag = shownDAG) { return dag?.schedule ? dag.timezone : zoneName(); }

/** A logical date as the DAG's schedule means it: `2022-05-02`, or with the time where that is not midnight. Without a schedule it is
    a moment like others. */
export function logicalText(instant, dag = shownDAG) {
  const full = text(instant, { zone: dayZone(dag) });
  return !dag?.schedule ? full : full.replace(/ 00:00:00$/, "").replace(/:00$/, "");
}

/** The day of it. */
export function logicalDay(instant, dag = shownDAG) { return day(instant, dayZone(dag)); }

/** An element that shows a logical date. */
export function logical(instant, dag = shownDAG) {
  const element = h("time", { datetime: instant ?? null });
  element.weir = { instant, dag, options: {} };
  show(element);
  return element;
}

/** The offset of a zone from UTC at an instant, in milliseconds. */
function offset(milliseconds, zone) {
  const p = parts(new Date(milliseconds), zone);
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(milliseconds / 1000) * 1000;
}

/** The first instant of a day in a zone, as RFC 3339. */
export function startOfDay(date, zone) {
  const wanted = Date.parse(date + "T00:00:00Z");
  let instant = wanted - offset(wanted, zone);
  instant = wanted - offset(instant, zone);
  return new Date(instant).toISOString();
}

/** The day after: `2022-05-03`. */
export function nextDay(date) { return new Date(Date.parse(date + "T00:00:00Z") + 86400000).toISOString().slice(0, 10); }

/** `3 min ago`, `in 2 h`. */
export function relative(instant) {
  if (!instant) return "never";
  const seconds = (Date.now() - Date.parse(instant)) / 1000;
  const size = Math.abs(seconds);
  if (size < 2) return seconds < 0 ? "now" : "just now";
  const words = size < 90 ? `${Math.round(size)} s` : size < 5400 ? `${Math.round(size / 60)} min`
    : size < 129600 ? `${Math.round(size / 3600)} h` : size < 5184000 ? `${Math.round(size / 86400)} days`
      : size < 63072000 ? `${Math.round(size / 2592000)} months` : `${Math.round(size / 31536000)} years`;
  return seconds > 0 ? words + " ago" : "in " + words;
}

/** `1 h 2 min`, `3.4 s`. */
export function duration(seconds) {
  if (seconds == null || Number.isNaN(seconds)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** Seconds between two instants; up to now without an end; null without a start. */
export function span(start, end) {
  return start ? Math.max(0, (end ? Date.parse(end) : Date.now()) - Date.parse(start)) / 1000 : null;
}

/** An element that shows an instant, anew whenever the zone changes. */
export function time(instant, options = {}) {
  const element = h("time", { datetime: instant ?? null });
  element.weir = { instant, options };
  show(element);
  return element;
}

/** How long ago an instant was, kept up to date. */
export function ago(instant) { return time(instant, { relative: true }); }

/** How long something has taken, or takes up to now. */
export function took(start, end) {
  const element = h("span", { class: "took" });
  element.weir = { start, end };
  show(element);
  return element;
}

function show(element) {
  const { instant, dag, options, start, end } = element.weir;
  if (dag) {
    element.textContent = logicalText(instant, dag);
    element.title = `${dayZone(dag)} · ${instant}`;
  } else if (!options) { element.textContent = duration(span(start, end)); } else if (options.relative) {
    element.textContent = relative(instant);
    element.title = instant ? `${text(instant)} ${zoneName()}` : "";
  } else {
    element.textContent = text(instant, options);
    element.title = instant ? `${zoneName()} · ${instant}` : "";
  }
}

function refresh() {
  for (const element of document.querySelectorAll("time, .took")) if (element.weir) show(element);
  window.dispatchEvent(new Event("weir-zone"));
}

setInterval(() => {
  for (const element of document.querySelectorAll("time, .took")) {
    if (element.weir && (element.weir.options?.relative || (element.weir.start && !element.weir.end))) show(element);
  }
}, 1000);
