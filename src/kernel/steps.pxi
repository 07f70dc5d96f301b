# The steps from stored values to output values, each a loop over a block of doubles.

cdef void modality(double *v, double *y, Py_ssize_t n, const Job *job) noexcept nogil:
    """Stored values v to modality values y: the table, or slope and intercept."""
    cdef Py_ssize_t i, last = job.entries - 1
    cdef double slope = job.slope, intercept = job.intercept, mirror = job.mirror, x
    if job.table != NULL:
        for i in range(n):
            x = v[i] - job.first
            y[i] = job.table[0 if x < 0 else (last if x > last else <Py_ssize_t> x)]
        return
    if job.mirrored:
        for i in range(n):
            y[i] = (mirror - v[i]) * slope + intercept
    else:
        for i in range(n):
            y[i] = v[i] * slope + intercept


cdef void invert(double *y, Py_ssize_t n, double peak) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = peak - y[i]


cdef void pad(double *v, double *y, Py_ssize_t n, const Job *job) noexcept nogil:
    cdef Py_ssize_t i
    cdef double first = job.pad_first, last = job.pad_last, value = job.pad_value
    for i in range(n):
        y[i] = value if (v[i] >= first) & (v[i] <= last) else y[i]


cdef Py_ssize_t store(const double *y, out_t *out, Py_ssize_t n) noexcept nogil:
    """One rounding to the output type; the index of the first value that it cannot hold, or -1."""
    cdef Py_ssize_t i
    cdef double low, high, x  # low <= y < high
    cdef bint bad = False
    if out_t is double:
        for i in range(n):
            out[i] = y[i]
        return -1
    elif out_t is float:
        for i in range(n):
            out[i] = <float> y[i]
            bad |= (fabs(<double> out[i]) == INFINITY) & (fabs(y[i]) != INFINITY)
        if bad:
            for i in range(n):
                if fabs(<double> out[i]) == INFINITY and fabs(y[i]) != INFINITY:
                    return i
        return -1
    else:
        if out_t is int64_t:
            low, high = -9223372036854775808.0, 9223372036854775808.0
        elif out_t is uint64_t:
            low, high = 0.0, 18446744073709551616.0
        else:
            high = <double> (<uint64_t> 1 << (8 * sizeof(out_t)))
            low = 0.0
            if out_t is schar or out_t is short or out_t is int:
                high = high / 2
                low = -high
        for i in range(n):
            x = y[i] if (low <= y[i]) & (y[i] < high) else 0.0  # NaN is nowhere between
            if out_t is uint64_t:
                out[i] = <uint64_t> x
            elif out_t is int64_t or out_t is uint:
                out[i] = <out_t> <int64_t> x
            else:
                out[i] = <out_t> <int> x
            bad |= <double> out[i] != y[i]
        if bad:
            for i in range(n):
                if not (low <= y[i] and y[i] < high) or y[i] != floor(y[i]):
                    return i
        return -1
