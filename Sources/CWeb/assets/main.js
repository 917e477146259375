// The frame of the page: who is here, where he is, and what is shown there.
import { field, h, put, note } from "./dom.js";
import * as api from "./api.js";
import { localZone, setDAG, setZoneMode, zoneMode } from "./time.js";
import { home } from "./home.js";
import { dag } from "./dag.js";
import { run } from "./run.js";
import { tasks } from "./tasks.js";
import { lake } from "./lake.js";
import { quality } from "./quality.js";
import { admin } from "./admin.js";

const main = document.getElementById("main");
let leave = new AbortController();

const routes = [
  [/^\/$/, home, "home"],
  [/^\/dags\/([^/]+)\/runs\/([^/]+)$/, run, "home"],
  [/^\/dags\/([^/]+)(?:\/([a-z]+))?$/, dag, "home"],
  [/^\/tasks$/, tasks, "tasks"],
  [/^\/lake(?:\/([^/]+))?$/, lake, "lake"],
  [/^\/quality(?:\/([^/]+))?$/, quality, "quality"],
  [/^\/admin(?:\/([a-z]+))?$/, admin, "admin"],
];

function theme() { return localStorage.getItem("weir-theme") ?? ""; }
function setTheme(value) {
  localStorage.setItem("weir-theme", value);
  if (value) document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
}

function choice(label, values, current, change) {
  return h("select", { "aria-label": label, onchange: (event) => change(event.target.value) },
    values.map(([value, text]) => h("option", { value, selected: value === current }, text)));
}

const mayWords = { viewer: "may look, and change nothing", operator: "may run, clear, mark, cancel and pause", admin: "may do everything" };

function frame(section) {
  const isIn = api.session != null;
  put(document.getElementById("top"),
    h("a", { class: "brand", href: "#/" }, h("img", { src: "/assets/icon.svg", alt: "", width: 22, height: 22 }), "Weir"),
    isIn && h("nav", { "aria-label": "sections" }, [["home", "#/", "DAGs"], ["tasks", "#/tasks", "Tasks"], ["lake", "#/lake", "Lake"], ["quality", "#/quality", "Quality"], ["admin", "#/admin", "Admin"]]
      .map(([id, href, text]) => h("a", { href, "aria-current": id === section ? "page" : null }, text))),
    h("div", { class: "right" },
      isIn && h("span", { id: "live", class: api.live.isOn ? "live" : "live off" }, api.live.isOn ? "live" : "not connected"),
      choice("time zone", [["browser", `local time (${localZone})`], ["dag", "the DAG's time"], ["utc", "UTC"]], zoneMode(), setZoneMode),
      choice("colours", [["", "as the system"], ["light", "light"], ["dark", "dark"]], theme(), setTheme),
      isIn && api.session.csrf_token && h("span", { class: "soft", title: mayWords[api.session.role] }, `${api.session.user} (${api.session.role})`),
      isIn && api.session.csrf_token && h("button", { class: "small", onclick: async () => {
        try { await api.signOut(); } catch (error) { note(error.message, true); }
        signIn();
      } }, "Sign out")));
}

api.live.onchange = () => {
  if (api.live.isOn) window.dispatchEvent(new Event("weir-live"));
  const element = document.getElementById("live");
  if (!element) return;
  element.className = api.live.isOn ? "live" : "live off";
  element.textContent = api.live.isOn ? "live" : "not connected";
};

/** A part of the address; as it stands where it is no percent-encoding. */
function decoded(part) { try { return decodeURIComponent(part); } catch { return part; } }

async function show() {
  if (!api.session) return;
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  // What was asked belongs to what was shown.
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  const [path, query] = (location.hash.slice(1) || "/").split("?");
  const params = new URLSearchParams(query);
  const place = document.createElement("div");
  for (const [pattern, view, section] of routes) {
    const match = pattern.exec(path);
    if (!match) continue;
    frame(section);
    if (view !== dag && view !== run) setDAG(null);
    put(main, place);
    try {
      const parts = match.slice(1).map((part) => part == null ? null : decoded(part));
      await view(place, parts, params, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof api.Refusal)) console.error(error);
      place.append(api.failure(error));
      // The daemon was away: once it is back, so is what was asked for.
      if (error.status === 0) window.addEventListener("weir-live", show, { once: true, signal });
    }
    return;
  }
  frame("");
  put(main, h("p", { class: "empty" }, "There is nothing here. ", h("a", { href: "#/" }, "To the DAGs")));
}

function signIn() {
  leave.abort();
  api.disconnect();
  api.forget();
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  frame("");
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const name = h("input", { name: "name", autocomplete: "username", required: true });
  const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  put(main, h("form", { class: "card sign-in", onsubmit: async (event) => {
    event.preventDefault();
    problem.hidden = true;
    try {
      await api.signIn(name.value, password.value);
      begin(true);
    } catch (error) {
      problem.hidden = false;
      put(problem, error.message);
      password.value = "";
      password.focus();
    }
  } }, h("h1", {}, "Sign in"), field("Name", name), field("Password", password), problem,
  h("div", { class: "row end" }, h("button", { class: "primary", type: "submit" }, "Sign in"))));
  name.focus();
}

function begin(isAnew = false) {
  api.connect({ isAnew });
  show();
}

async function start() {
  try {
    await api.whoAmI();
    begin();
  } catch (error) {
    if (error.status === 401) signIn();
    else {
      frame("");
      put(main, api.failure(error), h("button", { onclick: start }, "Try again"));
    }
  }
}

window.addEventListener("hashchange", () => { show(); main.focus({ preventScroll: true }); window.scrollTo(0, 0); });
setTheme(theme());
window.addEventListener("weir-sign-in", signIn);
// In another page of this browser, whose session is this one's, too.
window.addEventListener("weir-signed-in", start);
start();
