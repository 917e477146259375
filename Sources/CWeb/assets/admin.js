// What keeps it running: the daemon, pools, files in error, who did what.
import { ask, calmly, field, h, put } from "./dom.js";
import { get, listen, may, post, put as send, q, remove, session } from "./api.js";
import { ago, time } from "./time.js";
import { dagLink, facts, number, runLink, table, tabs } from "./parts.js";
import { attempt } from "./actions.js";

const views = { state: ["Daemon", daemon], pools: ["Pools", pools], users: ["Users", users], tokens: ["Tokens", tokens], files: ["DAG files", files], audit: ["Audit", audit] };

export async function admin(root, [tab], params, signal) {
  const current = views[tab] ? tab : "state";
  document.title = "Admin – Weir";
  const place = h("div");
  root.append(h("div", { class: "head" }, h("h1", {}, "Admin")), tabs(Object.entries(views).filter(([id]) => !["audit", "users"].includes(id) || may("admin")).map(([id, [name]]) => [id, name]), current, (id) => `#/admin/${id}`), place);
  await views[current][1](place, signal);
}

const figures = { turn_us: "time in turns of the loop, µs", longest_turn_us: "longest turn of the loop, µs", turns: "turns of the loop", events: "events taken",
  commits: "transactions", draining: "drains" };

async function daemon(root, signal) {
  const place = h("section", { class: "card" });
  root.append(place);
  async function load() {
    const { status } = await get("/status", {}, signal);
    put(place, h("h2", {}, "Daemon"), status.stopped_because && h("p", { class: "problem" }, `Nothing is started: ${status.stopped_because}`), facts(Object.entries(status).filter(([, value]) => typeof value !== "object")
      .map(([name, value]) => [figures[name] ?? name.replaceAll("_", " "), /_at$/.test(name) && value ? [time(value), ", ", ago(value)] : typeof value === "number" && name !== "pid" ? number(value) : String(value ?? "–")])));
  }
  const later = calmly(1000, () => load().catch(() => {}));
  listen(later, signal);
  await load();
  if (may("admin")) root.append(h("div", { class: "row" }, h("button", { onclick: () => attempt(() => post("/reload"), "weir.json and the DAG folder were read again") }, "Read weir.json and the DAG files again")));
}

async function pools(root, signal) {
  const place = h("section", { class: "card" });
  root.append(place);
  const edit = (pool, name) => ask(pool ? `Pool ${pool.name}` : "A new pool", [
    !pool && field("Name", h("input", { name: "name", required: true, value: name ?? "" })), field("Slots", h("input", { name: "slots", type: "number", min: 0, max: 1000000, required: true, value: pool?.slots ?? 1 })),
    field("Description", h("input", { name: "description", value: pool?.description ?? "" }))], "Save",
  (data) => {
    if (!pool && known.has(data.get("name"))) throw new Error(`there is a pool '${data.get("name")}' already`);
    return send(`/pools/${q(pool?.name ?? data.get("name"))}`, { slots: Number(data.get("slots")), description: data.get("description") });
  });
  let known = new Set();
  const waiting = (count) => count ? h("a", { href: "#/tasks?state=queued" }, `${number(count)} waiting`) : "–";
  async function load() {
    const [{ items }, { status }] = await Promise.all([get("/pools", {}, signal), get("/status", {}, signal)]);
    known = new Set(items.map((pool) => pool.name));
    const uses = new Map(status.pools.map((one) => [one.name, one]));
    const missing = status.pools.filter((one) => one.waiting && one.name !== "default" && !items.some((pool) => pool.name === one.name));
    put(place, h("div", { class: "row" }, h("h2", { class: "grow" }, "Pools"), may("admin") && h("button", { onclick: () => edit() }, "New pool")),
      missing.map((one) => h("p", { class: "problem" }, `There is no pool '${one.name}', and `, waiting(one.waiting), " for it. ", !may("admin") ? "An admin can make it." : h("button", { class: "small", onclick: () => edit(null, one.name) }, `Make the pool ${one.name}`))),
      table(["Name", { text: "Slots", class: "number" }, { text: "In use", class: "number" }, "Tasks", "Description", ""], items.map((pool) => [pool.name, number(pool.slots), number(uses.get(pool.name)?.used ?? 0), [waiting(uses.get(pool.name)?.waiting), pool.slots === 0 && uses.get(pool.name)?.waiting > 0 && h("span", { class: "below" }, "it has no slots")], pool.description, may("admin") && h("div", { class: "row" }, h("button", { class: "small", onclick: () => edit(pool) }, "Change"),
        h("button", { class: "small danger", onclick: () => ask(`Remove the pool ${pool.name}`, [h("p", {}, "Tasks that name it wait until there is one again.")], "Remove", () => remove(`/pools/${q(pool.name)}`), { danger: true }) }, "Remove"))]), { label: "pools", empty: "No pool was set: tasks share the parallelism of the daemon." }));
  }
  await followed(load, ["pool", "task"], signal);
}

async function files(root, signal) {
  const place = h("section", { class: "card" });
  root.append(place);
  async function load() {
    const { items } = await get("/dag-errors", {}, signal);
    put(place, h("h2", {}, "DAG files in error"), items.length ? items.map((file) => [h("h3", {}, file.file, " ", h("small", {}, "since ", ago(file.since))), file.errors.map((one) => h("p", { class: "problem" }, `${one.line}:${one.column} ${one.message}`, h("span", { class: "below mono" }, one.path)))]) : h("p", { class: "empty" }, "All DAG files are valid."));
  }
  await followed(load, ["file"], signal);
}

async function users(root, signal) {
  const place = h("section", { class: "card" });
  root.append(place);
  const roles = (value) => h("select", { name: "role" }, ["viewer", "operator", "admin"].map((one) => h("option", { value: one, selected: one === value }, one)));
  const password = () => field("Password", h("input", { name: "password", type: "password", autocomplete: "new-password", required: true }), "10 characters or more");
  const after = async (work) => { if (await work) await load(); };
  async function load() {
    const { items } = await get("/users", {}, signal);
    put(place, h("div", { class: "row" }, h("h2", { class: "grow" }, "Users"), h("button", { onclick: () => after(ask("A new user", [field("Name", h("input", { name: "name", required: true, autocomplete: "off" })), field("Role", roles("viewer")), password()], "Make",
      (data) => post("/users", { name: data.get("name"), role: data.get("role"), password: data.get("password") }))) }, "New user")),
    table(["Name", "Role", "State", "Last sign-in", ""], items.map((user) => [h("b", {}, user.name), user.role, user.disabled ? "disabled" : "enabled", user.last_sign_in ? ago(user.last_sign_in) : "never", h("div", { class: "row" },
      h("button", { class: "small", onclick: () => after(ask(`The role of ${user.name}`, [field("Role", roles(user.role))], "Save", (data) => send(`/users/${q(user.name)}/role`, { role: data.get("role") }))) }, "Role"),
      h("button", { class: "small", onclick: () => after(ask(`Another password for ${user.name}`, [password()], "Save", (data) => send(`/users/${q(user.name)}/password`, { password: data.get("password") }))) }, "Password"),
      h("button", { class: "small", onclick: () => after(attempt(() => send(`/users/${q(user.name)}/disabled`, { disabled: !user.disabled }), user.disabled ? `${user.name} is enabled` : `${user.name} is disabled`)) }, user.disabled ? "Enable" : "Disable"),
      h("button", { class: "small danger", onclick: () => after(ask(`Remove ${user.name}`, [h("p", {}, "With all sessions and tokens, at once.")], "Remove", () => remove(`/users/${q(user.name)}`), { danger: true })) }, "Remove"))]), { label: "users", empty: "Nobody signs in yet: everybody on this machine may do everything. The first user should be an admin." }));
  }
  await followed(load, ["access"], signal);
}

async function tokens(root, signal) {
  const place = h("section", { class: "card" }), made = h("div", { role: "status" });
  root.append(made, place);
  const roles = ["viewer", "operator", "admin"].filter((one) => may(one));
  async function load() {
    const { items } = await get("/tokens", {}, signal);
    const holds = items.filter((token) => token.valid);
    put(place, h("div", { class: "row" }, h("h2", { class: "grow" }, "API tokens"), session.csrf_token && h("button", { onclick: create }, "New token")), table(["Name", "Of", "Role", "DAGs", "Until", "Last use", ""], holds.map((token) => [h("b", {}, token.name), token.user, token.role ?? "its user's", token.dags?.join(", ") ?? "all", token.expires ? time(token.expires) : "for good", token.last_used ? [ago(token.last_used), token.last_address && ` from ${token.last_address}`] : "never",
      h("button", { class: "small danger", onclick: async () => { if (await ask(`Revoke ${token.name}`, [h("p", {}, "What uses it is refused from then on.")], "Revoke", () => remove(`/tokens/${q(token.id)}`), { danger: true })) load(); } }, "Revoke")]), { label: "tokens", empty: "There is no token." }));
  }
  async function create() {
    const token = await ask("A new token", [field("Name", h("input", { name: "name", required: true }), "what it is for"), field("Role", h("select", { name: "role" }, roles.map((one) => h("option", { value: one }, one)))),
      field("Only these DAGs", h("input", { name: "dags", placeholder: "all" }), "with commas between"), field("Until", h("input", { name: "until", type: "date" }), "for good without")], "Make", (data) => {
      const body = { name: data.get("name"), role: data.get("role") };
      if (data.get("dags")) body.dags = data.get("dags").split(",").map((one) => one.trim()).filter(Boolean);
      if (data.get("until")) body.expires = data.get("until") + "T00:00:00Z";
      return post("/tokens", body);
    });
    if (!token) return;
    put(made, h("section", { class: "card" }, h("p", {}, "This is shown once. Send it as ", h("code", {}, "Authorization: Bearer …")), h("pre", { class: "text" }, h("code", { id: "new-token" }, token.token))));
    await load();
  }
  await followed(load, ["access"], signal);
}

async function audit(root, signal) {
  const place = h("div");
  root.append(place);
  const list = (title, label, entries) => h("section", { class: "card" }, h("h2", {}, title), table(["When", "Who", "What", "To what", "Details"], entries.map((one) => [[time(one.at), h("span", { class: "below" }, ago(one.at))], one.actor, one.action, aboutRun(one), h("span", { class: "mono" }, one.details === "{}" ? "" : one.details)]), { label }));
  await followed(async () => {
    const [work, access] = await Promise.all([get("/audit", { limit: 500 }, signal), get("/access-audit", { limit: 200 }, signal)]);
    put(place, list("Who did what", "audit", work.items), access.items.length > 0 && [h("br"), list("Users, tokens and sign-ins", "audit of users and tokens", access.items)]);
  }, ["audit", "access"], signal);
}

/** What was done to a run leads there: `dag/run`, or `dag/run/task`. */
function aboutRun({ action, subject }) {
  const [dag, run, task] = subject.split("/");
  if (action === "backfill") return h("a", { href: dagLink(dag, "backfills") }, subject);
  return run && ["trigger", "clear", "cancel", "mark"].includes(action) && dag !== "backfill" ? h("a", { href: runLink(dag, run, task) }, subject) : subject;
}

/** Calls `load` now, and again after such events. */
async function followed(load, kinds, signal) {
  const later = calmly(300, () => load().catch(() => {}));
  listen((kind) => { if (kind === "reset" || kinds.includes(kind)) later(); }, signal);
  await load();
}
