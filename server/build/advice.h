/* advice.h - what to do about a build that failed for want of a tool of packaging. */
#ifndef TIDE_BUILD_ADVICE_H
#define TIDE_BUILD_ADVICE_H

#include "build/pythons.h"

/* Append to *e, whose text is the line that says why a build failed, what to install where it names
 * a module that the python does not have. Nothing where it does not. */
void tide_advice_add(const struct tide_python *python, struct tide_error *e);

#endif
