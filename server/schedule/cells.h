/* cells.h - the cells of a wish: every combination, without what cannot be or need not be measured.
 *
 * Threads: any. Blocks on the store. */
#ifndef TIDE_SCHEDULE_CELLS_H
#define TIDE_SCHEDULE_CELLS_H

#include "schedule/wish.h"

/* Fill in the cells of *w, whose other lists stand, for the field `allocators` of the request; what
 * is left out is told in w->left_out. INVALID names the field. */
TIDE_CHECK enum tide_rc tide_cells_make(struct tide_store *store, const json_t *request,
                                        struct tide_wish *w, struct tide_error *e);

#endif
