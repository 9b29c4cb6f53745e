/* http_constant.c - libmicrohttpd with the daemon's options, answering a constant from memory: what
 * bench/http_rates.py measures the daemon against. http_constant SIZE writes its port to standard
 * output and serves until its standard input ends. */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data, size_t *n,
                              void **request)
{
    static int seen;
    (void)path;
    (void)method;
    (void)version;
    (void)data;
    (void)n;
    if (!*request) { /* the head: answered once all is read, as the daemon does */
        *request = &seen;
        return MHD_YES;
    }
    return MHD_queue_response(connection, MHD_HTTP_OK, context);
}

int main(int argc, char **argv)
{
    long size = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    char *body = size > 0 ? malloc((size_t)size) : NULL;
    if (!body) {
        fprintf(stderr, "usage: http_constant SIZE\n");
        return 2;
    }
    memset(body, 'x', (size_t)size);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)size, body, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(response, "Content-Type", "application/json");
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0,
                         NULL, NULL, answer, response, MHD_OPTION_CONNECTION_LIMIT, 2048u,
                         MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                         (size_t)16384, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (!daemon) return 1;
    printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {}
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    return 0;
}
