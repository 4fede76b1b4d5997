#include "tools/mpi_comm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What launchers tell their processes: Open MPI, MPICH and Slurm's PMI, PMIx. */
static bool launched(void) {
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("PMIX_RANK");
}

#ifdef RINS_MPI

#include "src/base/clock.h"

#include <limits.h>
#include <mpi.h>
#include <time.h>

enum { MOST_ERROR = 1024 };
static const double wait_for_others_s = 2;

/* Where those that fail meet: the others may be in the middle of an exchange. */
typedef struct Errors {
    MPI_Comm comm;
    char mine[MOST_ERROR];  /* MPI may read it until the process ends */
    char all[][MOST_ERROR]; /* by rank */
} Errors;

static RinsStatus check(int error, const char *what) {
    char text[MPI_MAX_ERROR_STRING];
    int length;
    if (error == MPI_SUCCESS) return RINS_OK;
    MPI_Error_string(error, text, &length);
    return RINS_FAIL(RINS_ERR_IO, "MPI could not %s: %s", what, text);
}

static RinsStatus check_size(size_t bytes) {
    if (bytes <= INT_MAX) return RINS_OK;
    return RINS_FAIL(RINS_ERR_LIMIT,
                     "%zu bytes for each process are more than one MPI message holds: use more processes", bytes);
}

static RinsStatus allgather(RinsComm *comm, const void *mine, void *all, size_t bytes) {
    (void)comm;
    RINS_TRY(check_size(bytes));
    return check(MPI_Allgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, MPI_COMM_WORLD), "gather");
}

static RinsStatus alltoall(RinsComm *comm, const void *to, void *from, size_t bytes) {
    (void)comm;
    RINS_TRY(check_size(bytes));
    return check(MPI_Alltoall(to, (int)bytes, MPI_BYTE, from, (int)bytes, MPI_BYTE, MPI_COMM_WORLD), "exchange");
}

RinsStatus rins_mpi_open(RinsMpi *mpi) {
    int level;
    *mpi = (RinsMpi){.comm = {.world = 1, .allgather = allgather, .alltoall = alltoall}};
    if (!launched()) return RINS_OK;
    RINS_TRY(check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level), "start"));
    mpi->open = true;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &mpi->comm.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &mpi->comm.world);
    Errors *errors = mpi->impl = calloc(1, sizeof *errors + (size_t)mpi->comm.world * MOST_ERROR);
    if (!errors) return RINS_FAIL(RINS_ERR_MEMORY, "no memory to join the other processes");
    return check(MPI_Comm_dup(MPI_COMM_WORLD, &errors->comm), "start");
}

/* Every process's error, where all fail before long. */
static bool gather_errors(Errors *errors, const char *error) {
    MPI_Request request;
    int done = 0;
    snprintf(errors->mine, sizeof errors->mine, "%s", error);
    if (MPI_Iallgather(errors->mine, MOST_ERROR, MPI_CHAR, errors->all, MOST_ERROR, MPI_CHAR, errors->comm, &request) !=
        MPI_SUCCESS)
        return false;
    for (const double begun = rins_clock(); !done && rins_clock() - begun < wait_for_others_s;) {
        if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
        if (!done) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    return done;
}

bool rins_mpi_speaks(RinsMpi *mpi, const char *error) {
    Errors *errors = mpi->impl;
    if (!errors || mpi->comm.world == 1) return true;
    mpi->all_failed = gather_errors(errors, error);
    for (int rank = 0; mpi->all_failed && rank < mpi->comm.rank; rank++)
        if (!strncmp(errors->all[rank], error, MOST_ERROR - 1)) return false;
    return true;
}

void rins_mpi_close(RinsMpi *mpi, int failure) {
    if (!mpi->open) return;
    if (failure && mpi->comm.world > 1 && !mpi->all_failed)
        MPI_Abort(MPI_COMM_WORLD, failure); /* mpirun's exit code too */
    Errors *errors = mpi->impl;
    if (errors) MPI_Comm_free(&errors->comm);
    free(errors);
    MPI_Finalize();
    *mpi = (RinsMpi){0};
}

#else

RinsStatus rins_mpi_open(RinsMpi *mpi) {
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    if (!size) size = getenv("PMI_SIZE");
    *mpi = (RinsMpi){.comm = {.world = 1}};
    if (!launched() || (size && atoi(size) <= 1)) return RINS_OK;
    return RINS_FAIL(RINS_ERR_UNSUPPORTED,
                     "several processes were started, but this program was built without MPI: install "
                     "libopenmpi-dev, then `meson configure build -Dmpi=enabled && ninja -C build`, with your build "
                     "folder's name");
}

bool rins_mpi_speaks(RinsMpi *mpi, const char *error) {
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    (void)mpi, (void)error;
    if (!rank) rank = getenv("PMI_RANK");
    if (!rank) rank = getenv("PMIX_RANK");
    return !rank || atoi(rank) == 0; /* what all lack */
}

void rins_mpi_close(RinsMpi *mpi, int failure) {
    (void)mpi, (void)failure;
}

#endif
