/* Build step: writes C source that holds text files as strings. embed_files OUT.c NAME=FILE ... */
#include <stdio.h>
#include <string.h>

static int embed(FILE *out, const char *spec) {
    const char *path = strchr(spec, '=');
    FILE *in = path ? fopen(path + 1, "rb") : NULL;
    if (!in) return 1;
    fprintf(out, "const char rins_data_%.*s[] =\n    \"", (int)(path - spec), spec);
    for (int c; (c = getc(in)) != EOF;) {
        if (c == '\n')
            fputs("\\n\"\n    \"", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else
            putc(c, out);
    }
    fputs("\";\n", out);
    fclose(in);
    return 0;
}

int main(int argc, char **argv) {
    FILE *out = argc > 1 ? fopen(argv[1], "wb") : NULL;
    if (!out) return 1;
    fputs("#include \"eval/embedded.h\"\n\n", out);
    for (int i = 2; i < argc; i++)
        if (embed(out, argv[i])) return fprintf(stderr, "cannot embed %s\n", argv[i]), 1;
    return fclose(out) != 0;
}
