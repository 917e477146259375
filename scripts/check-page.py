#!/usr/bin/env python3
"""Uses the page in a real Chromium as people do: each view, each action, live, dark, on a phone, by role, without a mouse.

Usage: check-page.py [--weir PROGRAM] [--screenshots FOLDER]
It needs .tools/browser and Chromium, which `scripts/setup.sh verify` installs.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import live
from live import ROOT, Daemon, quoted, that, until

BROWSER = ROOT / ".tools/browser/bin/python"
if pathlib.Path(sys.prefix) != BROWSER.parent.parent and BROWSER.exists():
    os.execv(BROWSER, [BROWSER, *sys.argv])

from playwright.sync_api import TimeoutError as Late, expect, sync_playwright  # noqa: E402

import axe_playwright_python  # noqa: E402

AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
EVIL = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"
PASSWORD = "correct horse battery"


class Browser:
    """A browser window, and everything that must never happen in it."""

    def __init__(self, playwright, daemon, folder=None, **options):
        self.daemon = daemon
        self.folder = folder
        self.base = f"http://127.0.0.1:{daemon.port}/"
        self.browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        self.context = self.browser.new_context(viewport={"width": 1360, "height": 900}, timezone_id="Europe/Zurich", **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(15000)
        # What the browser says of an answer that the page expects and shows: the refused sign-in.
        self.allowed = re.compile(r"status of 401|status of 404.*/dags/nothing|status of 422.*/users|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET")
        self.page.on("console", lambda message: that(f"console: {message.type}", message.type not in ("error", "warning")
                     or self.allowed.search(message.text + str(message.location)), message.text + str(message.location)))
        self.page.on("pageerror", lambda error: that("no error of a script", False, error))
        self.page.on("request", lambda request: that("only this server is asked", request.url.startswith(self.base)
                     or request.url.startswith("blob:"), request.url))

        self.rest = live.rest(self.page)

    def go(self, path, wait):
        self.page.goto(self.base + path)
        self.see(wait, path)

    def see(self, selector, where=""):
        try:
            self.page.locator(selector).first.wait_for()
            that("seen", True)
        except Late:
            that(f"{selector} is seen {where}", False, self.page.locator("main").inner_text()[:300])

    def sound(self, name):
        """Names, roles, order of heads, contrast and the like, by axe's rules for WCAG 2.1 AA."""
        found = self.page.evaluate(AXE + """; axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]})
            .then(found => found.violations.map(one => one.id + ": " + one.nodes.slice(0, 2).map(node => node.html + " " + node.failureSummary).join("; ")))""")
        that(f"{name} can be used by everybody", not found, "\n".join(found))

    def fits(self, name):
        width = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        that(f"{name} fits the width", width[0] <= width[1], width)

    def shot(self, name):
        if self.folder:
            self.page.screenshot(path=self.folder / f"{name}.png")

    def close(self):
        self.browser.close()


def dags(home):
    (home / "dags/html.json").write_text(json.dumps({"id": "html", "description": EVIL, "tags": [EVIL, "test"], "owner": EVIL,
        "params": {"text": {"type": "string", "default": EVIL, "description": EVIL}}, "tasks": [
        {"id": "say", "kind": "command", "description": EVIL, "with": {"shell": f"printf '\\033[31m%s\\033[0m\\n' '{EVIL}'; echo \"$WEIR_PARAM_TEXT\"; exit 3"}}]}))
    (home / "dags/mend.json").write_text(json.dumps({"id": "mend", "schedule": "0 3 * * *", "timezone": "America/New_York", "catchup": False,
        "start": "2022-01-01", "tasks": [
        {"id": "look", "kind": "command", "with": {"shell": f"echo looking for the input; cat {home}/input"}},
        {"id": "each", "kind": "command", "after": ["look"], "for_each": ["a", "b", "c"], "with": {"shell": "echo {{ each.value }}"}},
        {"id": "end", "kind": "command", "after": ["each"], "with": {"command": ["true"]}}]}))
    (home / "dags/slow.json").write_text(json.dumps({"id": "slow", "params": {"count": {"type": "integer", "default": 1}}, "tasks": [
        {"id": "wait", "kind": "command", "with": {"shell": f"echo began; while [ ! -e {home}/go ]; do sleep 0.05; done; echo over"}},
        {"id": "after", "kind": "command", "after": ["wait"], "with": {"command": ["true"]}}]}))


def the_story(browser, home):
    """Something has failed: found, understood, mended and green again, from the first page on and without documentation."""
    page = browser.page
    run = browser.daemon.ask("POST", "/api/v1/dags/mend/runs", {})[2]["run"]["run_id"]
    # The schedule has made one of the same day, which fails, too; the page is about the later one.
    until("it failed", lambda: browser.daemon.ask("GET", f"/api/v1/dags/mend/runs/{quoted(run)}")[2]["state"] == "failed")
    browser.go("", "section[aria-label='what is wrong']")
    page.locator("section[aria-label='what is wrong'] a", has_text="mend").click()
    browser.see("h2:has-text('look')")
    expect(page.locator(".problem").last).to_contain_text("No such file or directory")
    expect(page.locator(".log")).to_contain_text("looking for the input")
    browser.shot("run-failed")
    (home / "input").write_text("here it is\n")
    page.get_by_role("button", name="Run what failed again").click()
    page.locator("dialog").get_by_role("button", name="Run again").click()
    expect(page.locator("h1 .state")).to_have_text("success", timeout=20000)
    expect(page.locator(".log")).to_contain_text("here it is")
    that("mapped tasks are there", page.locator("table[aria-label=tasks] tbody tr").count() == 5)
    page.goto(browser.base)
    browser.see("tr[data-dag=mend] .state[data-state=success]")
    that("nothing is wrong with it any more", page.locator("section[aria-label='what is wrong'] a", has_text="mend").count() == 0)


def texts(browser):
    """What looks like HTML stays text, wherever it stands."""
    page = browser.page
    browser.daemon.ask("POST", "/api/v1/dags/html/runs", {})
    until("it failed", lambda: (browser.daemon.ask("GET", "/api/v1/dags/html/runs")[2]["items"] or [{}])[0].get("state") == "failed")
    browser.go("#/", "tr[data-dag=html]")
    that("in a description", EVIL in page.locator("tr[data-dag=html]").inner_text())
    for tab in ("", "/graph", "/runs", "/definition", "/backfills", "/calendar", "/durations"):
        browser.go("#/dags/html" + tab, "nav.tabs")
        browser.rest()
    browser.go("#/dags/html", ".grid .cell[data-state=failed]")
    page.locator(".grid .column a").nth(1).click()
    browser.see(".log .line")
    log = page.locator(".log")
    expect(log).to_contain_text(EVIL)
    that("in its colour", page.locator(".log .a31").count() == 1)
    page.locator("summary", has_text="as they were").click()
    page.get_by_label("search the log").fill("onerror")
    expect(page.locator(".logbar [aria-live]")).to_have_text("1 of 2")
    page.get_by_role("link", name="html", exact=True).click()
    page.get_by_role("button", name="▶ Run").click()
    that("in a form", page.locator("dialog input").get_attribute("placeholder") == "default: " + EVIL)
    page.keyboard.press("Escape")
    that("nothing of it ran", page.evaluate("window.pwned") is None)


def actions(browser, home):
    page = browser.page
    browser.go("#/", "tr[data-dag=slow]")
    page.evaluate("window.same = 1")
    # Started with a parameter, seen to run, while nothing was loaded anew.
    page.get_by_role("button", name="start a run of slow").click()
    page.get_by_label("count (integer)").fill("x")
    page.locator("dialog").get_by_role("button", name="Start").click()
    expect(page.locator("dialog .problem")).to_contain_text("must be of type integer")
    page.get_by_label("count (integer)").fill("7")
    page.locator("dialog").get_by_role("button", name="Start").click()
    browser.see("h1 .state[data-state=running]")
    expect(page.locator("main")).to_contain_text('params {"count":7}')
    expect(page.locator(".log")).to_contain_text("began")
    expect(page.locator(".log")).not_to_contain_text("over")
    expect(page.locator("table[aria-label=tasks]")).to_contain_text("waits for")
    browser.shot("run-live")
    (home / "go").touch()
    expect(page.locator(".log")).to_contain_text("over")
    expect(page.locator("h1 .state")).to_have_text("success")
    (home / "go").unlink()
    # Cleared with its downstream, cancelled, marked.
    page.locator("table[aria-label=tasks] a", has_text="wait").click()
    page.get_by_role("button", name="Run again", exact=True).click()
    expect(page.locator("dialog")).to_contain_text("wait, after")
    page.locator("dialog").get_by_role("button", name="Run again").click()
    browser.see("h1 .state[data-state=running]")
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.locator("dialog").get_by_role("button", name="Cancel the run").click()
    expect(page.locator("h1 .state")).to_have_text("cancelled")
    page.get_by_role("button", name="Mark as …").click()
    page.locator("dialog select").select_option("success")
    page.locator("dialog").get_by_role("button", name="Mark", exact=True).click()
    expect(page.locator("h2 .state")).to_have_text("success")
    for view in ("Gantt", "Graph", "Tasks"):
        page.locator("nav.tabs").get_by_role("link", name=view, exact=True).click()
        browser.see({"Gantt": ".gantt .track a", "Graph": ".graph .node[data-state=success]", "Tasks": "table[aria-label=tasks]"}[view])
        browser.sound(f"a run's {view}")
        browser.shot(f"run-{view.lower()}")
    # Paused and let go on.
    page.get_by_role("link", name="slow", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".head")).to_contain_text("paused")
    page.get_by_role("button", name="Let it go on").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    # A wrong file is told of at once, and where.
    (home / "dags/wrong.json").write_text('{"id": "wrong",\n "tasks": [{"id": "a", "kind": "comand"}]}')
    page.get_by_role("link", name="DAGs", exact=True).click()
    expect(page.locator("section[aria-label='what is wrong']")).to_contain_text("wrong.json:2:32")
    page.goto(browser.base + "#/admin/files")
    expect(page.locator("main")).to_contain_text('did you mean "command"?')
    (home / "dags/wrong.json").unlink()
    expect(page.locator("main")).to_contain_text("All DAG files are valid")
    that("the page was never loaded anew", page.evaluate("window.same") == 1)


def backfilling(browser):
    page = browser.page
    browser.go("#/dags/mend", ".grid")
    page.get_by_role("button", name="Backfill").click()
    page.get_by_label("From").fill("2022-03-12")
    page.get_by_label("To").fill("2022-03-14")
    page.get_by_role("button", name="Show which").click()
    expect(page.locator("table[aria-label='what would run'] tbody tr")).to_have_count(3)
    # The night in which New York's clocks went forward.
    that("in the DAG's zone", browser.daemon.ask("GET", "/api/v1/backfills")[2]["items"][0]["dag_id"] == "alpr_daily")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("table[aria-label=backfills]")).to_contain_text("3 of 3", timeout=20000)
    browser.see("table[aria-label=backfills] .state[data-state=success]")
    runs = browser.daemon.ask("GET", "/api/v1/dags/mend/runs?run_type=backfill")[2]["items"]
    that("three runs", [run["logical_date"][:10] for run in runs] == ["2022-03-14", "2022-03-13", "2022-03-12"], runs)
    expect(page.locator("table[aria-label=backfills]")).to_contain_text("2022-03-12 – 2022-03-14")
    browser.sound("the backfills")
    browser.shot("backfills")
    browser.go("#/dags/mend/calendar", ".calendar a.cell[data-state=success]")
    that("its days", page.locator(".calendar a.cell").count() == 4)
    browser.sound("the calendar")
    browser.shot("calendar")
    # A day is the DAG's day, wherever somebody looks from; other times are in the zone that was chosen.
    page.locator(".calendar a.cell[aria-label^='2022-03-13']").click()
    expect(page.locator("main")).to_contain_text("interval 2022-03-13 03:00 – 2022-03-14 03:00 (America/New_York)")
    began = page.locator(".facts time").first
    seen = []
    for zone in ("dag", "utc", "browser"):
        page.get_by_label("time zone").select_option(zone)
        expect(page.locator("h1 time")).to_have_text("2022-03-13 03:00")
        seen.append(began.inner_text())
    that("times of three zones", len(set(seen)) == 3, seen)
    expect(page.get_by_label("time zone")).to_contain_text("local time (Europe/Zurich)")
    # From the list of backfills to the runs of one.
    browser.go("#/dags/mend/backfills", "table[aria-label=backfills]")
    page.get_by_label("From").fill("2022-03-20")
    page.get_by_label("To").fill("2022-03-21")
    page.get_by_role("button", name="Show which").click()
    expect(page.locator("table[aria-label='what would run'] tbody tr").first).to_contain_text("2022-03-20 03:00 – 2022-03-21 03:00")
    page.get_by_label("To").fill("2022-03-22")
    expect(page.locator("table[aria-label='what would run']")).to_have_count(0)
    page.get_by_role("link", name="3 of 3").click()
    expect(page.locator("table[aria-label=runs] tbody tr")).to_have_count(3)
    page.get_by_title("show all").click()
    expect(page.locator("table[aria-label=runs]")).to_contain_text("manual")


def views(browser):
    page = browser.page
    for name, path, wait in (("home", "", "tr[data-dag=alpr_daily]"), ("grid", "#/dags/alpr_daily", ".grid .cell[data-state=success]"),
                             ("graph", "#/dags/alpr_daily/graph", ".graph .node[data-state=success]"), ("runs", "#/dags/alpr_daily/runs", "table[aria-label=runs]"),
                             ("durations", "#/dags/alpr_daily/durations", ".bars .bar"), ("definition", "#/dags/alpr_daily/definition", ".text div"),
                             ("lake", "#/lake", ".counts .fill"), ("daemon", "#/admin", "dl.facts"), ("audit", "#/admin/audit", "table[aria-label=audit]")):
        browser.go(path, wait)
        browser.rest()
        browser.sound(name)
        browser.fits(name)
        browser.shot(name)
    browser.go("#/nothing", "text=There is nothing here")
    browser.go("#/dags/nothing", ".problem")
    # By keyboard alone: into the grid, over its cells, into a run.
    browser.go("#/dags/alpr_daily", ".grid .cell[data-state=success]")
    page.locator(".grid .scroll").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    browser.see("h2:has-text('convert')")
    # The definition as it was, and what changed.
    path = browser.daemon.home / "dags/mend.json"
    before = path.read_text()
    path.write_text(before.replace("0 3 * * *", "0 4 * * *"))
    until("a second version", lambda: len(browser.daemon.ask("GET", "/api/v1/dags/mend/versions")[2]["items"]) == 2)
    browser.go("#/dags/mend/definition", ".text div")
    page.get_by_label("compared with").select_option(index=2)
    expect(page.locator(".text .added")).to_contain_text("0 4 * * *")
    expect(page.locator(".text .removed")).to_contain_text("0 3 * * *")


def the_lake(browser, weir):
    page = browser.page
    browser.go("#/lake/lakestorage%2Fplate?day=2022-05-02", "table[aria-label=rows]")
    expect(page.locator(".tree").first).to_contain_text("ultimatealpr_staging")
    ids = [row["plate_id"] for row in json.loads(browser.daemon.open("GET", "/api/v1/lake/tables/lakestorage%2Fplate/rows?columns=plate_id,frame_id"
                                                 "&order=frame_id&limit=50&from=2022-05-02&to=2022-05-02").read())["rows"]]
    page.get_by_label("order by").select_option("frame_id")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("table[aria-label=rows] tbody tr td:first-child").first).to_have_text(str(ids[0]))
    page.get_by_role("button", name="+ condition").click()
    page.get_by_label("column", exact=True).select_option("countryName")
    page.get_by_label("value", exact=True).fill("United States of America")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("table[aria-label=rows] tbody tr").first).to_contain_text("United States of America")
    that("only those", all("United States" in text for text in page.locator("table[aria-label=rows] tbody tr").all_inner_texts()))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = pathlib.Path(download.value.path()).read_text()
    that("as CSV", text.startswith("plate_id,") and "United States of America" in text, text[:100])
    page.get_by_label("value", exact=True).fill("'; DROP TABLE plate; --")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("main")).to_contain_text("no row is like this")
    page.get_by_label("remove this condition").click()
    page.get_by_label("count by").select_option("countryName")
    page.get_by_role("button", name="Show", exact=True).click()
    browser.see("form .counts .fill")
    browser.sound("a table")
    browser.fits("a table")
    browser.shot("table")
    # A publish shows by itself, and what was asked stays.
    expect(page.locator("table[aria-label=days] tr", has_text="2022-05-03")).to_contain_text("once")
    page.locator("tr", has_text="2022-05-03").get_by_role("button", name="where from").click()
    expect(page.locator(".tree").first).to_contain_text("dt=2022-05-03 generation 1")
    # Today's run has archived the raw data of that day.
    subprocess.run([weir, "lake", "restore", "--from", "2022-05-03"], check=True, capture_output=True)
    browser.daemon.ask("POST", "/api/v1/dags/alpr_daily/runs/backfill__2022-05-03T00%3A00%3A00Z/clear", {})
    expect(page.locator("table[aria-label=days] tr", has_text="2022-05-03")).to_contain_text("2 times", timeout=60000)
    expect(page.locator(".tree").first).to_contain_text("dt=2022-05-03 generation 2")
    browser.see("form .counts .fill")
    that("what was chosen stays", page.get_by_label("count by").input_value() == "countryName")


def the_quality(browser):
    page = browser.page
    browser.go("#/quality", "table.checks")
    expect(page.locator("section[aria-label=report]")).to_contain_text("2022-05-04")
    that("three days of each check", page.locator("table.checks").first.locator("tbody tr").first.locator("a.cell").count() == 3)
    page.locator("th.day a").first.click()
    expect(page.locator("section[aria-label=report]")).to_contain_text("2022-05-02")
    browser.see("section[aria-label=report] .hint, section[aria-label=report] .problem")
    browser.sound("the quality")
    browser.fits("the quality")
    browser.shot("quality")


def what_is_wrong(browser, home):
    """All that needs somebody is on the first page: not only what the newest day's run says."""
    page, daemon = browser.page, browser.daemon
    wrong = page.locator("section[aria-label='what is wrong']")
    # A past day fails, by hand and in a backfill, while the newest one is good.
    input, kept = home / "input", home / "kept"
    input.rename(kept)
    daemon.ask("POST", "/api/v1/dags/mend/runs", {"logical_date": "2022-06-01T12:00:00Z"})
    daemon.ask("POST", "/api/v1/backfills", {"dag_id": "mend", "from": "2022-06-03T00:00:00Z", "to": "2022-06-03T23:00:00Z"})
    browser.go("#/", "tr[data-dag=mend]")
    expect(wrong).to_contain_text("2 runs failed")
    expect(wrong).to_contain_text("No such file or directory")
    # What ran last is told as such; the others are counted.
    browser.see("tr[data-dag=mend] .state[data-state=failed]")
    browser.shot("wrong")
    page.locator("tr[data-dag=mend]").get_by_role("link", name="1 more failed").click()
    expect(page.locator("table[aria-label=runs] tbody tr")).to_have_count(2)
    expect(page.get_by_label("state", exact=True)).to_have_value("standing")
    page.go_back()
    # Nothing but a pool is missing: told where it is seen, and made from there.
    (home / "dags/stuck.json").write_text(json.dumps({"id": "stuck", "tasks": [
        {"id": "press", "kind": "command", "pool": "olives", "with": {"command": ["true"]}}]}))
    until("it is there", lambda: daemon.ask("GET", "/api/v1/dags/stuck")[0] == 200)
    daemon.ask("POST", "/api/v1/dags/stuck/runs", {})
    expect(wrong).to_contain_text("cannot start: there is no pool 'olives'")
    page.locator(".tile", has_text="tasks waiting").click()
    expect(page.locator("table[aria-label=tasks] tbody tr")).to_have_count(1)
    expect(page.locator("table[aria-label=tasks]")).to_contain_text("there is no pool 'olives'")
    browser.sound("the tasks")
    browser.fits("the tasks")
    page.get_by_role("link", name="press").click()
    page.get_by_role("link", name="To the pools").click()
    expect(page.locator("main")).to_contain_text("There is no pool 'olives', and 1 waiting for it.")
    page.get_by_role("button", name="Make the pool olives").click()
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("table[aria-label=pools]")).to_contain_text("olives")
    page.get_by_role("button", name="New pool").click()
    page.get_by_label("Name").fill("olives")
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("dialog .problem")).to_have_text("there is a pool 'olives' already")
    page.keyboard.press("Escape")
    until("it has run", lambda: daemon.ask("GET", "/api/v1/dags/stuck/runs")[2]["items"][0]["state"] == "success")
    # A file that is wrong is told of on its DAG's own page; the definition follows the file.
    file = home / "dags/stuck.json"
    good = file.read_text()
    browser.go("#/dags/stuck/definition", ".text div")
    file.write_text(good.replace("command", "comand", 1))
    expect(page.locator(".problem")).to_contain_text("stuck.json is in error since")
    file.write_text(good.replace("olives", "default"))
    expect(page.locator(".problem")).to_have_count(0)
    expect(page.locator(".text")).to_contain_text('"pool": "default"')
    # What was asked belongs to what was shown.
    page.get_by_role("button", name="▶ Run").click()
    browser.see("dialog")
    page.evaluate("location.hash = '#/'")
    expect(page.locator("dialog")).to_have_count(0)
    # Of a mapped task one element is marked, and one run again.
    mapped = json.dumps({"id": "mapped", "tasks": [{"id": "part", "kind": "command", "for_each": ["a", "b", "c"], "with": {"shell": "test {{ each.value }} != b"}},
                                                   {"id": "sum", "kind": "command", "after": ["part"], "with": {"command": ["true"]}}]})
    (home / "dags/mapped.json").write_text(mapped)
    until("it is there", lambda: daemon.ask("GET", "/api/v1/dags/mapped")[0] == 200)
    run = daemon.ask("POST", "/api/v1/dags/mapped/runs", {})[2]["run"]["run_id"]
    browser.go(f"#/dags/mapped/runs/{quoted(run)}", "h2:has-text('part[1]')")
    expect(page.locator("h1 .state")).to_have_text("failed")
    expect(page.locator("table[aria-label=tasks] a.name")).to_have_text(["part[0]", "part[1]", "part[2]", "sum"])
    page.get_by_role("button", name="Run again", exact=True).click()
    expect(page.locator("dialog .mono")).to_have_text("part[1], sum")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Mark as …").click()
    expect(page.locator("dialog h2")).to_have_text("Give part[1] a state")
    page.locator("dialog select").select_option("success")
    page.locator("dialog").get_by_role("button", name="Mark", exact=True).click()
    expect(page.locator("h1 .state")).to_have_text("success")
    states = {task["task_id"] + str(task["map_index"]): task["reason"] or task["state"] for task in daemon.ask("GET", f"/api/v1/dags/mapped/runs/{quoted(run)}/tasks")[2]["items"]
              if task["state"] != "removed"}
    that("only that one is marked", states["part0"] == states["part2"] == "success" and states["part1"].startswith("marked success"), states)
    # A day is looked at before it is started.
    browser.go("#/dags/mend", ".grid")
    page.get_by_role("button", name="▶ Run").click()
    page.get_by_label("Day").fill("2022-06-01")
    expect(page.locator("dialog .hint")).to_contain_text("this day has run already: manual failed")
    page.get_by_label("Day").fill("2099-01-01")
    expect(page.locator("dialog .hint")).to_contain_text("this day is not over yet")
    page.keyboard.press("Escape")
    # All that failed, with one button.
    browser.go("#/dags/mend/runs?state=standing", "table[aria-label=runs]")
    page.get_by_role("button", name="Run all again that failed").click()
    expect(page.locator("dialog")).to_contain_text("The failed tasks of 2 runs")
    before = max(one["end_date"] for one in daemon.ask("GET", "/api/v1/dags/mend/runs?state=failed")[2]["items"])
    page.locator("dialog").get_by_role("button", name="Run again").click()
    until("both have run again", lambda: len([one for one in daemon.ask("GET", "/api/v1/dags/mend/runs?state=failed&standing=true")[2]["items"]
                                              if one["end_date"] > before]) == 2)
    # Mended: the day is run once more, and the backfill's run marked by somebody.
    kept.rename(input)
    daemon.ask("POST", "/api/v1/dags/mend/runs", {"logical_date": "2022-06-01T12:00:00Z"})
    failed = daemon.ask("GET", "/api/v1/dags/mend/runs?state=failed&run_type=backfill")[2]["items"][0]
    browser.go(f"#/dags/mend/runs/{quoted(failed['run_id'])}", "h2:has-text('look')")
    page.get_by_role("button", name="Mark as …").click()
    page.locator("dialog select").select_option("success")
    page.locator("dialog").get_by_role("button", name="Mark", exact=True).click()
    expect(page.locator("h1 .state")).to_have_text("success")
    expect(page.locator("main")).to_contain_text("marked success by")
    browser.go("#/", "tr[data-dag=mend]")
    expect(page.locator("section[aria-label='what is wrong'] a", has_text="mend")).to_have_count(0)
    expect(page.locator("tr[data-dag=mend]")).not_to_contain_text("failed")


def many_pages(playwright, daemon):
    """More pages in one browser than it opens connections to a server: all are live, by one stream."""
    browser = Browser(playwright, daemon)
    pages = [browser.page] + [browser.context.new_page() for _ in range(8)]
    for page in pages:
        page.goto(browser.base + "#/dags/slow")
    for page in pages:
        expect(page.locator("#live")).to_have_text("live")
    # That of a browser before this one is noticed to be gone with the next thing that is sent.
    until("one stream for all", lambda: "\nweir_open_streams 1\n" in daemon.ask("GET", "/metrics")[2].decode())
    daemon.ask("POST", "/api/v1/dags/slow/pause", {})
    for page in pages:
        expect(page.locator(".head")).to_contain_text("paused")
    daemon.ask("POST", "/api/v1/dags/slow/unpause", {})
    for page in pages[:-1]:
        page.close()
    expect(pages[-1].locator(".head")).not_to_contain_text("paused")
    # A browser that shares nothing has a stream of its own.
    alone = browser.browser.new_context()
    alone.add_init_script("delete window.SharedWorker")
    page = alone.new_page()
    page.goto(browser.base)
    expect(page.locator("#live")).to_have_text("live")
    browser.close()


def pools(browser):
    page = browser.page
    browser.go("#/admin/pools", "h2:has-text('Pools')")
    page.get_by_role("button", name="New pool").click()
    page.get_by_label("Name").fill("heavy")
    page.get_by_label("Slots").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("table[aria-label=pools]")).to_contain_text("heavy")
    browser.sound("the pools")
    page.get_by_role("button", name="Remove").click()
    page.locator("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator("main")).to_contain_text("No pool was set")


def arrivals(browser, home):
    """Files that wait for a DAG: how many, since when, and no more when a run has taken them."""
    page, landing = browser.page, home / "arrivals"
    landing.mkdir()
    (home / "dags/stream.json").write_text(json.dumps({"id": "stream", "schedule": {"files": {
        "folder": str(landing), "settle": "0s", "batch": {"files": 3, "age": "1h"}}}, "tasks": [
        {"id": "take", "kind": "command", "with": {"shell": f"rm {landing}/*"}}]}))
    browser.go("#/", "tr[data-dag=stream]")
    for name in "ab":
        (landing / name).write_text("x" * 600)
    expect(page.locator("tr[data-dag=stream] .waiting")).to_contain_text("2 files wait (1.2 KB), the oldest came", timeout=20000)
    browser.sound("the first page with what waits")
    browser.go("#/dags/stream", ".head")
    expect(page.locator(".waiting")).to_contain_text("2 files wait (1.2 KB)")
    browser.shot("arrivals")
    (landing / "c").write_text("x")
    expect(page.locator(".waiting")).to_contain_text("No file waits.", timeout=20000)
    that("by a run", [run["state"] for run in browser.daemon.ask("GET", "/api/v1/dags/stream/runs")[2]["items"]] == ["success"])
    shutil.rmtree(landing)
    expect(page.locator(".waiting")).to_contain_text("Nobody can look for its files", timeout=30000)
    (home / "dags/stream.json").unlink()
    browser.go("#/dags/stream", ".head .problem")


def other_screens(playwright, daemon, folder):
    """Dark, and a phone."""
    dark = Browser(playwright, daemon, folder, color_scheme="dark")
    for name, path, wait in (("home", "", "tr[data-dag=alpr_daily]"), ("grid", "#/dags/alpr_daily", ".grid .cell[data-state=success]"),
                             ("lake", "#/lake", ".counts .fill")):
        dark.go(path, wait)
        dark.rest()
        that("dark", dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)")
        dark.sound(f"{name}, dark")
        dark.shot(f"{name}-dark")
    run = daemon.ask("GET", "/api/v1/dags/html/runs")[2]["items"][0]["run_id"]
    dark.go(f"#/dags/html/runs/{quoted(run)}", ".log .line")
    dark.sound("a run, dark")
    dark.shot("run-dark")
    dark.page.get_by_label("colours").select_option("light")
    that("light when wanted", dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)")
    dark.page.reload()
    dark.see(".log .line")
    that("and so it stays", dark.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 247, 249)")
    dark.close()
    phone = Browser(playwright, daemon, folder)
    phone.page.set_viewport_size({"width": 390, "height": 844})
    for name, path, wait in (("home", "", "tr[data-dag=alpr_daily]"), ("grid", "#/dags/alpr_daily", ".grid .cell[data-state=success]"),
                             ("graph", "#/dags/alpr_daily/graph", ".graph .node"), ("run", f"#/dags/html/runs/{quoted(run)}", ".log .line"),
                             ("lake", "#/lake", ".counts .fill"), ("table", "#/lake/lakestorage%2Fplate?day=2022-05-02", "table[aria-label=rows]"),
                             ("backfills", "#/dags/mend/backfills", "table[aria-label=backfills]"), ("admin", "#/admin", "dl.facts")):
        phone.go(path, wait)
        phone.rest()
        phone.fits(f"{name} on a phone")
        phone.shot(f"{name}-phone")
    phone.close()


def roles(playwright, daemon, weir, folder):
    """From the first user on people sign in, and see what they may do."""
    def run(*words, given=None):
        done = subprocess.run([weir, *words], capture_output=True, text=True, input=given)
        that(" ".join(words), done.returncode == 0, done.stderr)

    for name, role in (("ada", "admin"), ("otto", "operator"), ("vera", "viewer")):
        run("user", "add", name, "--role", role, "--password-stdin", given=PASSWORD + "\n")
    browser = Browser(playwright, daemon, folder)
    page = browser.page
    for name in ("vera", "otto"):
        browser.go("", "form.sign-in")
        if name == "vera":
            browser.sound("signing in")
            browser.shot("sign-in")
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill("wrong")
            page.get_by_role("button", name="Sign in").click()
            expect(page.locator(".problem")).to_have_text("the name or the password is wrong, or the user is disabled")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        browser.see("tr[data-dag=slow]")
        can_change = name == "otto"
        that(f"{name} and starting a run", (page.get_by_role("button", name="start a run of slow").count() == 1) == can_change)
        browser.go("#/dags/mend", ".grid .cell")
        that(f"{name} and pausing", (page.get_by_role("button", name="Pause").count() == 1) == can_change)
        page.locator(".grid .column a").nth(1).click()
        browser.see(".log .line")
        that(f"{name} and clearing", (page.get_by_role("button", name="Run again", exact=True).count() == 1) == can_change)
        browser.go("#/admin/pools", "h2:has-text('Pools')")
        that(f"{name} and pools", page.get_by_role("button", name="New pool").count() == 0)
        that(f"{name} and the audit", page.get_by_role("link", name="Audit").count() == 0)
        if can_change:
            browser.go("#/", "tr[data-dag=slow]")
            page.get_by_role("button", name="pause slow").click()
            expect(page.locator("tr[data-dag=slow]")).to_contain_text("paused")
            page.get_by_role("button", name="let go on slow").click()
            expect(page.locator("tr[data-dag=slow]")).not_to_contain_text("paused")
        page.get_by_role("button", name="Sign out").click()
        browser.see("form.sign-in")
    # Users and tokens, by an admin.
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    browser.see("tr[data-dag=slow]")
    browser.go("#/admin/users", "table[aria-label=users]")
    page.get_by_role("button", name="New user").click()
    page.get_by_label("Name").fill("nina")
    page.get_by_label("Password").fill("short")
    page.locator("dialog").get_by_role("button", name="Make").click()
    expect(page.locator("dialog .problem")).to_contain_text("10")
    page.get_by_label("Password").fill("long enough to be one")
    page.locator("dialog").get_by_role("button", name="Make").click()
    expect(page.locator("table[aria-label=users]")).to_contain_text("nina")
    page.locator("tr", has_text="nina").get_by_role("button", name="Remove").click()
    page.locator("dialog").get_by_role("button", name="Remove").click()
    expect(page.locator("table[aria-label=users]")).not_to_contain_text("nina")
    browser.sound("the users")
    browser.shot("users")
    # What a command does is there at once, and the keyboard stays where it was.
    page.locator("tr", has_text="vera").get_by_role("button", name="Password").focus()
    run("user", "role", "otto", "viewer")
    expect(page.locator("tr", has_text="otto")).to_contain_text("viewer")
    that("the focus stays", page.evaluate("document.activeElement.textContent + document.activeElement.closest('tr').textContent").startswith("Passwordvera"),
         page.evaluate("document.activeElement.outerHTML"))
    run("user", "role", "otto", "operator")
    browser.go("#/admin/audit", "table[aria-label='audit of users and tokens']")
    run("pause", "mend")
    expect(page.locator("table[aria-label=audit] tbody tr").first).to_contain_text("mend")
    run("unpause", "mend")
    browser.go("#/admin/tokens", "h2:has-text('API tokens')")
    run("token", "create", "ada", "--name", "made elsewhere")
    expect(page.locator("table[aria-label=tokens]")).to_contain_text("made elsewhere")
    page.locator("tr", has_text="made elsewhere").get_by_role("button", name="Revoke").click()
    page.locator("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator("main")).to_contain_text("There is no token.")
    page.get_by_role("button", name="New token").click()
    page.get_by_label("Name").fill("for a program")
    page.locator("dialog select").select_option("operator")
    page.locator("dialog").get_by_role("button", name="Make").click()
    token = page.locator("#new-token").inner_text()
    that("the token works", daemon.ask("GET", "/api/v1/session", headers={"Authorization": "Bearer " + token})[2]["role"] == "operator")
    browser.sound("the tokens")
    page.get_by_role("button", name="Revoke").click()
    page.locator("dialog").get_by_role("button", name="Revoke").click()
    expect(page.locator("main")).to_contain_text("There is no token.")
    that("and no longer", daemon.ask("GET", "/api/v1/session", headers={"Authorization": "Bearer " + token})[0] == 401)
    page.get_by_role("button", name="Sign out").click()
    browser.see("form.sign-in")
    # A session that ends while somebody looks.
    browser.go("#/", "form.sign-in")
    page.get_by_label("Name").fill("vera")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    browser.see("tr[data-dag=slow]")
    run("user", "disable", "vera")
    page.get_by_role("link", name="mend", exact=True).click()
    browser.see("form.sign-in")
    browser.close()


def restarts(playwright, home, weir, daemon):
    """The daemon goes away and comes back; the page says so and goes on by itself."""
    browser = Browser(playwright, daemon)
    browser.go("", "tr[data-dag=slow]")
    expect(browser.page.locator("#live")).to_have_text("live")
    port = daemon.port
    that("it stops in good order", daemon.stop() == 0)
    expect(browser.page.locator("#live")).to_have_text("not connected")
    again = Daemon(home, weir, "--listen", f"127.0.0.1:{port}")
    again.ask("POST", "/api/v1/dags/html/pause", {})
    expect(browser.page.locator("#live")).to_have_text("live", timeout=20000)
    expect(browser.page.locator("tr[data-dag=html]")).to_contain_text("paused")
    browser.close()
    return again


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    parser.add_argument("--screenshots", type=pathlib.Path, help="a folder for pictures of what was seen")
    arguments = parser.parse_args()
    if arguments.screenshots:
        arguments.screenshots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weir-page-", ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        home = pathlib.Path(folder)
        shutil.copytree(ROOT / "dags", home / "dags")
        dags(home)
        live.lake(home, arguments.weir, days=3)
        daemon = Daemon(home, arguments.weir)
        policy = daemon.ask("GET", "/")[1]["Content-Security-Policy"]
        that("a strict policy", "default-src 'none'" in policy and "unsafe" not in policy, policy)
        try:
            browser = Browser(playwright, daemon, arguments.screenshots)
            the_story(browser, home)
            texts(browser)
            actions(browser, home)
            backfilling(browser)
            views(browser)
            the_lake(browser, arguments.weir)
            the_quality(browser)
            pools(browser)
            arrivals(browser, home)
            what_is_wrong(browser, home)
            browser.close()
            many_pages(playwright, daemon)
            other_screens(playwright, daemon, arguments.screenshots)
            daemon = restarts(playwright, home, arguments.weir, daemon)
            roles(playwright, daemon, arguments.weir, arguments.screenshots)
        finally:
            that("it stops in good order", daemon.stop() == 0)
    passed, failed = live.counted.values()
    print(f"the page: {passed} checks passed" + (f", {failed} failed" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
