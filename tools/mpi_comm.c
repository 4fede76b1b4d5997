#include "tools/mpi_comm.h"

#include <stdlib.h>

/* What launchers tell their processes: Open MPI, MPICH and Slurm's PMI, PMIx. */
static bool launched(void) {
    return getenv("OMPI_COMM_WORLD_SIZE") || getenv("PMI_SIZE") || getenv("PMIX_RANK");
}

#ifdef RINS_MPI

#include <limits.h>
#include <mpi.h>

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
    return RINS_OK;
}

void rins_mpi_close(RinsMpi *mpi, int failure) {
    if (!mpi->open) return;
    if (failure && mpi->comm.world > 1) MPI_Abort(MPI_COMM_WORLD, failure); /* mpirun's exit code too */
    MPI_Finalize();
    mpi->open = false;
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

void rins_mpi_close(RinsMpi *mpi, int failure) {
    (void)mpi, (void)failure;
}

#endif
