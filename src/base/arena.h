/* LIFO arena over one caller-supplied range.

       base                mark              used             peak        size
       |-- saved by steps --|-- scratch ------|                |           |

   The same code runs first on the dry device with base == NULL, where only `peak` grows, so the plan is the code
   itself: what is allocated before step one is exactly what the steps then use. */
#ifndef RINS_BASE_ARENA_H
#define RINS_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

enum { RINS_ALIGN = 64 };

typedef struct RinsArena {
    char *base;    /* NULL: planning, addresses are fake but distinct and aligned, never to be touched */
    size_t size;   /* bytes at base; ignored while planning */
    size_t used;   /* bytes from base to the top, a loan included */
    size_t peak;   /* most bytes from base ever in use */
    bool overflow; /* sticky: a push did not fit and returned NULL (a defect in the plan, or one beyond all memory) */
    char *loan;    /* memory lent by the caller, used first; NULL: none */
    size_t loan_at, loan_size; /* `used` when it was lent */
} RinsArena;

static inline void rins_arena_init(RinsArena *arena, void *base, size_t size) {
    *arena = (RinsArena){.base = base, .size = size};
}

/* Aligned to RINS_ALIGN, contents undefined. NULL only on overflow. */
void *rins_arena_push(RinsArena *arena, size_t bytes);

static inline size_t rins_arena_mark(const RinsArena *arena) {
    return arena->used;
}

/* Releases everything pushed since the mark; marks are released in reverse order. */
void rins_arena_release(RinsArena *arena, size_t mark);

/* Lends other memory (RINS_ALIGN aligned), which pushes fill before they go on at base, until it is called in again
   with everything released that was pushed since. One loan at a time. */
void rins_arena_lend(RinsArena *arena, void *memory, size_t bytes);
void rins_arena_end_loan(RinsArena *arena);

#endif
