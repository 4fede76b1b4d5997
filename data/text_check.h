/* Texts from outside: what counts as a usable caption. */
#ifndef RINS_DATA_TEXT_CHECK_H
#define RINS_DATA_TEXT_CHECK_H

#include "data/source.h"

/* Well-formed UTF-8 (no overlong forms, surrogates or values over U+10FFFF) without zero bytes. */
bool rins_utf8_valid(const char *text, size_t size);

/* Adds text without its outer white space to the sample's captions. RINS_ERR_FORMAT or RINS_ERR_LIMIT with cause
   RINS_BAD_CAPTION where it is empty, too long or not UTF-8. */
RinsStatus rins_sample_add_caption(RinsSample *sample, const char *text, size_t size, RinsBadCause *cause);

/* Adds the captions a JSON object holds under `text_key` (NULL: "caption", else "text"), a text or a list of texts. */
RinsStatus rins_sample_add_json(RinsSample *sample, const char *json, size_t size, const char *text_key,
                                RinsBadCause *cause);

#endif
