/* The processes that mpirun started, as one training. */
#ifndef RINS_TOOLS_MPI_COMM_H
#define RINS_TOOLS_MPI_COMM_H

#include "src/device/comm.h"

typedef struct RinsMpi {
    RinsComm comm;
    bool open, all_failed;
    void *impl;
} RinsMpi;

/* Joins the others where mpirun, or another launcher of Open MPI's or MPICH's, started several; else one process,
   without a word to MPI. RINS_ERR_UNSUPPORTED where several were started and this program was built without MPI. */
RinsStatus rins_mpi_open(RinsMpi *mpi);

/* Called by a process that failed, with its error: is this the one to print it? What all have in common only rank 0 says. An
   error that others do not have is seen after a moment of waiting for them. */
bool rins_mpi_speaks(RinsMpi *mpi, const char *error);

/* Of all, to be reached by all. failure: 0, or the exit code of a process that failed alone, which ends the others too,
   as they would wait for it for ever. Harmless on one process. */
void rins_mpi_close(RinsMpi *mpi, int failure);

#endif
