/* How far a study has come, and whether what lies in its folder was trained for this plan. */
#ifndef RINS_STUDY_STUDY_SURVEY_H
#define RINS_STUDY_STUDY_SURVEY_H

#include "src/study/study_results.h"

typedef enum RinsBranchState {
    RINS_BRANCH_OPEN,    /* to be trained, or trained on */
    RINS_BRANCH_TRAINED, /* to the end, and to be evaluated: never done, or for other evaluations */
    RINS_BRANCH_FINISHED /* its result is of this plan */
} RinsBranchState;

typedef struct RinsStudySurvey {
    RinsBranchState *states;         /* (arms, seeds, budgets) */
    int branches, trained, finished; /* of those that were looked at */
} RinsStudySurvey;

/* Looks at one arm and seed, at all where they are -1. RINS_ERR_MISMATCH as rins_study_claim has it, with
   the names of all such arms; RINS_ERR_UNSUPPORTED for a precision that an arm with open branches cannot have here. A
   study that does not exist has nothing finished. */
RinsStatus rins_study_survey(const RinsStudyPlan *plan, const char *out, int arm, int seed, RinsStudySurvey *survey);
void rins_study_survey_free(RinsStudySurvey *survey);
/* Branches of one arm and seed (looked at) that are not finished. */
int rins_study_survey_left(const RinsStudySurvey *survey, const RinsStudyPlan *plan, int arm, int seed);

/* malloc'd OUT/runs/ARM-sSEED, where trunk/ and b0/ ... lie. NULL when out of memory. */
char *rins_study_folder(const RinsStudyPlan *plan, const char *out, int arm, int seed);

/* What the folder of an arm and seed is trained with lies in its arm.json, written here before anything is
   trained. RINS_ERR_MISMATCH where something was trained with other keys: it names them and the folders to
   remove. *known: the record is there and agrees, so that a finished training need not be opened to compare
   it. */
RinsStatus rins_study_claim(const RinsStudyPlan *plan, const char *out, int arm, int seed, bool *known);

/* Adds to this thread's message which folders to remove for training the arm anew, and
   yields `status` again. */
RinsStatus rins_study_advise(RinsStatus status, const RinsStudyPlan *plan, const char *out, int arm);

/* Has `branch`, OUT/runs/ARM-sSEED/bN, the checkpoint of its last of `steps`? */
RinsStatus rins_study_is_trained(const char *branch, int64_t steps, bool *trained);

#endif
