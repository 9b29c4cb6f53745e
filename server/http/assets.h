/* assets.h - the dashboard's files, embedded by cmake/Assets.cmake. Read-only, valid for ever. */
#ifndef TIDE_HTTP_ASSETS_H
#define TIDE_HTTP_ASSETS_H

struct tide_asset {
    const char *path; /* of the URL; NULL ends the table */
    const char *type; /* media type */
    const unsigned char *plain, *plain_end;
    const unsigned char *packed, *packed_end; /* gzip */
};

extern const struct tide_asset tide_assets[];

#endif
