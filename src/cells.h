/* How one compiled module hands a kernel of another the cells of file after file. */
#ifndef FASTPIX_CELLS_H
#define FASTPIX_CELLS_H

#include <stddef.h>
#include <stdint.h>

#define FASTPIX_CELLS "fastpix.cells" /* name of the capsule */

typedef struct {
    const uint8_t *(*next)(void *state, ptrdiff_t k); /* of file k, valid until the next call */
    void *state;
} fastpix_cells;

#endif
