# A file's values: the frames that are wanted, and the maximum of all of them.

cdef struct Wanted:  # of a file: frames, or parts of frames that follow each other
    const int64_t *starts  # the cells where its parts begin
    Py_ssize_t parts, size  # how many there are, and cells of each
    Py_ssize_t all  # the cells that the maximum is taken of; 0: there is no need


cdef bint find_peak(
    const uint8_t *cells, Py_ssize_t skip, Py_ssize_t total, const Job *job, double *peak
) noexcept nogil:
    """The maximum of y; whether there is any."""
    if job.cell == F32 or job.cell == F64 or job.table != NULL or job.padded:
        return peak_of_values(cells, skip, total, job, peak)
    peak[0] = peak_of_integers(cells, skip, total, job)
    return True


cdef void set_peak(const uint8_t *cells, const Wanted *wanted, Job *job) noexcept nogil:
    """Invert by the maximum of y over all frames; by 0 where all cells are padding."""
    if not find_peak(cells, 0, wanted.all, job, &job.peak):
        job.peak = 0.0
    job.inverted = True


cdef bint scale_file(
    const uint8_t *cells, const Wanted *wanted, void *out, Py_ssize_t itemsize, Job *job
) noexcept nogil:
    """Fill an array; False where a value does not fit."""
    cdef Py_ssize_t k
    cdef uint8_t *place = <uint8_t *> out
    if wanted.all:
        set_peak(cells, wanted, job)
        choose_route(job)
        choose_loops(job)
    for k in range(wanted.parts):
        if run(cells, wanted.starts[k], place, wanted.size, itemsize, job) >= 0:
            return False
        place += wanted.size * itemsize
    return True
