/* fetch_pythons.h - `tidemark pythons get` and `tidemark pythons remove`. */
#ifndef TIDE_FETCH_PYTHONS_H
#define TIDE_FETCH_PYTHONS_H

#include "cli/commands.h"

extern const struct tide_cli tide_command_pythons_get, tide_command_pythons_remove;

#endif
