// The REST API and its events.
import { h } from "./dom.js";

let csrf = null;
export let session = null;

/** Why an answer is none. */
export class Refusal extends Error {
  constructor(status, detail) { super(detail); this.status = status; }
}

/** Part of a path. */
export const q = encodeURIComponent;

function target(path, params) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) if (one != null && one !== "") query.append(name, one);
  }
  const text = query.toString();
  return "/api/v1" + path + (text ? "?" + text : "");
}

async function send(method, path, params, body, signal) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (csrf && method !== "GET") headers["Weir-CSRF-Token"] = csrf;
  let response;
  try {
    response = await fetch(target(path, params), {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "the daemon does not answer");
  }
  if (response.ok) return response;
  let detail = response.statusText;
  try { detail = (await response.json()).detail ?? detail; } catch { /* It is no problem document. */ }
  if (response.status === 401 && path !== "/session") window.dispatchEvent(new Event("weir-sign-in"));
  throw new Refusal(response.status, detail);
}

export async function get(path, params, signal) { return (await send("GET", path, params, undefined, signal)).json(); }
/** The same with integers beyond 2^53, which a number of JavaScript cannot hold, as texts. */
export async function exactly(path, params, signal) {
  const text = await (await send("GET", path, params, undefined, signal)).text();
  return JSON.parse(text, (_, value, context) => typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")
    ? context.source : value);
}
export async function post(path, body = {}) { return (await send("POST", path, null, body)).json(); }
export async function put(path, body) { return (await send("PUT", path, null, body)).json(); }
export async function remove(path) { return (await send("DELETE", path)).json(); }
/** An answer that is not read yet, for logs. */
export function open(path, params, signal) { return send("GET", path, params, undefined, signal); }
export const link = target;

/** Items of a list, page by page, up to so many. */
export async function all(path, params = {}, most = 1000, signal) {
  const items = [];
  let cursor = null;
  do {
    const page = await get(path, { limit: Math.min(1000, most - items.length), ...params, cursor }, signal);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < most);
  return items;
}

/** Who is here; throws with status 401 when somebody has to sign in. */
export async function whoAmI() {
  session = await get("/session");
  csrf = session.csrf_token;
  return session;
}

export async function signIn(name, password) {
  session = await (await send("POST", "/session", null, { name, password })).json();
  csrf = session.csrf_token;
}

export async function signOut() {
  await send("DELETE", "/session");
  session = csrf = null;
}

/** Whether who is here may do what needs a role, to a DAG. */
export function may(role, dag) {
  if (!session) return false;
  const order = ["viewer", "operator", "admin"];
  if (order.indexOf(session.role) < order.indexOf(role)) return false;
  return !session.dags || (dag !== undefined && session.dags.includes(dag));
}

// Events: one stream for the whole page. Views listen as long as they are shown.

const listeners = new Set();
let source = null, timer = null;
export const live = { isOn: false, onchange: () => {} };

/** Calls `handler(kind, data)` for each event until `signal` says otherwise; `reset` when something was missed. */
export function listen(handler, signal) {
  listeners.add(handler);
  signal.addEventListener("abort", () => listeners.delete(handler));
}

function tell(kind, data) {
  for (const handler of [...listeners]) {
    try { handler(kind, data); } catch (error) { console.error(error); }
  }
}

function setLive(isOn) {
  if (live.isOn === isOn) return;
  live.isOn = isOn;
  live.onchange();
}

export function connect() {
  disconnect();
  source = new EventSource(target("/events"));
  let wasReady = false;
  for (const kind of ["dag", "run", "task", "attempt", "backfill", "pool", "file", "audit", "lake", "access"]) {
    source.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data)));
  }
  source.addEventListener("ready", () => { setLive(true); wasReady = true; });
  source.addEventListener("reset", () => { setLive(true); tell("reset", {}); });
  source.onerror = () => {
    setLive(false);
    if (source?.readyState !== EventSource.CLOSED) return;
    // Refused rather than cut off: the browser does not come back by itself.
    disconnect();
    timer = setTimeout(() => { connect(); if (wasReady) tell("reset", {}); }, 3000);
    if (session) whoAmI().catch(() => {});
  };
}

export function disconnect() {
  clearTimeout(timer);
  source?.close();
  source = null;
  setLive(false);
}

/** What stands where something could not be loaded. */
export function failure(error) {
  return h("p", { class: "problem", role: "alert" }, error.message);
}
