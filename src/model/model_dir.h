/* Models on disk: a run directory, one checkpoint, or a Hugging Face SigLIP directory; also, to start from, an
   open_clip SigLIP directory (open_clip_config.json, open_clip_model.safetensors) and a big_vision .npz. */
#ifndef RINS_MODEL_MODEL_DIR_H
#define RINS_MODEL_MODEL_DIR_H

#include "src/model/model.h"
#include "text/tokenizer.h"

typedef enum RinsModelFormat { RINS_MODEL_HF, RINS_MODEL_OPEN_CLIP, RINS_MODEL_BIG_VISION } RinsModelFormat;

typedef struct RinsModelDir {
    char *path; /* the directory that holds config.json or open_clip_config.json, or the .npz */
    RinsModelFormat format;
    RinsModelConfig config;
    RinsTokenizerOptions tokenizer; /* cleaning, length and special ids, from the model's files */
    char *tokenizer_path;           /* spiece.model, or NULL where there is none */
    char *image_pp;                 /* evaluation preprocessing as a pp string, from preprocessor_config.json */
} RinsModelDir;

/* malloc'd directory or file that `path` stands for: itself where it is a model, else a run's newest complete
   checkpoint. RINS_ERR_IO where there is none; it names a model or run one level below, if there is one. */
RinsStatus rins_model_dir_find(const char *path, char **found);

/* path: a run directory (its newest complete checkpoint), a checkpoint, or a Hugging Face directory. */
RinsStatus rins_model_dir_open(RinsModelDir **dir, const char *path);
void rins_model_dir_free(RinsModelDir *dir);

/* Takes a SentencePiece model from elsewhere: a big_vision .npz has none beside it. Cleaning, length and special ids
   stay the model's. RINS_ERR_IO where there is no such file. */
RinsStatus rins_model_dir_set_tokenizer(RinsModelDir *dir, const char *path);

/* Fills the parameters of `model` (built from dir->config, one or both towers) from one or several safetensors files.
   RINS_ERR_MISMATCH names the first tensor that is missing or has another shape; only image positions of another square
   grid are resampled to the model's, as big_vision does (with a note), and adapters that the files have none of, or of
   another kind, keep their values. */
RinsStatus rins_model_dir_load(const RinsModelDir *dir, RinsModel *model);

/* Only one tower's tensors, into a model whose other tower is its own (model.image.from, model.text.from). */
RinsStatus rins_model_dir_load_tower(const RinsModelDir *dir, RinsModel *model, RinsTower tower);

typedef struct RinsModelDirInfo {
    const char *tokenizer_path;     /* copied as spiece.model; NULL: none */
    RinsTokenizerOptions tokenizer; /* written to tokenizer_config.json */
    const char *image_pp;           /* written to preprocessor_config.json */
} RinsModelDirInfo;

/* Do a model's files lie right in this folder, whose checkpoints, if it is a run too, they hide? */
bool rins_model_dir_is(const char *path);

/* Writes config.json, model.safetensors, preprocessor_config.json, tokenizer_config.json, spiece.model into `path`
   (which exists). Where transformers' SiglipModel can hold the model the files load there; everything else has
   model_type rins. Same model, same bytes. */
RinsStatus rins_model_dir_save(const char *path, RinsModel *model, const RinsModelDirInfo *info);

/* Same with every repeated block copied out: a plain, deeper model with the same outputs, which transformers loads.
   Early exits and their adapters are left out: all rounds run. RINS_ERR_UNSUPPORTED where SiglipModel cannot hold it
   even so (adapters between rounds, pooling, a linear head on images). */
RinsStatus rins_model_dir_save_unrolled(const char *path, RinsModel *model, const RinsModelDirInfo *info);
/* RINS_OK where it would be written, else the same error. */
RinsStatus rins_model_config_unrolls(const RinsModelConfig *config);

#endif
