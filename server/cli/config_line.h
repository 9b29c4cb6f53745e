/* config_line.h - where in a JSON text something stands: for messages about what is wrong with it.
 */
#ifndef TIDE_CONFIG_LINE_H
#define TIDE_CONFIG_LINE_H

/* The line, from 1, of what `subject` names: "name", name[2], "name"[2].other.more. As far as it
 * goes: of something that is not there the line of what it should stand in. `text` is valid JSON.
 * What follows the name in `subject` is ignored. */
int tide_config_line(const char *text, const char *subject);

#endif
