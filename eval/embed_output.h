/* Where embeddings go: one .npy, or shards of a fixed number of rows with a journal beside them, so that a
   run that was killed goes on behind its last complete shard.

     X.npy           without shards; whole or not at all
     X-00000.npy ... shards, each whole or not at all
     X.json          the journal: what was asked for, and every complete shard
     X.bad.jsonl     {"row", "input", "cause", "message"} of each row that is NaN; absent where there is none
     X.keys.txt      for sources: one key a row (a line end inside a key as \n)
     X.lock          while a process writes: a second one is refused

   Without shards the lists take their places just before the rows do: until then those of an earlier run stay.
   A shard counts from the moment that the journal names it; the journal also holds how long the two lists were
   then, and they are cut back to that before going on. */
#ifndef RINS_EVAL_EMBED_OUTPUT_H
#define RINS_EVAL_EMBED_OUTPUT_H

#include "data/image.h"
#include "eval/npy.h"
#include "src/base/json_writer.h"

typedef struct RinsEmbedShard {
    int64_t rows, bad;
    uint64_t input_hash; /* of all inputs up to its end */
    int64_t bad_bytes, keys_bytes;
} RinsEmbedShard;

/* A list beside the rows: one that is appended to, or without shards one that appears whole. */
typedef struct RinsEmbedLines {
    FILE *stream; /* NULL: closed */
    RinsAtomicFile whole;
} RinsEmbedLines;

typedef struct RinsEmbedOutput {
    char *path, *stem; /* "X.npy", "X" */
    char *identity;    /* JSON object: what must be the same to go on */
    const char *input, *model;
    int64_t dim, shard_size; /* 0: one file */
    bool with_keys;

    RinsEmbedShard *shards; /* complete ones */
    int64_t n_shards;
    int64_t kept;       /* rows of the shards found complete at the start */
    bool input_ended;   /* the last of them is short: there cannot be more rows */
    RinsEmbedShard now; /* the one being written */
    RinsNpyWriter npy;
    bool open;
    RinsEmbedLines bad, keys;
    char *lock_path; /* NULL: not taken */
    int lock;
    int64_t rows, bad_rows; /* all, the kept ones included */
} RinsEmbedOutput;

/* Starts, or goes on where the journal of the same name says. `identity` becomes the output's own.
     RINS_ERR_MISMATCH   the journal is of other arguments, another model or another list; the message names
                         what differs
     RINS_ERR_FORMAT     X.json is not such a journal, or a shard it names is not what it says
     RINS_ERR_ARG        shards without a journal are in the way; the input is one of the files above
     RINS_ERR_IO         another process writes this output */
RinsStatus rins_embed_output_open(RinsEmbedOutput *output, const char *path, int64_t shard_size, bool with_keys,
                                  int64_t dim, char *identity, const char *input, const char *model);

/* Checks the hash of the inputs up to row `rows` against the complete shard that ends there, if one does. */
RinsStatus rins_embed_output_check(const RinsEmbedOutput *output, int64_t rows, uint64_t input_hash);

/* Why a row could not be made. */
typedef struct RinsEmbedFault {
    RinsBadCause cause;
    const char *message;
} RinsEmbedFault;

/* The next row. name: the line or key; fault NULL: a good row; input_hash: of all inputs up to this one. */
RinsStatus rins_embed_output_row(RinsEmbedOutput *output, const float *row, const char *name,
                                 const RinsEmbedFault *fault, uint64_t input_hash);

/* Closes the last file, of no row where there was no input, and the journal. */
RinsStatus rins_embed_output_commit(RinsEmbedOutput *output, uint64_t input_hash);
/* Drops what is not complete; complete shards stay. Harmless after a commit and on a zeroed struct. */
void rins_embed_output_close(RinsEmbedOutput *output);

#endif
