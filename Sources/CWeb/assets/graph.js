// The drawing of a DAG, laid out by graphviz on the server, with the states of a run.
import { h, put, s } from "./dom.js";
import { get, q } from "./api.js";
import { byUrgency, runLink, stateWords } from "./parts.js";

/** Draws it; the answer shows states: `show(map of tasks, run)`, `change(task)`. */
export async function graph(place, dag, version, { run, signal, current } = {}) {
  const path = `/dags/${q(dag)}/versions/${version}`;
  const nothing = { show() {}, change() {} };
  let drawing, structure;
  try {
    [drawing, structure] = await Promise.all([get(path + "/graph", {}, signal), get(path + "/structure", {}, signal)]);
  } catch (error) {
    if (signal?.aborted) return nothing;
    put(place, h("p", { class: "hint" }, error.message));
    return nothing;
  }
  const kinds = new Map(structure.tasks.map((task) => [task.task_id, task]));
  const nodes = new Map();
  let states = new Map();

  function node({ task_id: id, x, y, width, height }) {
    const task = kinds.get(id), most = Math.floor((width - 18) / 7);
    const short = (text) => text.length > most ? text.slice(0, most - 1) + "…" : text;
    const title = s("title", {}, id);
    const box = s("a", { class: "node", href: run ? runLink(dag, run.run_id, id) : null, tabindex: "0", "aria-current": current === id ? "true" : null,
      transform: `translate(${x - width / 2} ${y - height / 2})`, data: { state: "none" } }, title,
    s("rect", { width, height, rx: 7 }), s("rect", { class: "bar", x: 0, y: 6, width: 5, height: height - 12 }),
    s("text", { x: 12, y: height / 2 - 2 }, short(id)), s("text", { class: "kind", x: 12, y: height / 2 + 12 }, short(task?.kind + (task?.is_mapped ? " × n" : ""))));
    nodes.set(id, { box, title });
    return box;
  }

  // dot's points are those of a cubic B-spline: the first, then three for each piece.
  function edge({ points }) {
    if (points.length < 2) return null;
    const [first, ...rest] = points;
    const at = (point) => `${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
    return s("path", { class: "edge", d: `M${at(first)} C${rest.map(at).join(" ")}`, "marker-end": "url(#tip)" });
  }

  const margin = 8;
  put(place, h("div", { class: "graph", tabindex: "0", "aria-label": "tasks and what they wait for" },
    s("svg", { width: drawing.width + 2 * margin, height: drawing.height + 2 * margin,
      viewBox: `${-margin} ${-margin} ${drawing.width + 2 * margin} ${drawing.height + 2 * margin}`, role: "group", "aria-label": `graph of ${dag}` },
    s("defs", {}, s("marker", { id: "tip", class: "tip", markerWidth: 8, markerHeight: 8, refX: 1, refY: 3, orient: "auto" }, s("path", { d: "M0 0 L6 3 L0 6 z" }))),
    drawing.edges.map(edge), drawing.nodes.map(node))));

  function paint(id) {
    const known = nodes.get(id);
    if (!known) return;
    const found = [...states.values()].filter((task) => task.task_id === id);
    const state = found.map((task) => task.state).sort(byUrgency)[0] ?? "none";
    known.box.dataset.state = state;
    const done = found.filter((task) => task.state === "success").length;
    known.title.textContent = `${id}: ${stateWords(state)}${found.length > 1 ? `, ${done} of ${found.length} done` : ""}`;
    known.box.setAttribute("aria-label", known.title.textContent);
  }
  return {
    show(tasks, newRun) {
      if (newRun) run = newRun;
      states = new Map(tasks);
      for (const [id, { box }] of nodes) {
        if (run) box.setAttribute("href", runLink(dag, run.run_id, id));
        paint(id);
      }
    },
    change(task) {
      states.set(task.task_id + (task.map_index >= 0 ? `[${task.map_index}]` : ""), task);
      paint(task.task_id);
    },
  };
}
