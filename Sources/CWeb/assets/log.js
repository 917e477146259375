// What a try printed: live while it runs, with search and the colours of the terminal.
import { h, put } from "./dom.js";
import { link, open, q } from "./api.js";
import { bytes } from "./parts.js";

const part = 512 << 10, perBlock = 200;

/** The lines of a log in an element. Returns nothing; ends with `signal`. */
export async function log(root, base, attempt, signal) {
  const map_index = attempt.map_index;
  const path = `${base}/attempts/${attempt.attempt_id}/log`;
  const decoder = new TextDecoder();
  let rest = "", lines = 0, block = null, follows = true, first = 0, matches = [], at = -1;
  const box = h("div", { class: "log mono", tabindex: "0", role: "log", "aria-label": `log of try ${attempt.try_number}`, "aria-live": "off" });
  const earlier = h("p", { class: "soft", hidden: true });
  const found = h("span", { class: "soft", "aria-live": "polite" });
  const input = h("input", { type: "search", placeholder: "Search the log", "aria-label": "search the log", oninput: () => search(), onkeydown: (event) => {
    if (event.key === "Enter") { event.preventDefault(); step(event.shiftKey ? -1 : 1); }
  } });
  const tail = h("input", { type: "checkbox", checked: true, onchange: () => { follows = tail.checked; if (follows) box.scrollTop = box.scrollHeight; } });
  put(root, h("div", { class: "row logbar" }, input, h("button", { class: "small", "aria-label": "one before", onclick: () => step(-1) }, "↑"), h("button", { class: "small", "aria-label": "next one", onclick: () => step(1) }, "↓"), found,
    h("label", { class: "row" }, tail, "follow"), h("a", { href: link(path, { map_index, limit: 4 << 20 }), download: `attempt-${attempt.attempt_id}.log` }, "download")), earlier, box);
  box.addEventListener("scroll", () => {
    const isAtEnd = box.scrollTop + box.clientHeight > box.scrollHeight - 30;
    if (isAtEnd !== follows) { follows = isAtEnd; tail.checked = follows; }
  }, { passive: true });

  function line(text) {
    lines += 1;
    const element = h("div", { class: /\b(error|fatal|exception|traceback)\b/i.test(text) ? "line bad" : "line", data: { n: lines } }, h("span", {}, coloured(text)));
    if (!block || block.childElementCount >= perBlock) { block = h("div", { class: "block" }); box.append(block); }
    block.append(element);
    if (input.value && matchesText(element)) { element.classList.add("found"); matches.push(element); tellFound(); }
  }
  function add(chunk) {
    const pieces = (rest + chunk).split("\n");
    rest = pieces.pop();
    for (const piece of pieces) line(piece.replace(/\r$/, "").replace(/.*\r/, ""));
    if (rest.length > 1 << 16) { line(rest); rest = ""; }
    if (follows) box.scrollTop = box.scrollHeight;
  }
  function end() {
    if (rest) { line(rest); rest = ""; }
    if (!lines) put(box, h("p", { class: "soft row" }, "  nothing was printed"));
    if (follows) box.scrollTop = box.scrollHeight;
  }

  function matchesText(element) { return element.textContent.toLowerCase().includes(input.value.toLowerCase()); }
  function search() {
    for (const element of matches) element.classList.remove("found", "now");
    matches = [];
    at = -1;
    if (input.value) for (const element of box.querySelectorAll(".line")) if (matchesText(element)) { element.classList.add("found"); matches.push(element); }
    tellFound();
    if (matches.length) step(1);
  }
  function step(by) {
    if (!matches.length) return;
    matches[at]?.classList.remove("now");
    at = (at + by + matches.length) % matches.length;
    matches[at].classList.add("now");
    matches[at].scrollIntoView({ block: "center" });
    tellFound();
  }
  function tellFound() { found.textContent = input.value ? (matches.length ? `${at + 1 || "–"} of ${matches.length}` : "not found") : ""; }

  // The end of a long log first; what stands before it can be had.
  const head = await open(path, { map_index, tail: true, limit: part }, signal);
  const next = Number(head.headers.get("Weir-Next-Offset")), isComplete = head.headers.get("Weir-Log-Complete") === "true";
  const content = new Uint8Array(await head.arrayBuffer());
  first = Math.max(0, next - content.length);
  let shown = content;
  if (first > 0) {
    // Not from the middle of a line.
    const feed = content.indexOf(10);
    if (feed >= 0) shown = content.subarray(feed + 1);
    earlier.hidden = false;
    put(earlier, `This is the end; ${bytes(first)} stand before it. `, h("a", { href: link(path, { map_index, limit: 4 << 20 }), download: `attempt-${attempt.attempt_id}.log` }, "Download the beginning"));
  }
  add(decoder.decode(shown, { stream: true }));
  if (isComplete) { end(); return; }
  let offset = next;
  while (!signal.aborted) {
    await inSight(signal);
    if (signal.aborted) return;
    const turn = new AbortController();
    const leave = () => { if (document.hidden || signal.aborted) turn.abort(); };
    document.addEventListener("visibilitychange", leave);
    signal.addEventListener("abort", leave);
    try {
      const response = await open(path, { map_index, offset, follow: true }, turn.signal);
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        offset += value.length;
        add(decoder.decode(value, { stream: true }));
      }
      end();
      return;
    } catch (error) {
      if (signal.aborted || error.status >= 400) return;
      if (!turn.signal.aborted) await new Promise((go) => setTimeout(go, 2000));
    } finally {
      document.removeEventListener("visibilitychange", leave);
      signal.removeEventListener("abort", leave);
    }
  }
}

/** Until somebody can see the page: one that nobody sees keeps none of the browser's few connections to the daemon. */
function inSight(signal) {
  return new Promise((go) => {
    const look = () => { if (!document.hidden || signal.aborted) { document.removeEventListener("visibilitychange", look); go(); } };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
    look();
  });
}

// SGR, the part of ECMA-48 that sets colours; every other sequence is left out.
function coloured(text) {
  if (!text.includes("\u001b")) return text;
  const parts = [];
  let classes = [];
  for (const piece of text.split(/(\u001b\[[0-9;?]*[A-Za-z])/)) {
    const code = /^\u001b\[([0-9;]*)m$/.exec(piece);
    if (code) {
      for (const number of (code[1] || "0").split(";").map(Number)) {
        if (number === 0) classes = [];
        else if (number === 39) classes = classes.filter((one) => one.length < 3);
        else classes.push("a" + number);
      }
    } else if (piece && !piece.startsWith("\u001b[")) parts.push(classes.length ? h("span", { class: classes.join(" ") }, piece) : piece);
  }
  return parts;
}
