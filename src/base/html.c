#include "src/base/html.h"

void rins_html_text(FILE *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: putc(*text, out);
        }
    }
}

void rins_html_data(FILE *out, const char *mime, const uint8_t *data, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    fprintf(out, "data:%s;base64,", mime);
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t word =
            (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);
        putc(digits[word >> 18], out);
        putc(digits[word >> 12 & 63], out);
        putc(left > 1 ? digits[word >> 6 & 63] : '=', out);
        putc(left > 2 ? digits[word & 63] : '=', out);
    }
}
