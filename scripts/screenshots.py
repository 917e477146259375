#!/usr/bin/env python3
"""Takes the pictures of README.md and docs/ from the demo's data, so that they show what there is: docs/images/*.png.

Usage: screenshots.py [--weir PROGRAM], after `make demo`. It needs .tools/browser and Chromium (`scripts/setup.sh verify`).
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

from live import ROOT, Daemon, quoted, rest, until

BROWSER = ROOT / ".tools/browser/bin/python"
if pathlib.Path(sys.prefix) != BROWSER.parent.parent and BROWSER.exists():
    os.execv(BROWSER, [BROWSER, *sys.argv])

from playwright.sync_api import sync_playwright  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weir", default=str(ROOT / ".build/release/weir"))
    arguments = parser.parse_args()
    demo = ROOT / "state/demo"
    if not (demo / "state/weir.db").exists():
        raise SystemExit("there is no demo: run `make demo` first")
    images = ROOT / "docs/images"
    images.mkdir(exist_ok=True)
    os.environ.setdefault("WEIR_DUCKDB", str(ROOT / ".tools/duckdb"))
    with tempfile.TemporaryDirectory(prefix="weir-pictures-", ignore_cleanup_errors=True) as folder, sync_playwright() as playwright:
        home = pathlib.Path(folder) / "home"
        shutil.copytree(demo, home, symlinks=True, ignore=shutil.ignore_patterns("weir.sock"))
        (home / "dags/export.json").write_text(json.dumps({"id": "export_to_partner", "description": "Plates of the day, to the partner's server", "tags": ["alpr"],
            "schedule": "30 6 * * *", "start": "2022-05-01", "catchup": False, "tasks": [
            {"id": "select", "kind": "command", "with": {"shell": "echo 1,674 plates selected"}},
            {"id": "upload", "kind": "command", "after": ["select"], "with": {"shell": "echo connecting to sftp.partner.example; echo 'error: permission denied (publickey)' >&2; exit 255"}},
            {"id": "confirm", "kind": "command", "after": ["upload"], "with": {"command": ["true"]}}]}))
        daemon = Daemon(home, arguments.weir)
        try:
            daemon.ask("POST", "/api/v1/dags/export_to_partner/runs", {})
            run = until("its end", lambda: next((run for run in daemon.ask("GET", "/api/v1/dags/export_to_partner/runs?state=failed")[2].get("items", [])), None))
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            for name, path, wait, scheme in (
                    ("home", "", "tr[data-dag=alpr_daily] .dot", "light"), ("grid", "#/dags/alpr_daily", ".grid .cell", "light"),
                    ("run", f"#/dags/export_to_partner/runs/{quoted(run['run_id'])}", ".log .line", "dark"),
                    ("lake", "#/lake", ".counts .fill", "light"), ("quality", "#/quality/alpr_daily", "table.checks", "light")):
                page = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme=scheme).new_page()
                quiet = rest(page)
                page.goto(f"http://127.0.0.1:{daemon.port}/{path}")
                page.locator(wait).first.wait_for()
                quiet()
                page.screenshot(path=images / f"{name}.png")
                page.context.close()
            browser.close()
        finally:
            daemon.stop()
    print("docs/images: " + ", ".join(sorted(path.name for path in images.glob("*.png"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
