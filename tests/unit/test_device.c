/* The device itself: memory, the sticky error, and the dry run's counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/arena.h"
#include "src/device/device.h"

#include <string.h>

static void unknown_names_are_errors(void **state) {
    (void)state;
    RinsDevice *dev;
    assert_int_equal(rins_device_open(&dev, "gpu", 0), RINS_ERR_ARG);
    assert_int_equal(rins_device_open(&dev, "cpu:1", 0), RINS_ERR_ARG);
    assert_null(dev);
    assert_int_equal(rins_device_open(&dev, "cpu", -1), RINS_ERR_ARG);
    assert_non_null(strstr(rins_last_error(), "threads"));
}

static void memory_is_zeroed_aligned_and_counted(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 64, 1000, (size_t)5 << 20};
    RinsDevice *dev;
    assert_int_equal(rins_device_open(&dev, "cpu", 2), RINS_OK);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *data = dev->ops->alloc(dev, sizes[i]);
        assert_non_null(data);
        assert_int_equal((uintptr_t)data % RINS_ALIGN, 0);
        for (size_t b = 0; b < sizes[i]; b++) assert_int_equal(data[b], 0);
        assert_int_equal(dev->stats.bytes, sizes[i]);
        dev->ops->free(dev, data);
    }
    assert_int_equal(dev->stats.bytes, 0);
    assert_int_equal(dev->stats.peak_bytes, sizes[4]);
    rins_device_close(dev);
}

static void first_error_sticks_until_sync(void **state) {
    (void)state;
    RinsDevice *dev;
    assert_int_equal(rins_device_open(&dev, "cpu", 1), RINS_OK);
    rins_device_set_error(dev, RINS_ERR_MEMORY, "first");
    rins_device_set_error(dev, RINS_ERR_ARG, "second");
    assert_int_equal(dev->ops->sync(dev), RINS_ERR_MEMORY);
    assert_non_null(strstr(rins_last_error(), "first"));
    assert_int_equal(dev->ops->sync(dev), RINS_OK);
    rins_device_close(dev);
}

static void token_outside_the_table_is_an_error(void **state) {
    (void)state;
    RinsDevice *dev;
    float table[8] = {0}, pos[2] = {0}, out[2];
    const int32_t id = 4;
    assert_int_equal(rins_device_open(&dev, "cpu", 1), RINS_OK);
    dev->ops->embed_fwd(dev, rins_f32(out, 1, 2), &id, rins_f32(table, 4, 2), rins_f32(pos, 1, 2));
    assert_int_equal(dev->ops->sync(dev), RINS_ERR_ARG);
    rins_device_close(dev);
}

static void dry_device_counts_and_touches_nothing(void **state) {
    (void)state;
    RinsDevice *dev;
    assert_int_equal(rins_device_open(&dev, "dry", 0), RINS_OK);
    char *a = dev->ops->alloc(dev, (size_t)1 << 42), *b = dev->ops->alloc(dev, 100);
    assert_true(a && b && a != b);
    assert_true((uintptr_t)b >= (uintptr_t)a + ((size_t)1 << 42) || (uintptr_t)a >= (uintptr_t)b + 100);
    assert_int_equal((uintptr_t)b % RINS_ALIGN, 0);
    const RinsGemm g = {.a = rins_f32((float *)a, 7, 3),
                        .b = rins_f32((float *)b, 7, 5),
                        .c = rins_f32((float *)a, 3, 5),
                        .trans_a = true};
    dev->ops->gemm(dev, &g);
    const RinsAttention attention = {.batch = 2, .heads = 3, .head_dim = 4, .lq = 5, .lk = 6};
    dev->ops->attention_fwd(dev, &attention);
    dev->ops->attention_bwd(dev, &attention);
    float host = 1;
    dev->ops->copy_in(dev, a, &host, sizeof host);
    dev->ops->copy_out(dev, &host, a, sizeof host);
    assert_true(host == 0);
    dev->ops->free(dev, a);
    assert_int_equal(dev->stats.gemm_flops, 2 * 3 * 5 * 7);
    assert_int_equal(dev->stats.attention_flops, 14 * 2 * 3 * 4 * 5 * 6);
    assert_int_equal(dev->stats.bytes, 100);
    assert_int_equal(dev->stats.peak_bytes, ((size_t)1 << 42) + 100);
    assert_int_equal(dev->ops->sync(dev), RINS_OK);
    rins_device_close(dev);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_names_are_errors),
        cmocka_unit_test(memory_is_zeroed_aligned_and_counted),
        cmocka_unit_test(first_error_sticks_until_sync),
        cmocka_unit_test(token_outside_the_table_is_an_error),
        cmocka_unit_test(dry_device_counts_and_touches_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
