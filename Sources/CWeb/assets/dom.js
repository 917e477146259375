// Building the page. Every text becomes a text node: what comes from outside is never read as HTML.

/** An element: `h("a", {class: "x", href: "#/", onclick: f}, "text", other)`. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "selected") element[name] = value;
    else if (name === "vars") for (const [key, number] of Object.entries(value)) element.style.setProperty(key, number);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child == null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces what is in an element. The keyboard stays where it was, when the same is there again. */
export function put(element, ...children) {
  const focused = document.activeElement, had = focused !== element && element.contains(focused);
  const alike = () => [...element.querySelectorAll(focused.tagName)].filter((one) => named(one) === named(focused));
  const place = had ? alike().indexOf(focused) : -1;
  element.replaceChildren();
  append(element, children);
  if (had) alike()[place]?.focus({ preventScroll: true });
  return element;
}

/** What tells one button, link or field from others of its kind. */
function named(element) { return [element.getAttribute("href"), element.getAttribute("aria-label"), element.name, element.textContent].join("\n"); }

/** Calls a function when nothing has called for a moment, and not later than three times that. */
export function calmly(milliseconds, work) {
  let timer = null, first = 0;
  return (...args) => {
    const now = performance.now();
    if (timer === null) first = now;
    else clearTimeout(timer);
    const wait = Math.max(0, Math.min(milliseconds, first + 3 * milliseconds - now));
    timer = setTimeout(() => { timer = null; work(...args); }, wait);
  };
}

/** A short note at the edge of the page: what was done, or why not. */
export function note(text, isError = false) {
  const notes = document.getElementById("notes");
  const one = h("div", { class: isError ? "note bad" : "note", role: isError ? "alert" : null }, text,
    h("button", { class: "quiet", "aria-label": "close", onclick: () => one.remove() }, "×"));
  notes.append(one);
  while (notes.children.length > 4) notes.firstChild.remove();
  setTimeout(() => one.remove(), isError ? 15000 : 5000);
}

/** A dialog with a form. `fields` are elements with names; `send` gets their values and closes by returning. */
export function ask(title, fields, button, send, { danger = false } = {}) {
  return new Promise((done) => {
    const problem = h("p", { class: "problem", role: "alert", hidden: true });
    const go = h("button", { type: "submit", class: danger ? "danger" : "primary" }, button);
    const form = h("form", { method: "dialog", onsubmit: async (event) => {
      event.preventDefault();
      go.disabled = true;
      problem.hidden = true;
      try {
        const result = await send(new FormData(form), form);
        if (result !== false) { dialog.close(); done(result ?? true); }
      } catch (error) {
        problem.hidden = false;
        put(problem, error.message);
      } finally { go.disabled = false; }
    } }, h("h2", {}, title), fields, problem, h("div", { class: "row end" },
      h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), go));
    const dialog = h("dialog", { "aria-label": title, onclose: () => { dialog.remove(); done(null); } }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** A labelled field of a form. */
export function field(label, input, help) {
  return h("label", { class: "field" }, h("span", {}, label), input, help && h("small", {}, help));
}
