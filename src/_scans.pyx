# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The Huffman codes of a JPEG scan, walked over: how much of the image they code (T.81 F, G, H).

Nothing is made of the samples. A walk stays within its buffer whatever the bytes are, and ends
where they end.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memset

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize

include "scans/bits.pxi"
include "scans/tables.pxi"
include "scans/sequential.pxi"
include "scans/progressive.pxi"


cdef void _next_interval(Reader *reader, int *number) noexcept nogil:
    """Begin the next restart interval, which is empty where its marker is not the due one."""
    cdef bint is_due = next_marker(reader) == RST0 + number[0]
    start(reader, reader.at + 2 if is_due else reader.at)
    number[0] = (number[0] + 1) & 7


def find_segment(const uint8_t[::1] data not None, Py_ssize_t at):
    """Return where the next marker is that a segment or the end of the image follows; -1: nowhere.

    Bytes between markers are passed over, as decoders do.
    """
    cdef Reader reader
    cdef int marker
    with nogil:
        open_reader(&reader, data, at)
        marker = next_marker(&reader)
        while marker == 0x01 or RST0 <= marker <= 0xD8:
            reader.at += 2
            marker = next_marker(&reader)
    return reader.at - reader.first if marker else -1


def find_scan(const uint8_t[::1] data not None, Py_ssize_t at):
    """Return where the next two bytes of a marker SOS (T.81 B.2.3) are, from `at` on; -1: nowhere.

    They need not be a marker: a table may hold the same bytes.
    """
    cdef Py_ssize_t end = data.shape[0] - 1  # the last byte begins no marker
    cdef const uint8_t *first
    cdef const uint8_t *found
    if not 0 <= at < end:
        return -1
    first = &data[0]
    with nogil:
        while at < end:
            found = <const uint8_t *>memchr(first + at, 0xFF, end - at)
            if found == NULL:
                break
            at = found - first
            if found[1] == SOS:
                break
            at += 1
        else:
            found = NULL
    return at if found != NULL else -1


def walk_sequential(
    const uint8_t[::1] data not None, Py_ssize_t at, bytes tables not None,
    const uint8_t[::1] blocks not None, int64_t count, int64_t interval, bint lossless,
):
    """Walk over a scan of sequential DCT or of lossless JPEG.

    Parameters
    ----------
    data : buffer
        The whole frame.
    at : int
        Where the codes begin.
    tables : bytes
        From `make_tables`.
    blocks : buffer
        Two bytes for each block of an MCU: which table its DC coefficient has (or its difference,
        in lossless JPEG), and which its AC coefficients.
    count : int
        MCUs of the scan.
    interval : int
        MCUs between two restart markers; 0: there are none.
    lossless : bool
        A block is one difference.

    Returns
    -------
    whole : int
        MCUs before the first that is not coded whole.
    end : int
        Where the marker behind the codes is.
    """
    cdef int64_t done = 0
    cdef int number = 0
    cdef Py_ssize_t b, per_mcu = blocks.shape[0] // 2
    cdef Py_ssize_t tables_count = len(tables) // <Py_ssize_t>sizeof(Table)
    cdef Reader reader
    for b in range(2 * per_mcu):
        if blocks[b] >= tables_count:
            raise ValueError("a block without a table")
    cdef const Table *made = <const Table *>PyBytes_AS_STRING(tables)
    with nogil:
        open_reader(&reader, data, at)
        while done < count:
            if interval and done and done % interval == 0:
                _next_interval(&reader, &number)
            for b in range(per_mcu):
                if lossless:
                    pass_difference(&reader, &made[blocks[2 * b]])
                else:
                    pass_block(&reader, &made[blocks[2 * b]], &made[blocks[2 * b + 1]])
            if is_beyond_end(&reader):
                break
            done += 1
        next_marker(&reader)
    return done, reader.at - reader.first


def walk_dc(
    const uint8_t[::1] data not None, Py_ssize_t at, bytes tables not None,
    const uint8_t[::1] blocks not None, int64_t count, int64_t interval, bint refines,
):
    """Walk over a scan of DC coefficients of progressive JPEG; see `walk_sequential`.

    Parameters
    ----------
    data, at, tables, count, interval
        As there.
    blocks : buffer
        For each block of an MCU, its table.
    refines : bool
        Each block has a bit more, and no code.
    """
    cdef int64_t done = 0
    cdef int number = 0
    cdef Py_ssize_t b
    cdef Py_ssize_t tables_count = len(tables) // <Py_ssize_t>sizeof(Table)
    cdef Reader reader
    for b in range(blocks.shape[0]):
        if not refines and blocks[b] >= tables_count:
            raise ValueError("a block without a table")
    cdef const Table *made = <const Table *>PyBytes_AS_STRING(tables)
    with nogil:
        open_reader(&reader, data, at)
        while done < count:
            if interval and done and done % interval == 0:
                _next_interval(&reader, &number)
            for b in range(blocks.shape[0]):
                if refines:
                    fill(&reader)
                    take(&reader, 1)
                else:
                    pass_difference(&reader, &made[blocks[b]])
            if is_beyond_end(&reader):
                break
            done += 1
        next_marker(&reader)
    return done, reader.at - reader.first


def walk_ac(
    const uint8_t[::1] data not None, Py_ssize_t at, bytes table not None,
    uint64_t[:, ::1] known not None, Py_ssize_t rows, Py_ssize_t columns, int64_t interval,
    int first, int last, bint refines,
):
    """Walk over a scan of AC coefficients of progressive JPEG; see `walk_sequential`.

    Parameters
    ----------
    data, at, interval
        As there.
    table : bytes
        The one table, from `make_tables`: of bands.
    known : buffer
        For each block, which coefficients are known not to be 0: changed.
    rows, columns : int
        Blocks of the scan.
    first, last : int
        The coefficients of the scan, in zigzag order.
    refines : bool
        Coefficients that are known get a bit more.
    """
    cdef int64_t done = 0, count = rows * columns
    cdef int number = 0
    cdef uint32_t run = 0
    cdef Reader reader
    if not (0 < first <= last <= 63 and rows <= known.shape[0] and columns <= known.shape[1]
            and len(table) == <Py_ssize_t>sizeof(Table)):
        raise ValueError("a scan without such coefficients")
    cdef const Table *made = <const Table *>PyBytes_AS_STRING(table)
    with nogil:
        open_reader(&reader, data, at)
        while done < count:
            if interval and done and done % interval == 0:
                _next_interval(&reader, &number)
                run = 0
            if refines:
                refine_band(&reader, made, &known[done // columns, done % columns],
                            first, last, &run)
            else:
                pass_band(&reader, made, &known[done // columns, done % columns],
                          first, last, &run)
            if is_beyond_end(&reader):
                break
            done += 1
        next_marker(&reader)
    return done, reader.at - reader.first
