// The REST API and its events.
import { h } from "./dom.js";
import { follow } from "./stream.js";

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
  forget();
}

/** Nobody is here any more. */
export function forget() { session = csrf = null; }

/** Whether who is here may do what needs a role, to a DAG. */
export function may(role, dag) {
  if (!session) return false;
  const order = ["viewer", "operator", "admin"];
  if (order.indexOf(session.role) < order.indexOf(role)) return false;
  return !session.dags || (dag !== undefined && session.dags.includes(dag));
}

// Events: one stream for all pages of the browser, where it can share one. Views listen as long as they are shown.

const listeners = new Set();
let shared = null, end = null;
export const live = { isOn: false, onchange: () => {} };

/** The latest events, for who begins to listen: what he has asked for may have been answered before they came, and read after. */
const heard = [], keeps = 10000, most = 1000;

/** Calls `handler(kind, data)` for each event until `signal` says otherwise, and for those of the last seconds at once; `reset` when
    something was missed. An event is told with all that it is about, so that it does no harm when it is told twice. */
export function listen(handler, signal) {
  if (signal.aborted) return;
  listeners.add(handler);
  signal.addEventListener("abort", () => listeners.delete(handler));
  const since = performance.now() - keeps, missed = heard.filter(({ at }) => at > since);
  // Once the view that listens is made, and before the next event.
  queueMicrotask(() => { for (const { kind, data } of missed) if (!signal.aborted) call(handler, kind, data); });
}

function call(handler, kind, data) {
  try { handler(kind, data); } catch (error) { console.error(error); }
}

function hear(message) {
  if ("live" in message && live.isOn !== message.live) { live.isOn = message.live; live.onchange(); }
  if (message.refused && session) whoAmI().catch(() => {});
  if (message.signedIn) window.dispatchEvent(new Event("weir-signed-in"));
  if (!message.kind) return;
  heard.push({ at: performance.now(), kind: message.kind, data: message.data });
  if (heard.length > most) heard.splice(0, most / 2);
  for (const handler of [...listeners]) call(handler, message.kind, message.data);
}

/** `isAnew`: somebody has just signed in. */
export function connect({ isAnew = false } = {}) {
  if (!shared && !end && window.SharedWorker) {
    shared = new SharedWorker("/assets/worker.js", { type: "module", name: "weir" });
    shared.port.onmessage = ({ data }) => hear(data);
    // A browser that cannot share one has its own.
    shared.onerror = () => { shared = null; end ??= follow(hear); };
  }
  if (shared) shared.port.postMessage(isAnew ? "anew" : "join");
  else { end?.(); end = follow(hear); }
}

export function disconnect() {
  shared?.port.postMessage("leave");
  end?.();
  end = null;
  hear({ live: false });
}

window.addEventListener("pagehide", disconnect);
window.addEventListener("pageshow", (event) => { if (event.persisted && session) connect(); });

/** What stands where something could not be loaded. */
export function failure(error) {
  return h("p", { class: "problem", role: "alert" }, error.message);
}
