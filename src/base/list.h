/* Lists that grow one element at a time, and lists of texts. */
#ifndef RINS_BASE_LIST_H
#define RINS_BASE_LIST_H

#include "src/base/status.h"

#include <stddef.h>

/* Elements that a list of n has room for: 0 for none, else a power of two, at least 4. */
size_t rins_list_room(size_t n);

/* The list with room for one more than its n elements of `width` bytes, perhaps moved; NULL where there is no memory
   (it stands as it was). Lists begin as NULL, or with room for rins_list_room(n) elements. n may have fallen since the
   last call: the room then may shrink to it. */
void *rins_list_grow(void *items, size_t n, size_t width);

typedef struct RinsStringList {
    char **items; /* malloc'd, each too */
    size_t n;
} RinsStringList;

/* Appends a copy. */
RinsStatus rins_strings_add(RinsStringList *list, const char *text);
/* Appends `text`, malloc'd, which the list owns from here even on failure; NULL: RINS_ERR_MEMORY. */
RinsStatus rins_strings_take(RinsStringList *list, char *text);
/* Those from `first` on, by bytes. */
void rins_strings_sort(RinsStringList *list, size_t first);
void rins_strings_free(RinsStringList *list);

#endif
