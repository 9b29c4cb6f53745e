/* fetch_pythons.h - `tidemark pythons get` and `tidemark pythons remove`. argv[0] is the title; the
 * exit code is returned. */
#ifndef TIDE_FETCH_PYTHONS_H
#define TIDE_FETCH_PYTHONS_H

int tide_command_pythons_get(int argc, char **argv);
int tide_command_pythons_remove(int argc, char **argv);

#endif
