# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""pydicom's raw elements, cut out of the bytes of a little-endian data set (PS3.5 chapter 7).

Only elements of one plain form are read: a VR that pydicom knows, or none in implicit VR, and a
value of defined length that lies within the bytes. At any other element the reading stops.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_SetItem
from cpython.object cimport PyTypeObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_SetItem
from libc.stdint cimport int64_t, uint8_t, uint32_t

from element cimport (
    END_OF_ITEM, GROUP_OF_ITEMS, LETTERS, PAIRS_OF_LETTERS, UNDEFINED, place_of,
    read_explicit_head, tag_at, u32,
)

from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.filereader import ENCODED_VR
from pydicom.tag import BaseTag

from fastpix.standard.tags import Tag
from fastpix.standard.vrs import HEAD_BYTES

cdef extern from *:
    object PyType_GenericAlloc(PyTypeObject *, Py_ssize_t)

cdef enum:
    FIELDS = 9  # of a RawDataElement
    KEPT_TAGS = 4096

cdef uint32_t CHARACTER_SET = Tag.SpecificCharacterSet
cdef uint32_t PIXEL_DATA = Tag.PixelData
cdef uint32_t FLOAT_PIXEL_DATA = Tag.FloatPixelData
cdef uint32_t DOUBLE_FLOAT_PIXEL_DATA = Tag.DoubleFloatPixelData

cdef dict _tags = {}  # pydicom's tags by number: they never change, and cost more than the rest
cdef list _vrs = [None] * PAIRS_OF_LETTERS  # those of two letters, by their place
cdef uint8_t _head[PAIRS_OF_LETTERS]  # bytes before a value of that VR; 0: there is no such VR


def _know_vrs():
    for encoded in ENCODED_VR:
        if len(encoded) == 2:
            vr = encoded.decode("ascii")
            place = (encoded[0] - 0x41) * LETTERS + encoded[1] - 0x41
            _vrs[place] = vr
            _head[place] = HEAD_BYTES[place]


_know_vrs()


cdef object tag_of(uint32_t tag):
    number = tag
    found = _tags.get(number)
    if found is None:
        found = BaseTag(number)
        if len(_tags) < KEPT_TAGS:
            found = _tags.setdefault(number, found)  # none is ever replaced under another thread
    return found


ODD, SEQUENCE, ITEM_END = 0, -1, -2


def read_plain(bytes data not None, Py_ssize_t start, int64_t base, int64_t end, bint implicit,
               bint in_meta, bint pixels, dict elements not None):
    """Read elements of the plain form, up to the first of another form.

    Parameters
    ----------
    data : bytes
        Part of a file.
    start : int
        Where in `data` the first element begins.
    base : int
        Where in the file `data` begins.
    end : int
        Where in the file the last element must have begun; -1: anywhere.
    implicit : bool
        The elements have no VR.
    in_meta : bool
        Stop before the first element outside group 0002.
    pixels : bool
        Read Pixel Data, Float and Double Float Pixel Data too: they stop the reading otherwise.
    elements : dict
        The elements are added to it, by their tags, as pydicom reads them.

    Returns
    -------
    at : int
        Where in `data` the first element begins that was not read.
    wanted : int
        How many bytes from there on would show more of it; `ODD`: it is not of the plain form;
        `SEQUENCE`: it has an undefined length, and VR SQ or none; `ITEM_END`: it is no element.
    tag : int
        Of the last element that was read; -1: none was. Nothing is read after Specific Character
        Set, which pydicom reads at once.
    """
    cdef const uint8_t *first = <const uint8_t *>PyBytes_AsString(data)
    cdef const uint8_t *at
    cdef Py_ssize_t size = len(data), place = start
    cdef uint32_t length = 0, tag
    cdef int64_t last = -1, wanted = 8
    cdef int head = 8
    cdef PyTypeObject *element_type = <PyTypeObject *>RawDataElement
    while (end < 0 or base + place < end) and place + 8 <= size:
        at = first + place
        tag = tag_at(at)
        if in_meta and tag >> 16 != 2:
            return place, ODD, last
        if tag >> 16 == GROUP_OF_ITEMS:
            return place, ITEM_END if tag == END_OF_ITEM and u32(at + 4) == 0 else ODD, last
        if not pixels and (
            tag == PIXEL_DATA or tag == FLOAT_PIXEL_DATA or tag == DOUBLE_FLOAT_PIXEL_DATA
        ):
            return place, ODD, last
        if implicit:
            length = u32(at + 4)
            vr = None
        else:
            head = read_explicit_head(_head, at, size - place, &length)
            if head == 0:
                return place, ODD, last
            if place + head > size:
                wanted = head
                break
            vr = _vrs[place_of(at + 4)]
        if length == UNDEFINED:
            return place, SEQUENCE if implicit or vr == "SQ" else ODD, last
        if length > size - place - head:
            wanted = <int64_t>head + length
            break
        if length:
            value = PyBytes_FromStringAndSize(<const char *>at + head, length)
        else:
            value = empty_value_for_VR(vr, raw=True)
        key = tag_of(tag)
        element = PyType_GenericAlloc(element_type, FIELDS)
        fill(element, 0, key)
        fill(element, 1, vr)
        fill(element, 2, length)
        fill(element, 3, value)
        fill(element, 4, base + place + head)
        fill(element, 5, implicit)
        fill(element, 6, True)  # little endian
        fill(element, 7, True)  # raw
        fill(element, 8, False)  # buffered
        PyDict_SetItem(elements, key, element)
        place += head + length
        last = tag
        if tag == CHARACTER_SET:
            return place, ODD, last
    return place, wanted, last


cdef inline int fill(object element, Py_ssize_t place, object value) except -1:
    Py_INCREF(value)
    PyTuple_SetItem(element, place, value)
    return 0
