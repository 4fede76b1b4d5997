/* safetensors: what is written is read back, same input gives the same bytes, and damaged files are
   refused in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/model/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/rins-safetensors-XXXXXX";
static char path[64], other[64];

static int make_dir(void **state) {
    (void)state;
    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/a.safetensors", dir);
    snprintf(other, sizeof other, "%s/b.safetensors", dir);
    return 0;
}

static int drop_dir(void **state) {
    (void)state;
    return rins_remove_tree(dir);
}

static const float weights[6] = {1, -2.5f, 3e-40f, INFINITY, 0, -0.0f};
static const int32_t ids[3] = {7, -1, 2147483647};

static void write_sample(const char *to) {
    const RinsStTensor list[] = {{.name = "z.weight", .type = RINS_ST_F32, .ndim = 2, .shape = {2, 3}},
                                 {.name = "a.ids", .type = RINS_ST_I32, .ndim = 1, .shape = {3}},
                                 {.name = "empty", .type = RINS_ST_F32, .ndim = 2, .shape = {0, 5}},
                                 {.name = "scalar", .type = RINS_ST_F64}};
    const RinsStMeta meta[] = {{"format", "pt"}};
    const double pi = 3.25;
    RinsStWriter writer;
    assert_int_equal(rins_st_writer_open(&writer, to, list, 4, meta, 1), RINS_OK);
    rins_st_writer_put(&writer, weights, sizeof weights);
    rins_st_writer_put(&writer, ids, sizeof ids);
    rins_st_writer_put(&writer, &pi, sizeof pi);
    assert_int_equal(rins_st_writer_commit(&writer), RINS_OK);
}

static void written_is_read_back(void **state) {
    (void)state;
    RinsSafetensors st;
    write_sample(path);
    assert_int_equal(rins_safetensors_open(&st, path), RINS_OK);
    assert_int_equal(st.n, 4);
    assert_string_equal(rins_safetensors_metadata(&st, "format"), "pt");
    assert_null(rins_safetensors_metadata(&st, "other"));
    assert_null(rins_safetensors_find(&st, "absent"));
    const RinsStTensor *t = rins_safetensors_find(&st, "z.weight");
    assert_non_null(t);
    assert_int_equal(t->ndim, 2);
    assert_int_equal(t->shape[1], 3);
    float out[6];
    assert_int_equal(rins_st_to_f32(t, out), RINS_OK);
    assert_memory_equal(out, weights, sizeof out);
    t = rins_safetensors_find(&st, "scalar");
    assert_int_equal(t->count, 1);
    assert_int_equal(rins_st_to_f32(t, out), RINS_OK);
    assert_true(out[0] == 3.25f);
    t = rins_safetensors_find(&st, "a.ids");
    assert_memory_equal(t->data, ids, sizeof ids);
    assert_int_equal(rins_st_to_f32(t, out), RINS_ERR_UNSUPPORTED);
    assert_int_equal(rins_safetensors_find(&st, "empty")->count, 0);
    rins_safetensors_close(&st);
}

static void same_tensors_same_bytes(void **state) {
    (void)state;
    char *a, *b;
    size_t n, m;
    write_sample(path);
    write_sample(other);
    assert_int_equal(rins_file_read(path, 0, &a, &n), RINS_OK);
    assert_int_equal(rins_file_read(other, 0, &b, &m), RINS_OK);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    assert_int_equal((unsigned char)a[0] % 8, 0); /* data starts aligned */
    free(a);
    free(b);
}

static void unfinished_files_do_not_appear(void **state) {
    (void)state;
    const RinsStTensor one = {.name = "x", .type = RINS_ST_F32, .ndim = 1, .shape = {2}};
    RinsStWriter writer;
    unlink(path);
    assert_int_equal(rins_st_writer_open(&writer, path, &one, 1, NULL, 0), RINS_OK);
    rins_st_writer_put(&writer, weights, 4);
    assert_int_equal(rins_st_writer_commit(&writer), RINS_ERR_INTERNAL);
    assert_false(rins_path_is_file(path));
}

/* Every half value against the definition of its format. */
static void sixteen_bit_types_are_exact(void **state) {
    (void)state;
    for (uint32_t half = 0; half < 65536; half++) {
        const uint8_t bytes[2] = {(uint8_t)half, (uint8_t)(half >> 8)};
        RinsStTensor t = {.name = "x", .type = RINS_ST_F16, .count = 1, .data = bytes, .bytes = 2};
        const int exponent = (int)(half >> 10 & 31), fraction = (int)(half & 1023);
        double want = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
        if (exponent == 31) want = fraction ? NAN : INFINITY;
        if (half & 0x8000) want = -want;
        float got;
        assert_int_equal(rins_st_to_f32(&t, &got), RINS_OK);
        assert_true(isnan(want) ? isnan(got) : (double)got == want);
        t.type = RINS_ST_BF16;
        assert_int_equal(rins_st_to_f32(&t, &got), RINS_OK);
        uint32_t bits;
        memcpy(&bits, &got, 4);
        assert_int_equal(bits, half << 16);
    }
}

static RinsStatus parse(const char *header, size_t data_bytes) {
    uint8_t bytes[1024] = {0};
    const size_t n = strlen(header);
    bytes[0] = (uint8_t)n, bytes[1] = (uint8_t)(n >> 8);
    memcpy(bytes + 8, header, n);
    uint8_t *exact = malloc(8 + n + data_bytes); /* so that a sanitiser sees a read past the end */
    memcpy(exact, bytes, 8 + n + data_bytes);
    RinsSafetensors st;
    const RinsStatus status = rins_safetensors_parse(&st, exact, 8 + n + data_bytes);
    rins_safetensors_close(&st);
    free(exact);
    return status;
}

static void damaged_headers_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *says;
    } cases[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "its shape needs 8"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "unknown dtype 'F33'"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "no natural number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8, "no natural number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", 8, "no shape"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, "at most 8"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8, "more bytes than"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "truncated or damaged"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-4,4]}}", 8, "truncated or damaged"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8, "pair of data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "not described"},
        {"{\"a\":[1]}", 0, "not described"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "belong to none"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 12, "after the last tensor"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[4,12]}}",
         12, "overlaps"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
         0, "duplicate"},
        {"{\"__metadata__\":{\"x\":1}}", 0, "not a string"},
        {"{\"__metadata__\":[]}", 0, "not an object"},
        {"[]", 0, "not a JSON object"},
        {"{\"a\":", 0, "not valid JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const RinsStatus status = parse(cases[i].header, cases[i].data);
        if (status != RINS_ERR_FORMAT || !strstr(rins_last_error(), cases[i].says))
            fail_msg("%s: got %s, '%s', wanted '%s'", cases[i].header, rins_status_name(status), rins_last_error(),
                     cases[i].says);
    }
}

static void every_truncation_is_refused(void **state) {
    (void)state;
    char *bytes;
    size_t n;
    write_sample(path);
    assert_int_equal(rins_file_read(path, 0, &bytes, &n), RINS_OK);
    for (size_t cut = 0; cut < n; cut++) {
        char *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        RinsSafetensors st;
        assert_int_equal(rins_safetensors_parse(&st, exact, cut), RINS_ERR_FORMAT);
        free(exact);
    }
    free(bytes);
    assert_int_equal(rins_file_write(path, "version https://git-lfs", 23), RINS_OK);
    RinsSafetensors st;
    assert_int_equal(rins_safetensors_open(&st, path), RINS_ERR_FORMAT);
    assert_non_null(strstr(rins_last_error(), "git lfs pull"));
    assert_non_null(strstr(rins_last_error(), path));
    assert_int_equal(rins_safetensors_open(&st, "/nonexistent"), RINS_ERR_IO);
}

/* Any single changed byte of the header either still parses, within bounds, or is refused. */
static void flipped_bytes_stay_in_bounds(void **state) {
    (void)state;
    char *bytes;
    size_t n;
    write_sample(path);
    assert_int_equal(rins_file_read(path, 0, &bytes, &n), RINS_OK);
    int refused = 0;
    for (size_t at = 0; at < n - 44; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (char)(1 << bit);
            RinsSafetensors st;
            if (rins_safetensors_parse(&st, bytes, n) == RINS_OK) {
                for (size_t i = 0; i < st.n; i++) {
                    assert_true((const char *)st.list[i].data >= bytes);
                    assert_true((const char *)st.list[i].data + st.list[i].bytes <= bytes + n);
                }
                rins_safetensors_close(&st);
            } else {
                refused++;
            }
            bytes[at] ^= (char)(1 << bit);
        }
    assert_true(refused > 1000);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_is_read_back),           cmocka_unit_test(same_tensors_same_bytes),
        cmocka_unit_test(unfinished_files_do_not_appear), cmocka_unit_test(sixteen_bit_types_are_exact),
        cmocka_unit_test(damaged_headers_are_refused),    cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(flipped_bytes_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
