# A file's values: the frames that are wanted, and the maximum of all of them.

cdef struct Wanted:  # of a file: frames, or parts of frames that follow each other
    const int64_t *starts  # the cells where its parts begin
    Py_ssize_t parts, size  # how many there are, and cells of each
    Py_ssize_t all  # the cells that the maximum is taken of; 0: there is no need


cdef void invert_by_peak(const uint8_t *cells, const Wanted *wanted, Job *job) noexcept nogil:
    """Settle a job that inverts by the maximum of y: 0 where all cells are padding."""
    job.inverted = False
    if not peak_of(cells, 0, wanted.all, job, &job.peak):
        job.peak = 0.0
    job.inverted = True
    choose_route(job)
    choose_loops(job)
    tabulate(job, wanted.parts * wanted.size)


cdef bint scale_file(
    const uint8_t *cells, const Wanted *wanted, void *out, Job *job
) noexcept nogil:
    """Fill an array; False where a value does not fit."""
    cdef Py_ssize_t k
    cdef uint8_t *place = <uint8_t *> out
    cdef bint fits = True
    if wanted.all:
        invert_by_peak(cells, wanted, job)
    for k in range(wanted.parts):
        if run(cells, wanted.starts[k], place, wanted.size, job) >= 0:
            fits = False
            break
        place += wanted.size * job.itemsize
    if wanted.all:
        free(job.values)
        job.values = NULL
    return fits
