// What keeps it running: the daemon, pools, files in error, who did what.
import { ask, calmly, field, h, put } from "./dom.js";
import { get, listen, may, post, put as send, q, remove } from "./api.js";
import { ago, time } from "./time.js";
import { facts, number, table, tabs } from "./parts.js";
import { attempt } from "./actions.js";

const views = { state: ["Daemon", daemon], pools: ["Pools", pools], files: ["DAG files", files], audit: ["Audit", audit] };

export async function admin(root, [tab], params, signal) {
  const current = views[tab] ? tab : "state";
  document.title = "Admin – Weir";
  const place = h("div");
  root.append(h("div", { class: "head" }, h("h1", {}, "Admin")), tabs(Object.entries(views).filter(([id]) => id !== "audit" || may("admin")).map(([id, [name]]) => [id, name]), current, (id) => `#/admin/${id}`), place);
  await views[current][1](place, signal);
}

async function daemon(root, signal) {
  const place = h("section", { class: "card" });
  root.append(place);
  async function load() {
    const { status } = await get("/status", {}, signal);
    put(place, h("h2", {}, "Daemon"), status.stopped_because && h("p", { class: "problem" }, `Nothing is started: ${status.stopped_because}`), facts(Object.entries(status).filter(([, value]) => typeof value !== "object")
      .map(([name, value]) => [name.replaceAll("_", " "), /_at$/.test(name) && value ? [time(value), ", ", ago(value)] : typeof value === "number" && name !== "pid" ? number(value) : String(value ?? "–")])));
  }
  const later = calmly(1000, () => load().catch(() => {}));
  listen(later, signal);
  await load();
  if (may("admin")) root.append(h("div", { class: "row" }, h("button", { onclick: () => attempt(() => post("/reload"), "weir.json and the DAG folder were read again") }, "Read weir.json and the DAG files again")));
}

async function pools(root, signal) {
  const place = h("section", { class: "card" });
  root.append(place);
  const edit = (pool) => ask(pool ? `Pool ${pool.name}` : "A new pool", [
    !pool && field("Name", h("input", { name: "name", required: true })), field("Slots", h("input", { name: "slots", type: "number", min: 0, required: true, value: pool?.slots ?? 1 })),
    field("Description", h("input", { name: "description", value: pool?.description ?? "" }))], "Save",
  (data) => send(`/pools/${q(pool?.name ?? data.get("name"))}`, { slots: Number(data.get("slots")), description: data.get("description") }));
  async function load() {
    const { items } = await get("/pools", {}, signal);
    put(place, h("div", { class: "row" }, h("h2", { class: "grow" }, "Pools"), may("admin") && h("button", { onclick: () => edit() }, "New pool")),
      table(["Name", { text: "Slots", class: "number" }, "Description", ""], items.map((pool) => [pool.name, number(pool.slots), pool.description, may("admin") && h("div", { class: "row" }, h("button", { class: "small", onclick: () => edit(pool) }, "Change"),
        h("button", { class: "small danger", onclick: () => ask(`Remove the pool ${pool.name}`, [h("p", {}, "Tasks that name it wait until there is one again.")], "Remove", () => remove(`/pools/${q(pool.name)}`), { danger: true }) }, "Remove"))]), { label: "pools", empty: "No pool was set: tasks share the parallelism of the daemon." }));
  }
  const later = calmly(200, () => load().catch(() => {}));
  listen((kind) => { if (kind === "pool" || kind === "reset") later(); }, signal);
  await load();
}

async function files(root, signal) {
  const place = h("section", { class: "card" });
  root.append(place);
  async function load() {
    const { items } = await get("/dag-errors", {}, signal);
    put(place, h("h2", {}, "DAG files in error"), items.length ? items.map((file) => [h("h3", {}, file.file, " ", h("small", {}, "since ", ago(file.since))), file.errors.map((one) => h("p", { class: "problem" }, `${one.line}:${one.column} ${one.message}`, h("span", { class: "below mono" }, one.path)))]) : h("p", { class: "empty" }, "All DAG files are valid."));
  }
  const later = calmly(200, () => load().catch(() => {}));
  listen((kind) => { if (kind === "file" || kind === "reset") later(); }, signal);
  await load();
}

async function audit(root, signal) {
  const { items } = await get("/audit", { limit: 500 }, signal);
  root.append(h("section", { class: "card" }, h("h2", {}, "Who did what"), table(["When", "Who", "What", "To what", "Details"], items.map((one) => [[time(one.at), h("span", { class: "below" }, ago(one.at))], one.actor, one.action, one.subject, h("span", { class: "mono" }, one.details === "{}" ? "" : one.details)]), { label: "audit" })));
}
