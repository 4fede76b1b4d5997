/* Text files compiled into the program; what they are and where they come from: data/README.md. */
#ifndef RINS_EVAL_EMBEDDED_H
#define RINS_EVAL_EMBEDDED_H

extern const char rins_data_imagenet_names[];
extern const char rins_data_imagenet_wnids[];
extern const char rins_data_templates_openai[];
extern const char rins_data_templates_simple[];

#endif
