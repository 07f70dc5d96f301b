# Frames of native cells, each with a slope and an intercept of its own, in any order.

cdef struct FrameColumns:  # an entry for each frame
    const int64_t *starts  # the cell where it begins
    const int64_t *places  # the row of the output that it fills
    const double *slopes  # one, or one a frame
    const double *intercepts
    Py_ssize_t count, rescales


cdef Py_ssize_t run_frames(
    const uint8_t *cells, const FrameColumns *frames, uint8_t *out, Py_ssize_t size, Job *job
) noexcept nogil:
    """The place in the output of the first value that does not fit, frame by frame, or -1."""
    cdef Py_ssize_t k, place, bad
    for k in range(frames.count):
        if k < frames.rescales:
            job.slope, job.intercept = frames.slopes[k], frames.intercepts[k]
            free(job.values)
            job.values = NULL
            choose_route(job)
            choose_loops(job)
            tabulate(job, size if frames.rescales > 1 else frames.count * size)
        place = frames.places[k] * size
        bad = run(cells, frames.starts[k], out + place * job.itemsize, size, job)
        if bad >= 0:
            return place + bad
    return -1
