# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""A walk over the structure of a regular DICOM file (PS3.5 chapter 7, PS3.10 chapter 7).

It takes out the elements that the pixel header, a sidecar and the geometry of a volume are made of,
and where Pixel Data lies, and goes on to the end of the file. Nothing is guessed: whatever is not
regular in every respect ends the walk, and the file is left to pydicom. Every read is checked
against the bytes at hand, and there is no recursion. Memory is bounded by what is taken out: a few
short elements, look-up tables, and the functional groups of each frame whose groups differ from
those of the frame before.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcmp, memcpy

from element cimport (
    END_OF_ITEM, END_OF_SEQUENCE, GROUP_OF_ITEMS, ITEM_TAG, PAIRS_OF_LETTERS, UNDEFINED, head_size,
    is_capital, read_explicit_head, tag_at, u16, u32, vr_of,
)

from array import array

from fastpix.standard.indexed import INDEXED_ROWS
from fastpix.standard.tags import Tag
from fastpix.standard.vrs import HEAD_BYTES

cdef extern from "Python.h":
    double PyOS_string_to_double(const char *text, char **end, PyObject *overflow) except? -1.0

cdef extern from "read_file.h":
    ptrdiff_t fastpix_read_file(const char *path, char *target, size_t room) nogil

cdef extern from "cells.h":
    const char *FASTPIX_CELLS
    ctypedef struct fastpix_cells:
        const uint8_t *(*next)(void *state, ptrdiff_t k) noexcept nogil
        void *state

cdef enum:
    SHORT_HEAD = 8  # bytes before a value
    LONG_HEAD = 12
    META = 132  # where File Meta begins: after preamble and prefix
    DEEPEST = 32  # levels of sequences and items of undefined length
    SMALLEST_ROOM = 1024  # bytes for entries, once there are any
    LONGEST = 1024  # bytes of a value that is taken out
    LONGEST_NUMBER = 64  # characters of a number that is read at once
    LONGEST_LUT = 0x40000  # and of a look-up table: 65536 entries, or many segments
    SEQUENCES = 64  # different tags of undefined length without a VR
    ROWS = 512  # of the table, at the most
    PLACES = 32
    NOWHERE = -1  # the place of elements that the table does not know

cdef enum Result:
    WHOLE, MORE, IRREGULAR, DEFLATED  # what `Walk.on` returns

cdef enum Encoding:  # of the data set
    EXPLICIT, IMPLICIT, BIG_ENDIAN, DEFLATE

cdef enum Kind:  # of a level
    ITEMS, ITEM, FRAGMENTS

cdef enum Form:  # what is taken of an element: `fastpix.standard.indexed.Form`
    WORD = 1
    TEXT = 2
    TEXTS = 3
    BINARY = 4
    PRESENCE = 5
    PIXELS = 6
    OFFSETS = 7
    LUT = 8
    SEQUENCE = 9
    FRAMES = 10

cdef enum Purpose:  # `fastpix.standard.indexed.Purpose`; what is greater does not bear on pixels
    OF_PIXELS = 0
    OF_SCALE = 1
    OF_IDENTITY = 2

cdef enum:  # of `fastpix.standard.indexed.Place`
    GROUPS = 2

cdef struct Level:
    Kind kind
    bint implicit  # the elements of an item have no VR
    bint bare  # the items of a UN element, which hold implicit VR (PS3.5 6.2.2)
    bint is_frame  # the items of Per-Frame Functional Groups
    int64_t end  # of an item or a sequence; -1 where a delimiter ends it
    int place  # of the elements of its items, or of the item
    int64_t values[2]  # where its value begins in the entries, by `target`; -1: it has none
    int64_t last  # of an item: the tag before
    int row  # of an item: the first whose last tag is not below the last one asked for

cdef enum:  # VRs of PS3.5 6.2 whose elements have a structure, as `vr_of` gives them
    OB = 0x4F42
    OW = 0x4F57
    SQ = 0x5351
    UI = 0x5549
    UL = 0x554C
    UN = 0x554E
    # In place of one: what follows on an element of undefined length that has none.
    AN_ITEM = 0x3F49  # ?I
    A_DELIMITER = 0x3F44  # ?D

cdef uint8_t _head_bytes[PAIRS_OF_LETTERS]
memcpy(_head_bytes, PyBytes_AsString(HEAD_BYTES), PAIRS_OF_LETTERS)

cdef uint32_t GROUP_LENGTH_OF_META = Tag.FileMetaInformationGroupLength
cdef uint32_t VERSION_OF_META = Tag.FileMetaInformationVersion
cdef uint32_t TRANSFER_SYNTAX = Tag.TransferSyntaxUID
cdef uint32_t CHARACTER_SET = Tag.SpecificCharacterSet
cdef uint32_t LENGTHS_OF_FRAMES = Tag.ExtendedOffsetTableLengths
cdef uint32_t PIXEL_DATA = Tag.PixelData
cdef uint32_t FLOAT_PIXELS = Tag.FloatPixelData
cdef uint32_t DOUBLE_PIXELS = Tag.DoubleFloatPixelData


include "index/rules.pxi"
include "index/entries.pxi"


cdef class Walk:
    """A walk over a file of `size` bytes, given the parts of it that it asks for.

    Parameters
    ----------
    size : int
    stops_at_fragments : bool
        The walk ends where the fragments of Pixel Data begin, and takes all that follows for them.
    only_pixels : bool
        Identity, geometry and grouping are left out.

    Attributes
    ----------
    at : int
        The byte where the walk stands: where the next part must begin.
    wanted : int
        The bytes that the next part must have; 0: any number will do.
    in_fragments : bool
        It goes from fragment to fragment of Pixel Data, so that a small part will do.
    implicit, big_endian : bool
        How the elements of the data set are encoded.
    data_set : int
        Where the data set begins.
    start, length : int
        Of the value of Pixel Data. An encapsulated one has fragments, and no delimiter in it.
    encapsulated : bool
    table_start, table_length : tuple of int
        Of the values of Extended Offset Table and Extended Offset Table Lengths; -1: absent.
    frames : int
        Items of Per-Frame Functional Groups.
    is_complete : bool
        `identity_entries` has all that the table names and the file has, if it was to have any.
    """

    cdef readonly int64_t at, size, data_set, start, length, wanted
    cdef readonly bint implicit, big_endian, encapsulated, is_complete
    cdef int64_t tables[4]
    cdef int64_t last  # the tag before
    cdef Encoding encoding
    cdef int depth
    cdef int sequences
    cdef int row  # of the table: the first whose last tag is not below the last one asked for
    cdef bint in_meta, has_pixels, in_frame
    cdef bint is_deflated  # the walk waits for what the data set inflates to
    cdef bint only_pixels  # identity is left out
    cdef bint stops_at_fragments
    cdef Level levels[DEEPEST]
    cdef uint32_t sequence_tags[SEQUENCES]
    cdef bint sequence_items[SEQUENCES]
    cdef Entries of_pixels, of_scale, of_identity
    cdef Runs frame_pixels, frame_identity

    def __cinit__(self, int64_t size, bint stops_at_fragments=False, bint only_pixels=False):
        self.stops_at_fragments = stops_at_fragments
        self.only_pixels = only_pixels
        begin(self, size)

    def __dealloc__(self):
        free(self.of_pixels.bytes)
        free(self.of_scale.bytes)
        free(self.of_identity.bytes)
        free(self.frame_pixels.entries.bytes)
        free(self.frame_pixels.ends.bytes)
        free(self.frame_identity.entries.bytes)
        free(self.frame_identity.ends.bytes)

    @property
    def in_fragments(self):
        return self.depth == 1 and self.levels[0].kind == FRAGMENTS

    @property
    def table_start(self):
        return self.tables[0], self.tables[2]

    @property
    def table_length(self):
        return self.tables[1], self.tables[3]

    @property
    def frames(self):
        return self.frame_pixels.frames

    def on(self, const uint8_t[::1] part not None, int64_t base):
        """Go on over a part of the file that begins at byte `base`.

        Returns
        -------
        int
            0: the file is regular, and walked to its end. 1: a part from `at` on is wanted, of 64
            KiB, or `wanted` bytes if these are more, or up to the end of the file. 2: the file is
            not regular. 3: it is deflated from `at` on; `on_inflated` goes on.
        """
        cdef int result = IRREGULAR
        cdef Py_ssize_t size = part.shape[0]
        if size and 0 <= base <= self.at and base + size <= self.size:
            # The GIL stays: giving it away and waiting for it would take longer than the walk.
            result = walk(self, &part[0], base, base + size)
        return result

    def on_inflated(self, const uint8_t[::1] data not None):
        """Go on over the data set of a deflated file, all of it, where places count from then on.

        Returns
        -------
        int
            0: it is regular. 2: it is not.
        """
        if not self.is_deflated or data.shape[0] == 0:
            return IRREGULAR
        self.is_deflated = False
        self.at = self.data_set = 0
        self.size = data.shape[0]
        return walk(self, &data[0], 0, self.size)

    def pixel_entries(self):
        """Return the elements that decide about pixels, but slope and intercept.

        They are as `entries_of` reads them.

        Tags of undefined length that have no VR come with the VR ``?I`` where an item follows and
        ``?D`` where a delimiter does.
        """
        return bytes_of(&self.of_pixels)

    def scale_entries(self):
        """Return slope and intercept."""
        return bytes_of(&self.of_scale)

    def identity_entries(self):
        """Return the elements of identity, geometry and grouping.

        An element that is odd in any way is left out, and the walk is not `is_complete` then.
        """
        return bytes_of(&self.of_identity)

    def frame_pixel_entries(self):
        """Return what functional groups of frames say about pixels: entries of runs, and ends.

        A run has frames whose entries are the same bytes. Two int64 of each run say where its
        entries end, and how many frames have come by then.
        """
        return bytes_of(&self.frame_pixels.entries), bytes_of(&self.frame_pixels.ends)

    def frame_identity_entries(self):
        """Return what functional groups of frames say of geometry and grouping, in the same way."""
        return bytes_of(&self.frame_identity.entries), bytes_of(&self.frame_identity.ends)


include "index/meta.pxi"
include "index/take.pxi"
include "index/levels.pxi"
include "index/walk.pxi"
include "index/alike.pxi"
