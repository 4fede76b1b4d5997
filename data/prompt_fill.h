/* A class name put into a template, for captions in training and prompts in evaluation. */
#ifndef RINS_DATA_PROMPT_FILL_H
#define RINS_DATA_PROMPT_FILL_H

/* malloc'd text: every "{}" of the template is the name. NULL when out of memory. */
char *rins_prompt_fill(const char *template_text, const char *name);

#endif
