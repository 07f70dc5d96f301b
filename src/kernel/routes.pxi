# The routes that skip the steps, and which route a job takes.

cdef bint exact_float(
    const cell_t *cells, float *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right
    cdef float a = <float> job.a, b = <float> job.b
    if left == 0 and right == 0:
        for i in range(n):
            out[i] = <float> cells[i] * a + b
    elif left == right:
        for i in range(n):
            out[i] = <float> masked(cells[i], mask, sign) * a + b
    else:
        for i in range(n):
            out[i] = <float> shifted(cells[i], left, right) * a + b
    return False


cdef bint exact_int(
    const cell_t *cells, small_t *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right, a = <int> job.a, b = <int> job.b
    if sizeof(cell_t) == sizeof(small_t) and a == 1 and b == 0 and not (left or right):
        memcpy(out, cells, n * sizeof(small_t))  # a sample that stays as it is
    elif (cell_t is u16 or cell_t is u32) and a == 1 and b == 0 and left < right:
        for i in range(n):  # the upper bits, as of deep colour: in lanes as wide as a cell
            out[i] = <small_t> ((cells[i] >> (right - left)) & <cell_t> mask)
    elif left == right:
        for i in range(n):
            out[i] = <small_t> (<int> masked(cells[i], mask, sign) * a + b)
    else:
        for i in range(n):
            out[i] = <small_t> (<int> shifted(cells[i], left, right) * a + b)
    return False


cdef bint linear(
    const cell_t *cells, real_t *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint32_t mask = job.mask, sign = job.sign
    cdef int left = job.left, right = job.right
    cdef double slope = job.slope, intercept = job.intercept
    if left == right:
        for i in range(n):
            out[i] = <real_t> (<double> masked(cells[i], mask, sign) * slope + intercept)
    else:
        for i in range(n):
            out[i] = <real_t> (<double> shifted(cells[i], left, right) * slope + intercept)
    return False


cdef bint linear_floats(
    const float_cell_t *cells, real_t *out, Py_ssize_t n, const Job *job
) noexcept nogil:
    cdef Py_ssize_t i
    cdef double slope = job.slope, intercept = job.intercept, y
    cdef float zero = <float> intercept
    cdef bint bad = False
    if float_cell_t is f32 and real_t is float:
        if slope == 1.0 and intercept == 0.0:  # the sum is rounded once, to what it was
            for i in range(n):
                out[i] = cells[i] + zero
            return False
    for i in range(n):
        y = <double> cells[i] * slope + intercept
        out[i] = <real_t> y
        if real_t is float:
            bad |= (fabs(<double> out[i]) == INFINITY) & (fabs(y) != INFINITY)
    return bad


cdef inline void normalize(real_t *y, Py_ssize_t n, real_t lo, real_t hi) noexcept nogil:
    cdef Py_ssize_t i
    cdef real_t width = hi - lo, x
    for i in range(n):
        x = y[i]
        x = lo if x < lo else x
        x = hi if x > hi else x
        y[i] = (x - lo) / width


cdef bint is_whole(double x) noexcept nogil:
    return x == floor(x)


cdef void choose_route(Job *job) noexcept nogil:
    """Which route gives the bits of the steps at the lowest cost."""
    cdef double low = 0.0, high, size, y_low, y_high
    job.route = GENERAL
    if job.table != NULL or job.padded:
        return
    if job.cell == F32 or job.cell == F64:
        if not (job.mirrored or job.inverted or job.normalized) and (
            job.out == OUT_F32 or job.out == OUT_F64
        ):
            job.route = LINEAR_FLOATS
        return
    high = <double> (<uint64_t> 1 << job.bits) - 1.0
    if job.is_signed:
        low = -<double> (<uint64_t> 1 << (job.bits - 1))
        high = -low - 1.0
    if not (is_whole(job.slope) and is_whole(job.intercept)) or (
        job.inverted and not is_whole(job.peak)
    ):
        if not (job.mirrored or job.inverted or job.normalized) and (
            job.out == OUT_F64
            or (job.out == OUT_F32
                and max(-low, high) * fabs(job.slope) + fabs(job.intercept) < 1e38)
        ):
            job.route = LINEAR
        return
    # Every intermediate of every order of evaluation is below `size`.
    size = max(-low, high) + (fabs(job.mirror) if job.mirrored else 0.0)
    size = size * max(fabs(job.slope), 1.0) + fabs(job.intercept)
    size = size + (fabs(job.peak) if job.inverted else 0.0)
    job.a, job.b = job.slope, job.intercept
    if not size < 2147483648.0:
        return
    if job.mirrored:
        job.b = job.mirror * job.a + job.b
        job.a = -job.a
    if job.inverted:
        job.b = job.peak - job.b
        job.a = -job.a
    y_low = min(job.a * low, job.a * high) + job.b
    y_high = max(job.a * low, job.a * high) + job.b
    if job.out == OUT_F32:
        if job.normalized:
            if not (is_whole(job.lo) and is_whole(job.hi)):
                return
            size += fabs(job.lo) + fabs(job.hi)
        if size < 16777216.0:
            job.route = EXACT_FLOAT
        elif not (job.mirrored or job.inverted or job.normalized):
            job.route = LINEAR
    elif job.out == OUT_F64:
        if not (job.mirrored or job.inverted or job.normalized):
            job.route = LINEAR
    elif not job.normalized and (
        (job.out == OUT_I8 and y_low >= -128 and y_high <= 127)
        or (job.out == OUT_U8 and y_low >= 0 and y_high <= 255)
        or (job.out == OUT_I16 and y_low >= -32768 and y_high <= 32767)
        or (job.out == OUT_U16 and y_low >= 0 and y_high <= 65535)
        or job.out == OUT_I32
        or (job.out == OUT_U32 and y_low >= 0)
    ):
        job.route = EXACT_INT
