/* The synthetic world on disk, as training and evaluation read it:

       DIR/train-00000.tar ...   shards: KEY.jpg and KEY.txt             DIR/captions.txt  all training captions
       DIR/val-00000.tar ...     other scenes of the same combos
       DIR/heldout/CLASS/N.jpg   a folder per held-out combo ("striped_blue_circle"), heldout-classes.txt
       DIR/seen/CLASS/N.jpg      as many combos of training: what generalising costs; seen-classes.txt
       DIR/templates.txt         prompts for both
       DIR/hard.tsv, DIR/hard/   filepath, caption, negative, skill: a row per hard negative (scenes of val's combos)
       DIR/files.txt             all of these, a line each (data/synth_list.h)
       DIR/world.json            the settings, written last: where it stands everything stands              */
#ifndef RINS_DATA_SYNTH_FILES_H
#define RINS_DATA_SYNTH_FILES_H

#include "data/synth.h"

typedef struct RinsSynthFiles {
    const char *dir;
    uint64_t seed;
    int level;
    const char *mix;    /* instead of the level's; NULL: none */
    int size;           /* pixels a side, 16 to 512 */
    bool png;           /* instead of JPEG of quality 95 */
    int64_t train, val; /* scenes, 0: not written (so for all parts) */
    int64_t per_class;  /* pictures of each class in heldout/ and seen/ */
    int64_t hard;       /* rows of hard.tsv per skill that the mix has */
    int64_t shard_samples;
    int threads;                                               /* 0: all that OpenMP has */
    void (*progress)(void *user, int64_t done, int64_t total); /* NULL: none; from the calling thread */
    void *progress_user;
} RinsSynthFiles;

/* Writes the parts asked for into an empty or a new folder, or into a world's, whose former files of these parts go;
   its other parts stay and must be of the same settings. The same settings give the same bytes. RINS_ERR_ARG and
   RINS_ERR_MISMATCH before anything is removed where the folder holds something else. */
RinsStatus rins_synth_write(const RinsSynthFiles *files);

#endif
