/* openapi_test.c - the router and its description (docs/openapi/) have the same routes, and tokens
 * need the scopes that it says. */
#include "base/testing.h"
#include "http/assets.h"
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const methods[] = {"get", "post", "patch", "delete"};

static json_t *document(void)
{
    for (const struct tide_asset *a = tide_assets; a->path; a++)
        if (!strcmp(a->path, "/api/v1/openapi.json")) {
            json_t *all =
                json_loadb((const char *)a->plain, (size_t)(a->plain_end - a->plain), 0, NULL);
            assert_non_null(all);
            return all;
        }
    fail_msg("the document is not embedded");
    return NULL;
}

static const char *scope_name(unsigned scope)
{
    switch (scope) {
    case TIDE_SCOPE_READ: return "read";
    case TIDE_SCOPE_TRIGGER: return "trigger";
    case TIDE_SCOPE_UPLOAD: return "upload";
    case TIDE_SCOPE_ADMIN: return "admin";
    default: return "";
    }
}

static const json_t *operation(const json_t *all, const struct tide_route *route)
{
    char method[8] = "";
    for (size_t i = 0; route->method[i]; i++)
        method[i] = (char)(route->method[i] | 32);
    const json_t *path = json_object_get(json_object_get(all, "paths"), route->path);
    return json_object_get(path, method);
}

static void test_every_route_is_described(void **state)
{
    (void)state;
    json_t *all = document();
    for (const struct tide_route *route = tide_routes; route->path; route++) {
        const json_t *found = operation(all, route);
        if (!found) fail_msg("docs/openapi/ lacks %s %s", route->method, route->path);
        const json_t *first = json_array_get(json_object_get(found, "security"), 0);
        const json_t *scope = json_array_get(json_object_get(first, "token"), 0);
        const char *said = scope ? json_string_value(scope) : "";
        if (strcmp(said, scope_name(route->scope)) != 0)
            fail_msg("%s %s needs the scope \"%s\", docs/openapi/ says \"%s\"", route->method,
                     route->path, scope_name(route->scope), said);
    }
    json_decref(all);
}

static bool is_routed(const char *method, const char *path)
{
    for (const struct tide_route *route = tide_routes; route->path; route++)
        if (!strcasecmp(route->method, method) && !strcmp(route->path, path)) return true;
    return false;
}

static void test_nothing_else_is_described(void **state)
{
    (void)state;
    json_t *all = document(), *path;
    const char *name;
    json_object_foreach(json_object_get(all, "paths"), name, path)
    {
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
            if (json_object_get(path, methods[i]) && !is_routed(methods[i], name))
                fail_msg("docs/openapi/ describes %s %s, which is no route", methods[i], name);
    }
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_described),
        cmocka_unit_test(test_nothing_else_is_described),
    };
    return cmocka_run_group_tests_name("openapi", tests, NULL, NULL);
}
