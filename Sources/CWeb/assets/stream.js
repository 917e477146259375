// The daemon's events, for one page or for all of a browser's.

const kinds = ["dag", "run", "task", "attempt", "backfill", "pool", "file", "audit", "lake", "access"];

/** Follows the events, whatever happens to the connection. `tell` gets `{live}` when it is there or gone, `{kind, data}` for each
    event and with the kind `reset` when some were missed, and `{refused}` when it is not let in. Answers how to end it. */
export function follow(tell) {
  let source = null, timer = null, wasReady = false;
  function begin() {
    source = new EventSource("/api/v1/events");
    for (const kind of kinds) source.addEventListener(kind, (event) => tell({ kind, data: JSON.parse(event.data) }));
    source.addEventListener("ready", () => { tell({ live: true }); wasReady = true; });
    source.addEventListener("reset", () => { tell({ live: true }); tell({ kind: "reset", data: {} }); });
    source.onerror = () => {
      tell({ live: false });
      if (source.readyState !== EventSource.CLOSED) return;
      // Refused rather than cut off: the browser does not come back by itself.
      timer = setTimeout(() => { begin(); if (wasReady) tell({ kind: "reset", data: {} }); }, 3000);
      tell({ refused: true });
    };
  }
  begin();
  return () => { clearTimeout(timer); source.close(); };
}
