# Tables of the loops, one for each combination of types, and the choice of a job's loops.
#
# Which route covers which job (`choose_route`); "steps" is the route GENERAL.
#
#   cells            output       mirror, peak   normalize   padding, table   route
#   integer, exact   float32      any            any         none             EXACT_FLOAT
#   integer, exact   8 to 32 bit  any            none        none             EXACT_INT
#   integer          float        none           none        none             LINEAR
#   float            float        none           none        none             LINEAR_FLOATS
#   up to 16 bits    any          any            any         any              LOOKUP
#   all other jobs                                                            steps
#
# "Exact": slope, intercept, peak and limits are whole numbers, and every intermediate is below
# 2**24 for float32, and below 2**31 for integers, whose output holds every value that the stored
# bits can give (int64 and uint64 always take the steps). LINEAR to float32 needs values that are
# far from infinity, and comes second to EXACT_FLOAT. LINEAR_FLOATS leaves a block to the steps
# where a value is too large for float32.
#
# LOOKUP (lookup.pxi) comes last before the steps. It needs a table of a Modality LUT or at most 256
# stored values, several times as many pixels, and an output that holds each of the values.
#
# Colour (color.pxi) takes the route of its samples; those that stay as they are, in an output as
# wide, are only moved. YBR_FULL of 8 bits becomes bytes of RGB first (ybr.pxi). Palettes take
# LOOKUP. The peak is that of an extreme stored value; with a table, of the stored values that
# occur.
#
# The loops take pointers to their own types, and a table has them as pointers to void.

cdef Load[8] LOADS
LOADS[:] = [
    <Load> to_doubles[i8],
    <Load> to_doubles[u8],
    <Load> to_doubles[i16],
    <Load> to_doubles[u16],
    <Load> to_doubles[i32],
    <Load> to_doubles[u32],
    <Load> floats_to_doubles[f32],
    <Load> floats_to_doubles[f64],
]

cdef Highest[8] HIGHESTS
HIGHESTS[:] = [
    <Highest> highest[i8],
    <Highest> highest[u8],
    <Highest> highest[i16],
    <Highest> highest[u16],
    <Highest> highest[i32],
    <Highest> highest[u32],
    NULL,
    NULL,
]

cdef Highest[8] HIGHESTS_KEPT
HIGHESTS_KEPT[:] = [
    <Highest> highest_kept[i8],
    <Highest> highest_kept[u8],
    <Highest> highest_kept[i16],
    <Highest> highest_kept[u16],
    NULL,
    NULL,
    NULL,
    NULL,
]

cdef Store[10] STORES
STORES[:] = [
    <Store> store[schar],
    <Store> store[uchar],
    <Store> store[short],
    <Store> store[ushort],
    <Store> store[int],
    <Store> store[uint],
    <Store> store[int64_t],
    <Store> store[uint64_t],
    <Store> store[float],
    <Store> store[double],
]

cdef Convert[6] EXACT_FLOATS
EXACT_FLOATS[:] = [
    <Convert> exact_float[i8],
    <Convert> exact_float[u8],
    <Convert> exact_float[i16],
    <Convert> exact_float[u16],
    <Convert> exact_float[i32],
    <Convert> exact_float[u32],
]

# By output, and by cell in a row.
cdef Convert[36] EXACT_INTS
EXACT_INTS[:] = [
    <Convert> exact_int[i8, schar],
    <Convert> exact_int[u8, schar],
    <Convert> exact_int[i16, schar],
    <Convert> exact_int[u16, schar],
    <Convert> exact_int[i32, schar],
    <Convert> exact_int[u32, schar],
    <Convert> exact_int[i8, uchar],
    <Convert> exact_int[u8, uchar],
    <Convert> exact_int[i16, uchar],
    <Convert> exact_int[u16, uchar],
    <Convert> exact_int[i32, uchar],
    <Convert> exact_int[u32, uchar],
    <Convert> exact_int[i8, short],
    <Convert> exact_int[u8, short],
    <Convert> exact_int[i16, short],
    <Convert> exact_int[u16, short],
    <Convert> exact_int[i32, short],
    <Convert> exact_int[u32, short],
    <Convert> exact_int[i8, ushort],
    <Convert> exact_int[u8, ushort],
    <Convert> exact_int[i16, ushort],
    <Convert> exact_int[u16, ushort],
    <Convert> exact_int[i32, ushort],
    <Convert> exact_int[u32, ushort],
    <Convert> exact_int[i8, int],
    <Convert> exact_int[u8, int],
    <Convert> exact_int[i16, int],
    <Convert> exact_int[u16, int],
    <Convert> exact_int[i32, int],
    <Convert> exact_int[u32, int],
    <Convert> exact_int[i8, uint],
    <Convert> exact_int[u8, uint],
    <Convert> exact_int[i16, uint],
    <Convert> exact_int[u16, uint],
    <Convert> exact_int[i32, uint],
    <Convert> exact_int[u32, uint],
]

cdef Convert[12] LINEARS
LINEARS[:] = [
    <Convert> linear[i8, float],
    <Convert> linear[u8, float],
    <Convert> linear[i16, float],
    <Convert> linear[u16, float],
    <Convert> linear[i32, float],
    <Convert> linear[u32, float],
    <Convert> linear[i8, double],
    <Convert> linear[u8, double],
    <Convert> linear[i16, double],
    <Convert> linear[u16, double],
    <Convert> linear[i32, double],
    <Convert> linear[u32, double],
]

# By output, and by cell in a row.
cdef Convert[4] LINEAR_FLOAT_LOOPS
LINEAR_FLOAT_LOOPS[:] = [
    <Convert> linear_floats[f32, float],
    <Convert> linear_floats[f64, float],
    <Convert> linear_floats[f32, double],
    <Convert> linear_floats[f64, double],
]

cdef Places[4] PLACES
PLACES[:] = [
    <Places> places_of[i8],
    <Places> places_of[u8],
    <Places> places_of[i16],
    <Places> places_of[u16],
]


cdef void choose_loops(Job *job) noexcept nogil:
    """The loops of the job's route and types."""
    job.store = STORES[<int> job.out]
    if job.route == EXACT_FLOAT:
        job.convert = EXACT_FLOATS[<int> job.cell]
    elif job.route == EXACT_INT:
        job.convert = EXACT_INTS[6 * <int> job.out + <int> job.cell]
    elif job.route == LINEAR:
        job.convert = LINEARS[6 * (job.out == OUT_F64) + <int> job.cell]
    elif job.route == LINEAR_FLOATS:
        job.convert = LINEAR_FLOAT_LOOPS[2 * (job.out == OUT_F64) + (job.cell == F64)]
    else:
        job.convert = NULL


cdef void set_output(Job *job, const Py_buffer *target) noexcept:
    """The type of the output, and with it the route and the loops."""
    job.out = out_of(target)
    job.itemsize = target.itemsize
    choose_route(job)
    choose_loops(job)
