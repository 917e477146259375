// Runs by tasks. Only the columns in sight are there, so that thousands of runs scroll without a stall.
import { calmly, h, note, put } from "./dom.js";
import { get, listen, q } from "./api.js";
import { logicalDay, logicalText } from "./time.js";
import { byUrgency, legend, mark, runLink, stateWords } from "./parts.js";

const width = 22, ahead = 12, page = 200;

export async function grid(root, it, _, signal) {
  let runs = [], cursor = null, isLoading = false, tasks = [];
  const columns = new Map();
  const names = h("div", { class: "names" }), canvas = h("div", { class: "canvas" });
  const scroll = h("div", { class: "scroll", tabindex: "0", "aria-label": "runs, newest first; arrow keys move between them" }, canvas);
  const count = h("p", { class: "soft", "aria-live": "polite" });
  root.append(count, h("div", { class: "grid", role: "group", "aria-label": "runs and their tasks" }, names, scroll),
    legend(["success", "failed", "running", "queued", "up_for_retry", "deferred", "skipped", "upstream_failed", "cancelled"]));

  async function fetchPage(after, limit = page) { return get(`/dags/${q(it.dag_id)}/grid`, { limit, cursor: after }, signal); }

  // Several elements of a mapped task are one row, whose state is the one that needs somebody first.
  function byTask(run) {
    if (run.byTask) return run.byTask;
    const found = new Map();
    for (const task of run.tasks) {
      const known = found.get(task.task_id);
      if (!known || byUrgency(task.state, known.state) < 0) {
        found.set(task.task_id, { ...task, elements: (known?.elements ?? 0) + 1 });
      } else known.elements += 1;
    }
    return (run.byTask = found);
  }

  function setTasks() {
    const order = [];
    // In the order of the newest run's file; what only older ones had comes after.
    for (const run of runs.slice(0, 400)) for (const task of run.tasks) if (!order.includes(task.task_id)) order.push(task.task_id);
    if (order.length === tasks.length && order.every((name, place) => name === tasks[place])) return;
    tasks = order;
    put(names, h("div", { class: "corner" }, "newest first"), tasks.map((name) => h("div", { title: name }, name)));
    for (const column of columns.values()) column.remove();
    columns.clear();
  }

  function column(run, place) {
    const found = byTask(run);
    const date = logicalText(run.logical_date), day = logicalDay(run.logical_date);
    // Several runs of a day are told apart by their times.
    const isOneOfSome = [place - 1, place + 1].some((other) => runs[other] && logicalDay(runs[other].logical_date) === day);
    const label = isOneOfSome ? `${date.slice(5, 16)}` : day;
    const title = `${date}: ${stateWords(run.state)} (${run.run_type})`;
    return h("div", { class: "column", vars: { transform: `translateX(${place * width}px)` }, data: { run: run.run_id, place } },
      h("a", { class: "top", href: runLink(it.dag_id, run.run_id), title, "aria-label": `run of ${title}`, tabindex: "-1" },
        h("span", { class: "date" }, label), h("span", { class: "cell", data: { state: run.state, mark: mark(run.state), type: run.run_type } })),
      tasks.map((name) => {
        const task = found.get(name);
        if (!task) return h("a", {}, "");
        const words = `${name}, ${date}: ${stateWords(task.state)}${task.elements > 1 ? ` (${task.elements} elements)` : ""}${task.try_number > 1 ? `, try ${task.try_number}` : ""}`;
        return h("a", { href: runLink(it.dag_id, run.run_id, name, task.map_index), title: words, "aria-label": words, tabindex: "-1" },
          h("span", { class: "cell", data: { state: task.state, mark: mark(task.state) } }));
      }));
  }

  let isDrawing = false;
  function draw() {
    isDrawing = false;
    const first = Math.max(0, Math.floor(scroll.scrollLeft / width) - ahead);
    const last = Math.min(runs.length, Math.ceil((scroll.scrollLeft + scroll.clientWidth) / width) + ahead);
    for (const [run, element] of columns) {
      const place = Number(element.dataset.place);
      if (place < first || place >= last || runs[place]?.run_id !== run) { element.remove(); columns.delete(run); }
    }
    const fresh = document.createDocumentFragment();
    for (let place = first; place < last; place += 1) {
      const run = runs[place];
      if (columns.has(run.run_id)) continue;
      const element = column(run, place);
      columns.set(run.run_id, element);
      fresh.append(element);
    }
    canvas.append(fresh);
    if (last + 60 > runs.length && cursor && !isLoading) more();
  }
  function later() { if (!isDrawing) { isDrawing = true; requestAnimationFrame(draw); } }

  function resize() {
    canvas.style.width = `${runs.length * width + 4}px`;
    canvas.style.height = `${92 + tasks.length * 24 + 8}px`;
    put(count, runs.length ? `${runs.length}${cursor ? " and more" : ""} run${runs.length === 1 ? "" : "s"}` : "It has not run yet.");
  }

  async function more() {
    isLoading = true;
    try {
      const found = await fetchPage(cursor, 500);
      runs.push(...found.items);
      cursor = found.next_cursor;
      setTasks();
      resize();
      later();
    } catch (error) { if (!signal.aborted) note(error.message, true); } finally { isLoading = false; }
  }

  async function load() {
    const found = await fetchPage(null);
    // Those beyond the first part are as they were.
    const known = new Set(found.items.map((run) => run.run_id));
    const rest = found.next_cursor ? runs.filter((run) => !known.has(run.run_id)
      && run.logical_date < found.items[found.items.length - 1].logical_date) : [];
    if (!rest.length) cursor = found.next_cursor;
    runs = [...found.items, ...rest];
    for (const element of columns.values()) element.remove();
    columns.clear();
    setTasks();
    resize();
    draw();
  }

  scroll.addEventListener("scroll", later, { passive: true });
  scroll.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const here = document.activeElement.closest(".column");
    let place = here ? Number(here.dataset.place) : 0, row = here ? [...here.children].indexOf(document.activeElement) : 0;
    if (here) {
      if (event.key === "ArrowLeft") place -= 1;
      if (event.key === "ArrowRight") place += 1;
      if (event.key === "ArrowUp") row -= 1;
      if (event.key === "ArrowDown") row += 1;
    }
    place = Math.max(0, Math.min(runs.length - 1, place));
    if (place * width < scroll.scrollLeft || (place + 1) * width > scroll.scrollLeft + scroll.clientWidth) {
      scroll.scrollLeft = place * width - scroll.clientWidth / 2;
      draw();
    }
    const cells = columns.get(runs[place]?.run_id)?.children;
    cells?.[Math.max(0, Math.min(cells.length - 1, row))]?.focus({ preventScroll: true });
  });
  new ResizeObserver(later).observe(scroll);
  window.addEventListener("weir-zone", () => { for (const one of columns.values()) one.remove(); columns.clear(); draw(); }, { signal });

  function redraw(run) {
    delete run.byTask;
    const old = columns.get(run.run_id);
    if (!old) return;
    const hadFocus = old.contains(document.activeElement) ? [...old.children].indexOf(document.activeElement) : -1;
    const fresh = column(run, Number(old.dataset.place));
    old.replaceWith(fresh);
    columns.set(run.run_id, fresh);
    if (hadFocus >= 0) fresh.children[hadFocus]?.focus({ preventScroll: true });
  }
  const reload = calmly(200, () => load().catch(() => {}));
  listen((kind, data) => {
    if (kind === "reset") { reload(); return; }
    if (data.dag_id !== it.dag_id) return;
    const run = runs.find((one) => one.run_id === data.run_id);
    if (kind === "run") {
      if (!run) { reload(); return; }
      Object.assign(run, { state: data.state, start_date: data.start_date, end_date: data.end_date });
      redraw(run);
    } else if (kind === "task" && run) {
      const task = run.tasks.find((one) => one.task_id === data.task_id && one.map_index === data.map_index);
      if (task) Object.assign(task, { state: data.state, try_number: data.try_number });
      else run.tasks.push({ task_id: data.task_id, map_index: data.map_index, state: data.state, try_number: data.try_number });
      if (!tasks.includes(data.task_id)) { setTasks(); resize(); later(); } else redraw(run);
    }
  }, signal);
  await load();
}
