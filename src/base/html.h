/* Pieces of self-contained HTML pages. Write errors are kept by the stream. */
#ifndef RINS_BASE_HTML_H
#define RINS_BASE_HTML_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Text with & < > " written as entities. */
void rins_html_text(FILE *out, const char *text);
/* The value of an attribute: data:MIME;base64,... */
void rins_html_data(FILE *out, const char *mime, const uint8_t *data, size_t size);

#endif
