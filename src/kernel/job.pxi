# The numbers of `fastpix.kernel.steps.Steps`, as the C struct that every loop reads.

cdef Cell cell_of(str cell, bint is_signed):
    cdef Py_UCS4 kind = cell[0], size = cell[1]
    if kind == "f":
        return F32 if size == "4" else F64
    if kind == "b" or size == "1":
        return I8 if is_signed else U8
    if size == "2":
        return I16 if is_signed else U16
    return I32 if is_signed else U32


cdef Out out_of(const Py_buffer *buffer) noexcept:
    """The dtype of an output array, from the one letter that the buffer protocol has for it."""
    cdef char kind = buffer.format[0]
    cdef bint is_signed = kind in b"bhilq"
    if kind == b"f":
        return OUT_F32
    if kind == b"d":
        return OUT_F64
    if buffer.itemsize == 1:
        return OUT_I8 if is_signed else OUT_U8
    if buffer.itemsize == 2:
        return OUT_I16 if is_signed else OUT_U16
    if buffer.itemsize == 4:
        return OUT_I32 if is_signed else OUT_U32
    return OUT_I64 if is_signed else OUT_U64


cdef void set_bits(
    Job *job, int allocated, int high_bit, int bits, bint is_signed
) noexcept nogil:
    """Which bits of an integer cell the job takes."""
    job.bits = bits
    job.left = allocated - 1 - high_bit
    job.right = allocated - bits
    job.mask = <uint32_t> ((<uint64_t> 1 << bits) - 1)
    job.sign = <uint32_t> ((<uint64_t> 1 << (bits - 1)) if is_signed else 0)


cdef int fill(Job *job, steps) except -1:
    """The numbers of `steps` (see `fastpix.kernel.steps.Steps`) as a C struct."""
    cdef str cell
    cdef bint is_signed
    cdef int allocated, high_bit, bits
    (cell, job.swap, high_bit, bits, is_signed, mirror, table, job.first, job.slope, job.intercept,
     peak, limits, padding, job.shift) = steps
    cdef const uint8_t[::1] entries
    job.values = NULL
    job.cell = cell_of(cell, is_signed)
    job.load = LOADS[<int> job.cell]
    job.highest = HIGHESTS[<int> job.cell]
    job.highest_kept = HIGHESTS_KEPT[<int> job.cell]
    job.packed = cell[0] == "b"
    allocated = 8 if job.packed else 8 * (<int> ord(cell[1]) - 48)
    job.is_signed = is_signed
    if cell[0] == "f":
        job.bits, job.left, job.right = bits, 0, 0
        job.mask, job.sign = 0, 0  # float cells have neither
    else:  # the bits that a shift drops are left out from the beginning
        set_bits(job, allocated, high_bit, bits - job.shift, is_signed)
    job.mirrored = mirror is not None
    if job.mirrored:
        job.mirror = mirror
    job.table = NULL
    if table is not None:
        entries = table  # the bytes live as long as `steps`, which the caller holds
        job.table = <const double *> &entries[0]
        job.entries = entries.shape[0] // sizeof(double)
    job.inverted = peak is not None
    if job.inverted:
        job.peak = peak
    job.normalized = limits is not None
    if job.normalized:
        job.lo, job.hi = limits
    job.padded = padding is not None
    if job.padded:
        job.pad_first, job.pad_last, job.pad_value = padding
    return 0
