#include "src/base/arena.h"

#include <assert.h>
#include <stdint.h>

void *rins_arena_push(RinsArena *arena, size_t bytes) {
    const size_t need = (bytes + RINS_ALIGN - 1) / RINS_ALIGN * RINS_ALIGN;
    const bool planning = arena->base == NULL;
    if (!planning && need > arena->size - arena->used) {
        arena->overflow = true;
        return NULL;
    }
    /* Planning starts at a non-zero fake address, so that a view into it is never mistaken for "absent". */
    char *at = (planning ? (char *)(uintptr_t)(1u << 20) : arena->base) + arena->used;
    arena->used += need;
    if (arena->used > arena->peak) arena->peak = arena->used;
    return at;
}

void rins_arena_release(RinsArena *arena, size_t mark) {
    assert(mark <= arena->used);
    arena->used = mark;
}
