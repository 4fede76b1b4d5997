#include "src/base/list.h"

#include <stdlib.h>
#include <string.h>

size_t rins_list_room(size_t n) {
    size_t room = n ? 4 : 0;
    while (room < n) room *= 2;
    return room;
}

void *rins_list_grow(void *items, size_t n, size_t width) {
    return n < rins_list_room(n) ? items : realloc(items, rins_list_room(n + 1) * width);
}

RinsStatus rins_strings_add(RinsStringList *list, const char *text) {
    return rins_strings_take(list, strdup(text));
}

RinsStatus rins_strings_take(RinsStringList *list, char *text) {
    char **items = text ? rins_list_grow(list->items, list->n, sizeof *items) : NULL;
    if (!items) {
        free(text);
        return RINS_FAIL(RINS_ERR_MEMORY, "no memory for text %zu of a list", list->n + 1);
    }
    list->items = items;
    items[list->n++] = text;
    return RINS_OK;
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void rins_strings_sort(RinsStringList *list, size_t first) {
    if (list->n > first) qsort(list->items + first, list->n - first, sizeof *list->items, by_bytes);
}

void rins_strings_free(RinsStringList *list) {
    for (size_t i = 0; i < list->n; i++) free(list->items[i]);
    free(list->items);
    *list = (RinsStringList){0};
}
