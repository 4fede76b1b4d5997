#include "tools/command.h"

#include "src/base/cpu.h"

#include <stdio.h>

int rins_cmd_info(int argc, char **argv) {
    (void)argc, (void)argv;
    RinsCpu cpu;
    const RinsStatus status = rins_cpu_detect(&cpu);
    if (status != RINS_OK) return rins_report(status);
    printf("rins %s\ncpu: %s (level %s)\n", RINS_VERSION, cpu.name, rins_cpu_level_name(cpu.level));
    return RINS_EXIT_OK;
}
