# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""The Huffman codes of a JPEG scan, walked over: how much of the image they code (T.81 F, G, H).

Nothing is made of the samples. A walk stays within its buffer whatever the bytes are, and ends
where they end.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memset

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize

include "scans/bits.pxi"
include "scans/tables.pxi"
include "scans/sequential.pxi"
include "scans/progressive.pxi"


cdef enum Step:  # what is passed for each MCU of a scan
    DIFFERENCES
    BLOCKS
    DC_CODES
    DC_BITS
    BAND
    BAND_BITS

cdef struct Scan:
    Step step
    int64_t count  # MCUs
    int64_t interval  # MCUs between two restart markers; 0: there are none
    const Table *tables
    const uint8_t *blocks  # which tables the blocks of an MCU have
    Py_ssize_t blocks_count
    uint64_t *known  # of each block of a band: which coefficients are not 0
    Py_ssize_t columns, pitch  # blocks of a row: in the scan, and in `known`
    int first, last  # the coefficients of a band, in zigzag order
    uint32_t run  # blocks that end before the band begins


cdef inline void pass_mcu(Reader *reader, Scan *scan, int64_t number) noexcept nogil:
    """Pass one MCU, or one block of a band."""
    cdef Py_ssize_t b, _
    cdef uint64_t *known
    if scan.step == DIFFERENCES:
        for b in range(scan.blocks_count):
            pass_difference(reader, &scan.tables[scan.blocks[2 * b]])
    elif scan.step == BLOCKS:
        for b in range(scan.blocks_count):
            pass_block(reader, &scan.tables[scan.blocks[2 * b]],
                       &scan.tables[scan.blocks[2 * b + 1]])
    elif scan.step == DC_CODES:
        for b in range(scan.blocks_count):
            pass_difference(reader, &scan.tables[scan.blocks[b]])
    elif scan.step == DC_BITS:
        for _ in range(scan.blocks_count):
            fill(reader)
            take(reader, 1)
    else:
        known = &scan.known[number // scan.columns * scan.pitch + number % scan.columns]
        if scan.step == BAND:
            pass_band(reader, scan.tables, known, scan.first, scan.last, &scan.run)
        else:
            refine_band(reader, scan.tables, known, scan.first, scan.last, &scan.run)


cdef int64_t pass_scan(Reader *reader, Scan *scan) noexcept nogil:
    """Pass the MCUs that are coded whole, and return how many they are; go to the next marker."""
    cdef int64_t done = 0
    cdef int due = 0  # the number of the next restart marker
    cdef bint is_due
    while done < scan.count:
        if scan.interval and done and done % scan.interval == 0:
            # the interval is empty where its marker is not the due one
            is_due = next_marker(reader) == RST0 + due
            start(reader, reader.at + 2 if is_due else reader.at)
            due = (due + 1) & 7
            scan.run = 0
        pass_mcu(reader, scan, done)
        if is_beyond_end(reader):
            break
        done += 1
    next_marker(reader)
    return done


cdef tuple _walked(const uint8_t[::1] data, Py_ssize_t at, Scan *scan):
    cdef Reader reader
    cdef int64_t done
    with nogil:
        open_reader(&reader, data, at)
        done = pass_scan(&reader, scan)
    return done, reader.at - reader.first


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
    cdef Scan scan
    cdef Py_ssize_t b
    memset(&scan, 0, sizeof(Scan))
    for b in range(blocks.shape[0]):
        if blocks[b] >= len(tables) // <Py_ssize_t>sizeof(Table):
            raise ValueError("a block without a table")
    scan.step = DIFFERENCES if lossless else BLOCKS
    scan.count, scan.interval = count, interval
    scan.tables = <const Table *>PyBytes_AsString(tables)
    scan.blocks_count = blocks.shape[0] // 2
    scan.blocks = &blocks[0] if scan.blocks_count else NULL
    return _walked(data, at, &scan)


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
    cdef Scan scan
    cdef Py_ssize_t b
    memset(&scan, 0, sizeof(Scan))
    for b in range(blocks.shape[0]):
        if not refines and blocks[b] >= len(tables) // <Py_ssize_t>sizeof(Table):
            raise ValueError("a block without a table")
    scan.step = DC_BITS if refines else DC_CODES
    scan.count, scan.interval = count, interval
    scan.tables = <const Table *>PyBytes_AsString(tables)
    scan.blocks_count = blocks.shape[0]
    scan.blocks = &blocks[0] if scan.blocks_count else NULL
    return _walked(data, at, &scan)


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
    cdef Scan scan
    memset(&scan, 0, sizeof(Scan))
    if not (0 < first <= last <= 63 and rows <= known.shape[0] and columns <= known.shape[1]
            and len(table) == <Py_ssize_t>sizeof(Table)):
        raise ValueError("a scan without such coefficients")
    scan.step = BAND_BITS if refines else BAND
    scan.count, scan.interval = rows * columns, interval
    scan.tables = <const Table *>PyBytes_AsString(table)
    scan.known = &known[0, 0] if scan.count > 0 else NULL
    scan.columns, scan.pitch = columns, known.shape[1]
    scan.first, scan.last = first, last
    return _walked(data, at, &scan)
