#include "cweb.h"

/* Each file of assets/, which the page asks for. */
#define ASSETS(X)                                                                                                      \
    X("index.html", index_html)                                                                                        \
    X("style.css", style_css)                                                                                          \
    X("icon.svg", icon_svg)                                                                                            \
    X("main.js", main_js)                                                                                              \
    X("dom.js", dom_js)                                                                                                \
    X("api.js", api_js)                                                                                                \
    X("stream.js", stream_js)                                                                                          \
    X("worker.js", worker_js)                                                                                          \
    X("time.js", time_js)                                                                                              \
    X("parts.js", parts_js)                                                                                            \
    X("actions.js", actions_js)                                                                                        \
    X("home.js", home_js)                                                                                              \
    X("dag.js", dag_js)                                                                                                \
    X("grid.js", grid_js)                                                                                              \
    X("graph.js", graph_js)                                                                                            \
    X("history.js", history_js)                                                                                        \
    X("backfills.js", backfills_js)                                                                                    \
    X("run.js", run_js)                                                                                                \
    X("tasks.js", tasks_js)                                                                                            \
    X("log.js", log_js)                                                                                                \
    X("lake.js", lake_js)                                                                                              \
    X("quality.js", quality_js)                                                                                        \
    X("admin.js", admin_js)

static const unsigned char index_html[] = {
#embed "assets/index.html"
};
static const unsigned char style_css[] = {
#embed "assets/style.css"
};
static const unsigned char icon_svg[] = {
#embed "assets/icon.svg"
};
static const unsigned char main_js[] = {
#embed "assets/main.js"
};
static const unsigned char dom_js[] = {
#embed "assets/dom.js"
};
static const unsigned char api_js[] = {
#embed "assets/api.js"
};
static const unsigned char stream_js[] = {
#embed "assets/stream.js"
};
static const unsigned char worker_js[] = {
#embed "assets/worker.js"
};
static const unsigned char time_js[] = {
#embed "assets/time.js"
};
static const unsigned char parts_js[] = {
#embed "assets/parts.js"
};
static const unsigned char actions_js[] = {
#embed "assets/actions.js"
};
static const unsigned char home_js[] = {
#embed "assets/home.js"
};
static const unsigned char dag_js[] = {
#embed "assets/dag.js"
};
static const unsigned char grid_js[] = {
#embed "assets/grid.js"
};
static const unsigned char graph_js[] = {
#embed "assets/graph.js"
};
static const unsigned char history_js[] = {
#embed "assets/history.js"
};
static const unsigned char backfills_js[] = {
#embed "assets/backfills.js"
};
static const unsigned char run_js[] = {
#embed "assets/run.js"
};
static const unsigned char tasks_js[] = {
#embed "assets/tasks.js"
};
static const unsigned char log_js[] = {
#embed "assets/log.js"
};
static const unsigned char lake_js[] = {
#embed "assets/lake.js"
};
static const unsigned char quality_js[] = {
#embed "assets/quality.js"
};
static const unsigned char admin_js[] = {
#embed "assets/admin.js"
};

#define ENTRY(name, bytes) {name, bytes, sizeof bytes},
static const struct weir_asset assets[] = {ASSETS(ENTRY)};

size_t weir_asset_count(void) { return sizeof assets / sizeof assets[0]; }

const struct weir_asset *weir_asset_at(size_t index) { return index < weir_asset_count() ? &assets[index] : NULL; }
