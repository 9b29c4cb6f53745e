/* metrics.c - GET /metrics: OpenMetrics 1.0 text (github.com/OpenObservability/OpenMetrics), which
 * Prometheus reads. A family is its TYPE, UNIT and HELP lines and its samples, together. */
#include "http/internal.h"

#include "http/latency.h"
#include "store/gauges.h"

#include <stdio.h>
#include <unistd.h>

static void family(struct tide_str *out, const char *name, const char *type, const char *unit,
                   const char *help)
{
    tide_str_printf(out, "# TYPE %s %s\n", name, type);
    if (*unit) tide_str_printf(out, "# UNIT %s %s\n", name, unit);
    tide_str_printf(out, "# HELP %s %s\n", name, help);
}

static void gauge(struct tide_str *out, const char *name, const char *unit, const char *help,
                  int64_t value)
{
    family(out, name, "gauge", unit, help);
    tide_str_printf(out, "%s %lld\n", name, (long long)value);
}

static int64_t resident_bytes(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*s %lld", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void put_store(const struct tide_gauges *g, struct tide_str *out)
{
    family(out, "tidemark_runs", "gauge", "", "Runs on record by status.");
    for (size_t i = 0; i < TIDE_GAUGE_STATES; i++)
        tide_str_printf(out, "tidemark_runs{status=\"%s\"} %lld\n", tide_gauge_states[i],
                        (long long)g->runs[i]);
    gauge(out, "tidemark_queue_depth", "", "Runs that have not ended.",
          g->runs[0] + g->runs[1] + g->runs[2]);
    gauge(out, "tidemark_batches", "", "Batches on record.", g->batches);
    gauge(out, "tidemark_cells", "", "Cells on record.", g->cells);
    family(out, "tidemark_builds", "gauge", "", "Builds on record that have ended, by status.");
    tide_str_printf(out, "tidemark_builds{status=\"done\"} %lld\n", (long long)g->builds_done);
    tide_str_printf(out, "tidemark_builds{status=\"failed\"} %lld\n", (long long)g->builds_failed);
    gauge(out, "tidemark_store_bytes", "bytes", "Size of the database without its log.", g->bytes);
}

static enum tide_rc put_builds(struct tide_store *s, struct tide_str *out, struct tide_error *e)
{
    static const double bounds[] = {1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000};
    int64_t counts[sizeof bounds / sizeof *bounds], all;
    size_t n = sizeof bounds / sizeof *bounds;
    double seconds;
    enum tide_rc rc = tide_store_build_times(s, bounds, n, counts, &all, &seconds, e);
    if (rc) return rc;
    family(out, "tidemark_build_seconds", "histogram", "seconds", "How long builds took.");
    for (size_t i = 0; i < n; i++)
        tide_str_printf(out, "tidemark_build_seconds_bucket{le=\"%.1f\"} %lld\n", bounds[i],
                        (long long)counts[i]);
    tide_str_printf(out,
                    "tidemark_build_seconds_bucket{le=\"+Inf\"} %lld\n"
                    "tidemark_build_seconds_count %lld\ntidemark_build_seconds_sum %.6f\n",
                    (long long)all, (long long)all, seconds);
    return TIDE_OK;
}

void tide_get_metrics_text(struct tide_request *r, int64_t id, const char *name)
{
    struct tide_http *h = r->http;
    struct tide_str *out = &r->answer;
    struct tide_gauges gauges;
    struct tide_error e;
    (void)id;
    (void)name;
    r->type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    family(out, "tidemark", "info", "", "The program.");
    tide_str_printf(out, "tidemark_info{version=\"%s\"} 1\n", TIDEMARK_VERSION);
    enum tide_rc rc = tide_store_gauges(h->config.store, &gauges, &e);
    if (!rc) put_store(&gauges, out);
    if (!rc) rc = put_builds(h->config.store, out, &e);
    if (rc) {
        tide_answer_error(r, &e);
        return;
    }
    pthread_mutex_lock(&h->lock);
    unsigned streams = h->n_streams;
    pthread_mutex_unlock(&h->lock);
    gauge(out, "tidemark_streams", "", "Event streams that are open.", streams);
    gauge(out, "tidemark_resident_bytes", "bytes", "RSS of the daemon.", resident_bytes());
    family(out, "tidemark_http_request_seconds", "histogram", "seconds",
           "From the head of a request to the end of its answer; event streams are left out.");
    tide_latency_put(h->latency, "tidemark_http_request_seconds", out);
    tide_str_put(out, "# EOF\n");
}
