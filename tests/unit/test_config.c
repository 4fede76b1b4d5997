/* The configuration: every kind of wrong input is refused with its place and the nearest right one, and what was read
   is written back to the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/config.h"
#include "src/base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Inner {
    double lr;
    int64_t steps; /* null allowed */
    int kind;
    RinsFloatMap mults;
} Inner;

typedef struct Ways { /* exactly one is set */
    int64_t a, b;
} Ways;

typedef struct Outer {
    bool flag;
    int64_t count;
    char *name; /* null allowed */
    char *title;
    RinsStringList list;
    RinsSourceList sources;
    double budget; /* null allowed */
    Inner inner;
    Ways ways;
    Inner shape; /* its kind says what the others mean */
} Outer;

static const char *const kinds[] = {"cosine", "constant", "rsqrt", NULL};

static const RinsField inner_fields[] = {
    {"lr", RINS_FIELD_FLOAT, offsetof(Inner, lr), "1.0e-3", "rate", 0, 10},
    {"steps", RINS_FIELD_INT, offsetof(Inner, steps), "null", "steps", 1, 1e15, true},
    {"kind", RINS_FIELD_ENUM, offsetof(Inner, kind), "cosine", "shape", .names = kinds},
    {"mults", RINS_FIELD_FLOAT_MAP, offsetof(Inner, mults), "{}", "factors", 0, 100},
    {NULL},
};

static const RinsField ways_fields[] = {
    {"a", RINS_FIELD_INT, offsetof(Ways, a), "null", "one way", 1, 100, true},
    {"b", RINS_FIELD_INT, offsetof(Ways, b), "null", "another", 1, 100, true},
    {NULL},
};

static const RinsField outer_fields[] = {
    {"flag", RINS_FIELD_BOOL, offsetof(Outer, flag), "true", "a switch"},
    {"count", RINS_FIELD_INT, offsetof(Outer, count), "7", "a count", 1, 100},
    {"name", RINS_FIELD_STRING, offsetof(Outer, name), "null", "a name", .nullable = true},
    {"title", RINS_FIELD_STRING, offsetof(Outer, title), "a|b(1,2)", "a title"},
    {"list", RINS_FIELD_STRING_LIST, offsetof(Outer, list), "[]", "texts"},
    {"sources", RINS_FIELD_SOURCE_LIST, offsetof(Outer, sources), "[]", "sources"},
    {"budget", RINS_FIELD_FLOAT, offsetof(Outer, budget), "null", "FLOPs", 1, 1e30, true},
    {"inner", RINS_FIELD_STRUCT, offsetof(Outer, inner), .doc = "more", .fields = inner_fields},
    {"ways", RINS_FIELD_STRUCT, offsetof(Outer, ways), .doc = "one", .fields = ways_fields, .choice = "*"},
    {"shape", RINS_FIELD_STRUCT, offsetof(Outer, shape), .doc = "a kind", .fields = inner_fields, .choice = "kind"},
    {NULL},
};

static Outer fresh(void) {
    Outer config = {0};
    assert_int_equal(rins_config_defaults(outer_fields, &config), RINS_OK);
    return config;
}

static char *written(const Outer *config) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(rins_config_write(outer_fields, config, out), RINS_OK);
    fclose(out);
    return text;
}

static void defaults_are_the_presets(void **state) {
    (void)state;
    Outer config = fresh();
    assert_true(config.flag);
    assert_int_equal(config.count, 7);
    assert_null(config.name);
    assert_string_equal(config.title, "a|b(1,2)");
    assert_int_equal(config.list.n, 0);
    assert_true(isnan(config.budget));
    assert_true(config.inner.lr == 1e-3);
    assert_true(config.inner.steps == RINS_INT_NULL);
    assert_int_equal(config.inner.kind, 0);
    rins_config_free(outer_fields, &config);
    assert_null(config.title);
}

/* One row per kind of mistake: the text, and what the message must hold. */
static void wrong_files_say_what_where_and_what_to_do(void **state) {
    (void)state;
    static const struct {
        const char *text, *expect[3];
    } cases[] = {
        {"flag: true\ncuont: 3\n", {"f.yaml:2:", "unknown key 'cuont'", "did you mean 'count'?"}},
        {"inner:\n  lr: 1\n  knid: cosine\n", {"f.yaml:3:", "'inner.knid'", "'inner.kind'"}},
        {"lr: 0.1\n", {"f.yaml:1:", "unknown key 'lr'", "did you mean 'inner.lr'?"}},
        {"qqqqqqqq: 1\n", {"f.yaml:1:", "unknown key 'qqqqqqqq'", "known here: flag, count"}},
        {"\n\ncount: many\n", {"f.yaml:3: 'count'", "a whole number", "'many'"}},
        {"count: 1.5\n", {"f.yaml:1: 'count'", "a whole number", "'1.5'"}},
        {"count: \"3\"\n", {"f.yaml:1: 'count'", "a whole number", "'3'"}},
        {"count: [1]\n", {"f.yaml:1: 'count'", "a whole number", "a list"}},
        {"count:\n", {"f.yaml:1: 'count'", "a whole number", "nothing"}},
        {"count: 0\n", {"f.yaml:1: 'count'", "0 is out of range", "1 to 100"}},
        {"count: 101\n", {"f.yaml:1: 'count'", "out of range", "1 to 100"}},
        {"inner:\n  lr: 11\n", {"f.yaml:2: 'inner.lr'", "out of range", "0 to 10"}},
        {"inner:\n  lr: .inf\n", {"f.yaml:2: 'inner.lr'", "a number", "'.inf'"}},
        {"inner:\n  lr: 0x10\n", {"f.yaml:2: 'inner.lr'", "a number", "'0x10'"}},
        {"inner:\n  kind: cosin\n", {"f.yaml:2: 'inner.kind'", "cosine, constant, rsqrt", "did you mean 'cosine'?"}},
        {"inner: {kind: null}\n", {"f.yaml:1: 'inner.kind'", "one of", "nothing"}},
        {"inner: 3\n", {"f.yaml:1: 'inner'", "a map of keys", "'3'"}},
        {"flag: yes\n", {"f.yaml:1: 'flag'", "true or false", "'yes'"}},
        {"title: null\n", {"f.yaml:1: 'title'", "a text", "nothing"}},
        {"title: {a: 1}\n", {"f.yaml:1: 'title'", "a text", "a map"}},
        {"list: [a, [b]]\n", {"f.yaml:1: 'list'", "a text", "a list"}},
        {"list: null\n", {"f.yaml:1: 'list'", "a list", "nothing"}},
        {"sources:\n  - {sorce: a}\n", {"f.yaml:2:", "unknown key", "'sources.source'"}},
        {"sources:\n  - {weight: 2}\n", {"f.yaml:2: 'sources'", "{source: TEXT", "a map"}},
        {"sources:\n  - {source: a, weight: 0}\n", {"f.yaml:2: 'sources'", "weight", "above 0"}},
        {"inner: {mults: {a: b}}\n", {"f.yaml:1: 'inner.mults'", "a number", "'b'"}},
        {"inner: {mults: [1]}\n", {"f.yaml:1: 'inner.mults'", "a map of numbers", "a list"}},
        {"count: 3\nflag: true\ncount: 4\n", {"f.yaml:3:", "duplicate key 'count'", "line 1"}},
        {"inner:\n  mults: {a: 1, b: 2, a: 3}\n", {"f.yaml:2:", "duplicate key 'a'", "line 2"}},
        {"count: 1\nlist: [1, }\n", {"f.yaml:2:", "not valid YAML", "column 11"}},
        {"- 1\n- 2\n", {"f.yaml:1:", "'key: value'", "a list"}},
        {"just words\n", {"f.yaml:1:", "'key: value'", "'just words'"}},
        {"count: 3\n---\ncount: 4\n", {"f.yaml", "more than one YAML document", "first"}},
        {"title: &x a\nname: *x\n", {"f.yaml:2:", "aliases", "not supported"}},
        {"title: \"\xff\xfe\"\n", {"f.yaml:1:", "not valid YAML", ""}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Outer config = fresh();
        const RinsStatus status = rins_config_parse(outer_fields, &config, cases[i].text, "f.yaml");
        if (status != RINS_ERR_CONFIG) fail_msg("'%s': %s", cases[i].text, rins_status_name(status));
        for (int k = 0; k < 3; k++)
            if (!strstr(rins_last_error(), cases[i].expect[k]))
                fail_msg("'%s': the message lacks \"%s\": %s", cases[i].text, cases[i].expect[k], rins_last_error());
        rins_config_free(outer_fields, &config);
    }
}

static void deep_nesting_is_refused_not_followed(void **state) {
    (void)state;
    enum { DEPTH = 20000 };
    char *text = malloc(2 * DEPTH + 16);
    strcpy(text, "list: ");
    memset(text + 6, '[', DEPTH);
    memset(text + 6 + DEPTH, ']', DEPTH);
    text[6 + 2 * DEPTH] = 0;
    Outer config = fresh();
    assert_int_equal(rins_config_parse(outer_fields, &config, text, "f.yaml"), RINS_ERR_CONFIG);
    rins_config_free(outer_fields, &config);
    free(text);
}

static void files_are_read_and_missing_ones_named(void **state) {
    (void)state;
    Outer config = fresh();
    assert_int_equal(rins_config_read(outer_fields, &config, "/nonexistent/x.yaml"), RINS_ERR_IO);
    assert_non_null(strstr(rins_last_error(), "/nonexistent/x.yaml"));
    char path[] = "/tmp/rins-test-config-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *out = fdopen(fd, "w");
    fputs("# a comment\ncount: 9\n", out);
    fclose(out);
    assert_int_equal(rins_config_read(outer_fields, &config, path), RINS_OK);
    assert_int_equal(config.count, 9);
    out = fopen(path, "w");
    fwrite("count: 9\n\0x", 1, 11, out);
    fclose(out);
    assert_int_equal(rins_config_read(outer_fields, &config, path), RINS_ERR_CONFIG);
    assert_non_null(strstr(rins_last_error(), "zero byte"));
    unlink(path);
    rins_config_free(outer_fields, &config);
}

static void override_ok(Outer *config, const char *assignment) {
    if (rins_config_override(outer_fields, config, assignment) != RINS_OK)
        fail_msg("%s: %s", assignment, rins_last_error());
}

static void overrides_reach_every_kind_of_field(void **state) {
    (void)state;
    Outer config = fresh();
    override_ok(&config, "count=1e1");
    assert_int_equal(config.count, 10);
    override_ok(&config, "inner.lr=0.5");
    assert_true(config.inner.lr == 0.5);
    override_ok(&config, "inner={steps: 12, kind: rsqrt}");
    assert_true(config.inner.lr == 0.5 && config.inner.steps == 12 && config.inner.kind == 2);
    override_ok(&config, "inner.steps=null");
    assert_true(config.inner.steps == RINS_INT_NULL);
    override_ok(&config, "list=[x, \"y, z\"]");
    assert_int_equal(config.list.n, 2);
    assert_string_equal(config.list.items[1], "y, z");
    override_ok(&config, "list=[]");
    assert_int_equal(config.list.n, 0);
    override_ok(&config, "list=folder:a b");
    assert_string_equal(config.list.items[0], "folder:a b");
    override_ok(&config, "sources=wds:shards/{00000..00099}.tar");
    assert_string_equal(config.sources.items[0].source, "wds:shards/{00000..00099}.tar");
    override_ok(&config, "sources=[a, {source: b, weight: 2.5}]");
    assert_true(config.sources.n == 2 && config.sources.items[0].weight == 1 && config.sources.items[1].weight == 2.5);
    override_ok(&config, "inner.mults={a.b: 0.5, c: 2}");
    override_ok(&config, "inner.mults.a.b=0.25");
    override_ok(&config, "inner.mults.d.e=3");
    assert_int_equal(config.inner.mults.n, 3);
    assert_true(config.inner.mults.items[0].value == 0.25);
    assert_string_equal(config.inner.mults.items[2].key, "d.e");
    override_ok(&config, "inner.mults={}");
    assert_int_equal(config.inner.mults.n, 0);
    override_ok(&config, "name=x=y");
    assert_string_equal(config.name, "x=y");
    override_ok(&config, "name=null");
    assert_null(config.name);
    override_ok(&config, "name=\"null\"");
    assert_string_equal(config.name, "null");
    override_ok(&config, "title=\"\"");
    assert_string_equal(config.title, "");
    override_ok(&config, "budget=1e18");
    assert_true(config.budget == 1e18);
    rins_config_free(outer_fields, &config);
}

static void a_map_that_makes_the_choice_is_the_whole_struct(void **state) {
    (void)state;
    Outer config = fresh();
    override_ok(&config, "ways={a: 3}");
    override_ok(&config, "ways={b: 4}");
    if (config.ways.a != RINS_INT_NULL || config.ways.b != 4)
        fail_msg("ways: a %lld, b %lld", (long long)config.ways.a, (long long)config.ways.b);
    override_ok(&config, "ways={a: null}"); /* chooses nothing */
    assert_int_equal(config.ways.b, 4);
    override_ok(&config, "ways={b: null, a: 5}");
    assert_true(config.ways.a == 5 && config.ways.b == RINS_INT_NULL);
    override_ok(&config, "shape={kind: rsqrt, lr: 0.5, mults: {x: 2}}");
    override_ok(&config, "shape={steps: 9}"); /* no kind: the others stay */
    assert_true(config.shape.kind == 2 && config.shape.lr == 0.5 && config.shape.steps == 9);
    override_ok(&config, "shape.kind=cosine"); /* one key alone */
    assert_true(config.shape.lr == 0.5 && config.shape.steps == 9);
    override_ok(&config, "shape={kind: constant, steps: 7}");
    if (config.shape.lr != 1e-3 || config.shape.mults.n != 0) fail_msg("shape.lr is still %g", config.shape.lr);
    assert_true(config.shape.kind == 1 && config.shape.steps == 7);
    rins_config_free(outer_fields, &config);
}

static void wrong_overrides_name_themselves(void **state) {
    (void)state;
    static const struct {
        const char *text, *expect;
    } cases[] = {
        {"count", "KEY=VALUE"},
        {"=3", "KEY=VALUE"},
        {"count.=3", "KEY=VALUE"},
        {"count=\"a\\nb\"", "'a b'"}, /* one line whatever the value holds */
        {"cuont=3", "did you mean 'count'?"},
        {"inner.ly=3", "did you mean 'inner.lr'?"},
        {"iner.lr=3", "did you mean 'inner'?"},
        {"count.x=3", "'count' has no keys"},
        {"list.0=3", "'list' has no keys"},
        {"count=", "found nothing"},
        {"count={", "not valid YAML"},
        {"inner.mults.a=x", "a number"},
        {"inner=null", "a map of keys"},
        {"inner.kind=3", "expected one of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Outer config = fresh();
        const RinsStatus status = rins_config_override(outer_fields, &config, cases[i].text);
        if (status != RINS_ERR_CONFIG) fail_msg("'%s': %s", cases[i].text, rins_status_name(status));
        if (!strstr(rins_last_error(), cases[i].expect) || !strstr(rins_last_error(), cases[i].text))
            fail_msg("'%s': the message lacks \"%s\": %s", cases[i].text, cases[i].expect, rins_last_error());
        rins_config_free(outer_fields, &config);
    }
}

static void fill(Outer *config) {
    override_ok(config, "name=\"a \\\"b\\\"\\n\\t\\\\ # : \\u00e9\\x01\"");
    override_ok(config, "title=\"true\"");
    override_ok(config, "list=[\"1.5\", plain, \" lead\", \"\", \"a: b\", \"- c\", \"[d\", \"A:4 B:8\", A^2B, \"no\"]");
    override_ok(config, "sources=[wds:a.tar, {source: \"b c\", weight: 0.1}]");
    override_ok(config, "inner={lr: 0.1, mults: {\"vision_model.\": 0.3333333333333333, \"1\": 2}}");
    override_ok(config, "budget=1.2345678901234567e18");
}

static void written_text_reads_back_to_the_same_bytes(void **state) {
    (void)state;
    Outer first = fresh(), second = fresh();
    for (int filled = 0; filled < 2; filled++) {
        if (filled) fill(&first);
        char *once = written(&first);
        if (rins_config_parse(outer_fields, &second, once, "written") != RINS_OK)
            fail_msg("%s in\n%s", rins_last_error(), once);
        char *twice = written(&second);
        assert_string_equal(once, twice);
        free(once);
        free(twice);
    }
    assert_string_equal(first.name, second.name);
    assert_string_equal(first.list.items[3], second.list.items[3]);
    assert_true(first.budget == second.budget);
    rins_config_free(outer_fields, &first);
    rins_config_free(outer_fields, &second);
}

static void json_reads_back_to_the_same_values(void **state) {
    (void)state;
    Outer first = fresh(), second = fresh();
    char *json;
    fill(&first);
    assert_int_equal(rins_config_json(outer_fields, &first, &json), RINS_OK);
    if (rins_config_parse(outer_fields, &second, json, "json") != RINS_OK)
        fail_msg("%s in\n%s", rins_last_error(), json);
    char *a = written(&first), *b = written(&second);
    assert_string_equal(a, b);
    free(a);
    free(b);
    free(json);
    rins_config_free(outer_fields, &first);
    rins_config_free(outer_fields, &second);
}

static void copies_are_equal_and_independent(void **state) {
    (void)state;
    Outer from = fresh(), to = fresh();
    fill(&from);
    assert_int_equal(rins_config_copy(outer_fields, &to, &from), RINS_OK);
    char *a = written(&from);
    rins_config_free(outer_fields, &from);
    char *b = written(&to);
    assert_string_equal(a, b);
    free(a);
    free(b);
    rins_config_free(outer_fields, &to);
}

static void doubles_are_shortest_and_exact(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.1, "0.1"},
        {1, "1.0"},
        {-0.5, "-0.5"},
        {1e-8, "1.0e-08"},
        {3e5, "300000.0"},
        {1e20, "1.0e+20"},
        {1.0 / 3, "0.3333333333333333"},
        {0, "0.0"},
        {5e-324, "5.0e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
    };
    char text[RINS_NUMBER_ROOM];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double back = -1;
        assert_string_equal(rins_format_double(cases[i].value, text), cases[i].text);
        assert_true(rins_parse_double(text, strlen(text), &back) && back == cases[i].value);
    }
}

static void integers_parse_exactly_or_not_at_all(void **state) {
    (void)state;
    int64_t value;
    assert_true(rins_parse_int("9223372036854775807", 19, &value) && value == INT64_MAX);
    assert_true(rins_parse_int("-9223372036854775808", 20, &value) && value == INT64_MIN);
    static const struct {
        const char *text;
        int64_t value;
    } right[] = {
        {"3e8", 300000000},
        {"+2.50e1", 25},
        {"-1.0", -1},
        {"-0.0", 0},
        {"0e-5", 0},
        {"1e17", 100000000000000000},
        {"9007199254740993.0", 9007199254740993},
        {"90071992547409930e-1", 9007199254740993},
        {"-9223372036854775.808e3", INT64_MIN},
        {"0.0000000000000000001e19", 1},
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        if (!rins_parse_int(right[i].text, strlen(right[i].text), &value) || value != right[i].value)
            fail_msg("'%s' was not read as %lld", right[i].text, (long long)right[i].value);
    static const char *const wrong[] = {"",      "-",     "9223372036854775808",      "1e19", "1e999999999999999999999",
                                        "1.5",   "25e-1", "1e-999999999999999999999", "0x10", "1 ",
                                        "1_000", "nan"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (rins_parse_int(wrong[i], strlen(wrong[i]), &value))
            fail_msg("'%s' was read as %lld", wrong[i], (long long)value);
}

static void nearest_is_near_or_null(void **state) {
    (void)state;
    static const char *const names[] = {"warmup_steps", "warmup_fraction", "lr", "name"};
    assert_string_equal(rins_nearest("warmup_step", names, 4), "warmup_steps");
    assert_string_equal(rins_nearest("nmae", names, 4), "name");
    assert_string_equal(rins_nearest("warmup", names, 4), "warmup_steps");
    assert_string_equal(rins_nearest("rl", names, 4), "lr");
    static const char *const letters[] = {"mu", "S", "B"};
    assert_null(rins_nearest("Q", letters, 3)); /* one edit from S and from B, and like neither */
    assert_string_equal(rins_nearest("b", letters, 3), "B");
    assert_string_equal(rins_nearest("MU", letters, 3), "mu");
    assert_string_equal(rins_nearest("SB", letters, 3), "S");
    assert_null(rins_nearest("zzzzzz", names, 4));
    assert_null(rins_nearest("", names, 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_presets),
        cmocka_unit_test(wrong_files_say_what_where_and_what_to_do),
        cmocka_unit_test(deep_nesting_is_refused_not_followed),
        cmocka_unit_test(files_are_read_and_missing_ones_named),
        cmocka_unit_test(overrides_reach_every_kind_of_field),
        cmocka_unit_test(a_map_that_makes_the_choice_is_the_whole_struct),
        cmocka_unit_test(wrong_overrides_name_themselves),
        cmocka_unit_test(written_text_reads_back_to_the_same_bytes),
        cmocka_unit_test(json_reads_back_to_the_same_values),
        cmocka_unit_test(copies_are_equal_and_independent),
        cmocka_unit_test(doubles_are_shortest_and_exact),
        cmocka_unit_test(integers_parse_exactly_or_not_at_all),
        cmocka_unit_test(nearest_is_near_or_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
