#include "src/base/arena.h"

#include <assert.h>
#include <stdint.h>

void *rins_arena_push(RinsArena *arena, size_t bytes) {
    const bool planning = arena->base == NULL;
    const size_t most = (size_t)PTRDIFF_MAX / 2; /* of any plan: sums of sizes and fake addresses cannot wrap */
    const size_t need = bytes > most ? SIZE_MAX : (bytes + RINS_ALIGN - 1) / RINS_ALIGN * RINS_ALIGN;
    const size_t loan_end = arena->loan_at + arena->loan_size;
    if (arena->loan && arena->used < loan_end) {
        if (need <= loan_end - arena->used) {
            char *lent = arena->loan + (arena->used - arena->loan_at);
            arena->used += need;
            return lent;
        }
        arena->used = loan_end; /* what is left of the loan is too small */
    }
    const size_t own = arena->used - arena->loan_size;
    if (need > (planning ? most : arena->size) - own) {
        arena->overflow = true;
        return NULL;
    }
    /* Planning starts at a non-zero fake address, so that a view into it is never mistaken for "absent". */
    char *at = (planning ? (char *)(uintptr_t)(1u << 20) : arena->base) + own;
    arena->used += need;
    if (own + need > arena->peak) arena->peak = own + need;
    return at;
}

void rins_arena_release(RinsArena *arena, size_t mark) {
    assert(mark <= arena->used && mark >= arena->loan_at);
    arena->used = mark;
}

void rins_arena_lend(RinsArena *arena, void *memory, size_t bytes) {
    assert(!arena->loan);
    if (!memory) return;
    arena->loan = memory;
    arena->loan_at = arena->used;
    arena->loan_size = bytes / RINS_ALIGN * RINS_ALIGN;
}

void rins_arena_end_loan(RinsArena *arena) {
    assert(!arena->loan || arena->used == arena->loan_at);
    arena->loan = NULL;
    arena->loan_at = arena->loan_size = 0;
}
