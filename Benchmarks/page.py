#!/usr/bin/env python3
"""Measures the page in a real Chromium over a large store, and prints JSON: how long until each view can be used, and how the grid
scrolls through 2,000 runs.

The store is that of api.py. "Can be used" is when what the view is for is there: on the first page DAGs with their runs (and, apart,
all of them), in the grid cells, in a run its tasks. While the grid scrolls, the longest time between two frames and the longest task of a script are taken.

Usage: page.py [--dags N] [--runs N] [--tasks N] [--repeat N] [--weir PROGRAM] [--out FILE]
It needs .tools/browser and Chromium, which `scripts/setup.sh verify` installs.
"""
import argparse
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BROWSER = ROOT / ".tools/browser/bin/python"
if pathlib.Path(sys.prefix) != BROWSER.parent.parent and BROWSER.exists():
    os.execv(BROWSER, [BROWSER, *sys.argv])

from playwright.sync_api import sync_playwright  # noqa: E402

import api  # noqa: E402

SCROLL = """async () => {
  const box = document.querySelector('.grid .scroll');
  let longest = 0, blocked = 0, frames = 0, empty = 0, last = performance.now();
  new PerformanceObserver(list => { for (const one of list.getEntries()) blocked = Math.max(blocked, one.duration); }).observe({type: 'longtask'});
  const begin = performance.now();
  for (;;) {
    await new Promise(go => requestAnimationFrame(go));
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    frames += 1;
    const columns = box.querySelectorAll('.column').length;
    if (columns < 20) empty += 1;
    if (box.scrollLeft + box.clientWidth >= 2000 * 22 - 2 || now - begin > 60000) break;
    box.scrollLeft += 120;
  }
  return {frames, seconds: (performance.now() - begin) / 1000, longest_frame_ms: longest, longest_task_ms: blocked, frames_without_cells: empty,
          columns_in_page: box.querySelectorAll('.column').length, reached: box.scrollLeft + box.clientWidth};
}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dags", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=100, help="of each DAG; the first has 2,000")
    parser.add_argument("--tasks", type=int, default=10)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    parser.add_argument("--out")
    arguments = parser.parse_args()
    api.Daemon.weir = arguments.weir
    with tempfile.TemporaryDirectory(prefix="weir-page-bench-", ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        home = pathlib.Path(folder)
        count = api.fill(home, arguments.dags, arguments.runs, arguments.tasks, most=2000)
        daemon = api.Daemon(home, arguments.weir)
        try:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            views = {"home": ("#/", "tr[data-dag=dag0030] .recent"), "home, the last of all DAGs": ("#/", f"tr[data-dag=dag{arguments.dags - 1:04}]"), "grid": ("#/dags/dag0000", ".grid .column:nth-child(20) .cell"),
                     "run": ("#/dags/dag0007/runs/scheduled__2020-02-01T00%3A00%3A00Z", "table[aria-label=tasks] tbody tr:nth-child(10)")}
            times = {name: [] for name in views}
            for _ in range(arguments.repeat):
                for name, (path, wait) in views.items():
                    page = browser.new_context(viewport={"width": 1360, "height": 900}).new_page()
                    begin = time.perf_counter()
                    page.goto(f"http://127.0.0.1:{daemon.port}/{path}", wait_until="commit")
                    page.locator(wait).first.wait_for(state="attached")
                    times[name].append((time.perf_counter() - begin) * 1000)
                    page.context.close()
            page = browser.new_context(viewport={"width": 1360, "height": 900}).new_page()
            page.goto(f"http://127.0.0.1:{daemon.port}/#/dags/dag0000")
            page.locator(".grid .cell").first.wait_for()
            scroll = page.evaluate(SCROLL)
            browser.close()
        finally:
            daemon.stop()
    result = {"date": time.strftime("%Y-%m-%d"), "dags": arguments.dags, "task_instances": count,
              "usable_ms": {name: {"median": round(statistics.median(took)), "max": round(max(took))} for name, took in times.items()},
              "scroll": {name: round(value, 1) for name, value in scroll.items()}}
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
