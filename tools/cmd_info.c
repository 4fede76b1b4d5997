/* rins info: what this machine offers and how rins was built. */
#include "tools/command.h"
#include "tools/common.h"
#include "tools/flags.h"

#include "src/base/cpu.h"
#include "src/device/cpu_libraries.h"

#include <stdio.h>
#include <string.h>

/* From meson: "name version;name version;..." and "name yes|no;...". */
static const char libraries[] = RINS_BUILD_LIBRARIES;
static const char features[] = RINS_BUILD_FEATURES;

static const struct {
    const char *name;
    size_t offset;
} cpu_flags[] = {
    {"avx2+fma", offsetof(RinsCpu, avx2_fma)},
    {"avx512", offsetof(RinsCpu, avx512)},
    {"avx512_bf16", offsetof(RinsCpu, avx512_bf16)},
    {"amx_bf16", offsetof(RinsCpu, amx_bf16)},
};
enum { N_FLAGS = sizeof cpu_flags / sizeof cpu_flags[0] };

static bool has_flag(const RinsCpu *cpu, int i) {
    return *(const bool *)((const char *)cpu + cpu_flags[i].offset);
}

/* Next "name value" of a list; false at its end. */
static bool next_pair(const char **at, char name[64], char value[64]) {
    const size_t n = strcspn(*at, ";");
    if (n == 0) return false;
    char pair[128];
    snprintf(pair, sizeof pair, "%.*s", (int)n, *at);
    *at += n + ((*at)[n] == ';');
    char *space = strrchr(pair, ' ');
    if (!space) return false;
    *space = 0;
    snprintf(name, 64, "%.63s", pair);
    snprintf(value, 64, "%.63s", space + 1);
    return true;
}

static void print_text(const RinsCpu *cpu) {
    char name[64], value[64];
    printf("rins       %s (%s)\n", RINS_VERSION, RINS_BUILD_TYPE);
    printf("cpu        %s\n", cpu->name);
    printf("flags     ");
    for (int i = 0; i < N_FLAGS; i++)
        if (has_flag(cpu, i)) printf(" %s", cpu_flags[i].name);
    printf("\nlevel      %s (RINS_CPU caps it)\n", rins_cpu_level_name(cpu->level));
    printf("precision  auto means %s here\n", rins_cpu_bf16(cpu) ? "bf16" : "fp32");
    printf("threads    %d\n", rins_cpu_max_threads());
    printf("blas       %s, core %s\n", rins_blas_config(), rins_blas_core());
    printf("devices    %s\n", RINS_BUILD_DEVICES);
    printf("features  ");
    for (const char *at = features; next_pair(&at, name, value);) printf(" %s=%s", name, value);
    printf("\nlibraries ");
    for (const char *at = libraries; next_pair(&at, name, value);) printf(" %s %s%s", name, value, *at ? "," : "\n");
}

static RinsStatus print_json(const RinsCpu *cpu) {
    char name[64], value[64];
    RinsJsonWriter json = {.indent = 2};
    rins_json_open(&json, NULL, '{');
    rins_json_string(&json, "version", RINS_VERSION);
    rins_json_string(&json, "build", RINS_BUILD_TYPE);
    rins_json_string(&json, "cpu", cpu->name);
    rins_json_open(&json, "cpu_flags", '[');
    for (int i = 0; i < N_FLAGS; i++)
        if (has_flag(cpu, i)) rins_json_string(&json, NULL, cpu_flags[i].name);
    rins_json_close(&json);
    rins_json_string(&json, "cpu_level", rins_cpu_level_name(cpu->level));
    rins_json_string(&json, "precision_auto", rins_cpu_bf16(cpu) ? "bf16" : "fp32");
    rins_json_int(&json, "threads", rins_cpu_max_threads());
    rins_json_string(&json, "blas", rins_blas_config());
    rins_json_string(&json, "blas_core", rins_blas_core());
    rins_json_string(&json, "devices", RINS_BUILD_DEVICES);
    rins_json_open(&json, "features", '{');
    for (const char *at = features; next_pair(&at, name, value);) rins_json_bool(&json, name, !strcmp(value, "yes"));
    rins_json_close(&json);
    rins_json_open(&json, "libraries", '{');
    for (const char *at = libraries; next_pair(&at, name, value);) rins_json_string(&json, name, value);
    rins_json_close(&json);
    rins_json_close(&json);
    return rins_write_json("-", &json);
}

int rins_cmd_info(int argc, char **argv) {
    bool as_json = false;
    const RinsFlag flags[] = {{"json", RINS_FLAG_BOOL, &as_json, NULL, "as JSON"}, {NULL}};
    const RinsCli cli = {"rins info", "[--json]", "Says what this machine offers and how rins was built.", flags, 0, 0};
    int n_args;
    const int code = rins_cli_parse(&cli, argc, argv, &n_args);
    if (code != RINS_CLI_GO_ON) return code;
    RinsCpu cpu;
    RinsStatus status = rins_cpu_detect(&cpu);
    if (status == RINS_OK && as_json)
        status = print_json(&cpu);
    else if (status == RINS_OK)
        print_text(&cpu);
    return rins_report(status);
}
