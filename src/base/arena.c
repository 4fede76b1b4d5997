#include "src/base/arena.h"

#include <assert.h>
#include <stdint.h>

void *rins_arena_push(RinsArena *arena, size_t bytes) {
    const bool planning = arena->base == NULL;
    const size_t most = (size_t)PTRDIFF_MAX / 2; /* of any plan: sums of sizes and fake addresses cannot wrap */
    const size_t room = (planning ? most : arena->size) - arena->used;
    const size_t need = bytes > most ? SIZE_MAX : (bytes + RINS_ALIGN - 1) / RINS_ALIGN * RINS_ALIGN;
    if (need > room) {
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
