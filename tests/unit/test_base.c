/* The foundations: randomness is frozen, errors keep their text, the arena plans what it later gives. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/arena.h"
#include "src/base/file.h"
#include "src/base/list.h"
#include "src/base/rng.h"
#include "src/base/status.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Known answers of Random123's kat_vectors for philox4x32-10. */
static void philox_matches_published_vectors(void **state) {
    (void)state;
    static const uint32_t cases[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
         0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420,
         0x24126ea1},
    };
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        rins_philox(cases[i], cases[i] + 4, out);
        assert_memory_equal(out, cases[i] + 6, sizeof out);
    }
}

static void permutation_is_a_bijection(void **state) {
    (void)state;
    for (uint64_t n = 1; n < 300; n += 7) {
        unsigned char seen[300] = {0};
        for (uint64_t i = 0; i < n; i++) {
            const uint64_t at = rins_permute(i, n, 3, 5);
            assert_true(at < n && !seen[at]);
            seen[at] = 1;
        }
    }
}

static void arena_plan_equals_use(void **state) {
    (void)state;
    static _Alignas(64) char memory[4096];
    RinsArena plan, real;
    rins_arena_init(&plan, NULL, 0);
    rins_arena_init(&real, memory, sizeof memory);
    RinsArena *both[2] = {&plan, &real};
    for (int i = 0; i < 2; i++) {
        assert_non_null(rins_arena_push(both[i], 100));
        const size_t mark = rins_arena_mark(both[i]);
        assert_non_null(rins_arena_push(both[i], 1000));
        rins_arena_release(both[i], mark);
        assert_non_null(rins_arena_push(both[i], 1));
    }
    assert_int_equal(plan.peak, real.peak);
    assert_int_equal(plan.peak, 128 + 1024);
    assert_null(rins_arena_push(&real, 4096));
    assert_true(real.overflow);
}

static void arena_fills_a_loan_first(void **state) {
    (void)state;
    static char memory[4096] __attribute__((aligned(64))), lent[1024] __attribute__((aligned(64)));
    RinsArena arena;
    rins_arena_init(&arena, memory, sizeof memory);
    assert_ptr_equal(rins_arena_push(&arena, 128), memory);
    const size_t begin = rins_arena_mark(&arena);
    rins_arena_lend(&arena, lent, sizeof lent);
    assert_ptr_equal(rins_arena_push(&arena, 640), lent);
    const size_t mark = rins_arena_mark(&arena);
    assert_ptr_equal(rins_arena_push(&arena, 640), memory + 128); /* does not fit: goes on in its own */
    assert_ptr_equal(rins_arena_push(&arena, 64), memory + 768);
    rins_arena_release(&arena, mark);
    assert_ptr_equal(rins_arena_push(&arena, 384), lent + 640);
    assert_ptr_equal(rins_arena_push(&arena, 64), memory + 128);
    assert_null(rins_arena_push(&arena, 4096));
    rins_arena_release(&arena, begin);
    rins_arena_end_loan(&arena);
    assert_ptr_equal(rins_arena_push(&arena, 64), memory + 128);
    assert_int_equal(arena.peak, 832);
}

static void arena_plans_cannot_wrap(void **state) {
    (void)state;
    RinsArena plan;
    rins_arena_init(&plan, NULL, 0);
    assert_null(rins_arena_push(&plan, SIZE_MAX));
    assert_true(plan.overflow);
    rins_arena_init(&plan, NULL, 0);
    for (int i = 0; i < 8; i++) rins_arena_push(&plan, SIZE_MAX / 5);
    assert_true(plan.overflow);
    assert_true(plan.peak <= SIZE_MAX / 4);
}

static void a_directory_needs_a_name(void **state) {
    (void)state;
    assert_int_equal(rins_mkdirs(""), RINS_ERR_ARG);
}

static void paths_are_resolved_before_they_are_there(void **state) {
    (void)state;
    char top[] = "/tmp/rins-resolve-XXXXXX", text[256];
    assert_non_null(mkdtemp(top));
    snprintf(text, sizeof text, "%s/folder", top);
    assert_int_equal(rins_mkdirs(text), RINS_OK);
    snprintf(text, sizeof text, "%s/link", top);
    assert_int_equal(symlink("folder", text), 0);
    char *real = realpath(top, NULL);
    static const char *const cases[][2] = {
        {"", ""},
        {"/.", ""},
        {"/folder//", "/folder"},
        {"/link", "/folder"},
        {"/new", "/new"},
        {"//./new/.", "/new"},
        {"/link/new", "/folder/new"},
        {"/link/../new//file", "/new/file"},
        {"/a/b/c", "/a/b/c"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char wanted[256];
        snprintf(text, sizeof text, "%s%s", top, cases[i][0]);
        snprintf(wanted, sizeof wanted, "%s%s", real, cases[i][1]);
        char *resolved = rins_path_resolve(text);
        assert_non_null(resolved);
        assert_string_equal(resolved, wanted);
        free(resolved);
    }
    char *root = rins_path_resolve("/"), *here = rins_path_resolve(""), *cwd = realpath(".", NULL);
    assert_string_equal(root, "/");
    assert_string_equal(here, cwd);
    char *file = rins_path_resolve("not there"), *slash = strrchr(file, '/');
    assert_string_equal(slash, "/not there");
    *slash = 0;
    assert_string_equal(file, cwd);
    const char *name;
    char *folder = rins_path_split("/not there", &name);
    assert_string_equal(folder, "/");
    assert_string_equal(name, "not there");
    free(folder);
    snprintf(text, sizeof text, "%s/link/new", top);
    folder = rins_path_split(text, &name);
    assert_true(rins_path_lies_in(text, folder) && !rins_path_lies_in(text, top));
    assert_string_equal(name, "new");
    assert_string_equal(strrchr(folder, '/'), "/folder");
    free(folder);
    free(root), free(here), free(cwd), free(file), free(real);
    assert_int_equal(rins_remove_tree(top), RINS_OK);
}

/* /dev/null, /dev/stdout and what a shell puts for >(...) are written to, never replaced; so is what a link leads to. */
static void outputs_replace_files_alone(void **state) {
    (void)state;
    char dir[] = "/tmp/rins-base-XXXXXX", text[8] = {0}, *read_back;
    struct stat info;
    size_t size;
    assert_non_null(mkdtemp(dir));
    char *pipe = rins_path_join(dir, "pipe"), *link = rins_path_join(dir, "link"), *file = rins_path_join(dir, "file");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    const int fd = open(pipe, O_RDONLY | O_NONBLOCK);
    assert_int_equal(rins_output_check(pipe, false), RINS_OK);
    if (rins_file_write(pipe, "through", 7) != RINS_OK) fail_msg("%s", rins_last_error());
    assert_int_equal(stat(pipe, &info), 0);
    if (!S_ISFIFO(info.st_mode)) fail_msg("the pipe was replaced");
    assert_int_equal(read(fd, text, 7), 7);
    assert_string_equal(text, "through");
    close(fd);
    assert_int_equal(rins_file_write(file, "old", 3), RINS_OK);
    assert_int_equal(symlink("file", link), 0);
    assert_int_equal(rins_output_check(link, false), RINS_OK);
    assert_int_equal(rins_file_write(link, "new", 3), RINS_OK);
    assert_int_equal(lstat(link, &info), 0);
    if (!S_ISLNK(info.st_mode)) fail_msg("the link was replaced");
    assert_int_equal(rins_file_read(file, 0, &read_back, &size), RINS_OK);
    assert_string_equal(read_back, "new");
    free(read_back), free(pipe), free(link), free(file);
    assert_int_equal(rins_remove_tree(dir), RINS_OK);
}

static void lists_grow_one_by_one(void **state) {
    (void)state;
    assert_int_equal(rins_list_room(0), 0);
    assert_int_equal(rins_list_room(1), 4);
    assert_int_equal(rins_list_room(4), 4);
    assert_int_equal(rins_list_room(5), 8);
    /* One begun empty, and one with elements that were there before: sanitizers see a write beyond their room. */
    for (size_t before = 0; before < 10; before += 3) {
        size_t n = before, *list = n ? calloc(rins_list_room(n), sizeof *list) : NULL;
        for (; n < 300; n++) {
            list = rins_list_grow(list, n, sizeof *list);
            assert_non_null(list);
            list[n] = n;
        }
        for (size_t i = before; i < n; i++) assert_int_equal(list[i], i);
        free(list);
    }
}

static void texts_of_a_list_are_its_own(void **state) {
    (void)state;
    RinsStringList list = {0};
    char text[] = "b";
    assert_int_equal(rins_strings_add(&list, "z"), RINS_OK);
    assert_int_equal(rins_strings_add(&list, text), RINS_OK);
    assert_int_equal(rins_strings_take(&list, strdup("a")), RINS_OK);
    text[0] = 'x';
    assert_int_equal(rins_strings_take(&list, NULL), RINS_ERR_MEMORY);
    rins_strings_sort(&list, 1);
    assert_int_equal(list.n, 3);
    assert_string_equal(list.items[0], "z");
    assert_string_equal(list.items[1], "a");
    assert_string_equal(list.items[2], "b");
    rins_strings_sort(&list, 3);
    rins_strings_free(&list);
    assert_null(list.items);
    rins_strings_sort(&list, 0);
}

static void errors_keep_their_text(void **state) {
    (void)state;
    assert_int_equal(RINS_FAIL(RINS_ERR_IO, "cannot open '%s'", "x"), RINS_ERR_IO);
    assert_string_equal(rins_last_error(), "cannot open 'x'");
    assert_int_equal(rins_fail_context(RINS_ERR_IO, "config"), RINS_ERR_IO);
    assert_string_equal(rins_last_error(), "config: cannot open 'x'");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_matches_published_vectors),
        cmocka_unit_test(permutation_is_a_bijection),
        cmocka_unit_test(arena_plan_equals_use),
        cmocka_unit_test(arena_fills_a_loan_first),
        cmocka_unit_test(arena_plans_cannot_wrap),
        cmocka_unit_test(a_directory_needs_a_name),
        cmocka_unit_test(paths_are_resolved_before_they_are_there),
        cmocka_unit_test(outputs_replace_files_alone),
        cmocka_unit_test(lists_grow_one_by_one),
        cmocka_unit_test(texts_of_a_list_are_its_own),
        cmocka_unit_test(errors_keep_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
