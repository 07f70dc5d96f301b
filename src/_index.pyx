# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""A walk over the structure of a regular DICOM file (PS3.5 chapter 7, PS3.10 chapter 7).

It takes out the elements that the pixel header and a sidecar are made of, and where Pixel Data
lies, and goes on to the end of the file. Nothing is guessed: whatever is not regular in every
respect ends the walk, and the file is left to pydicom. Every read is checked against the bytes at
hand; there is no recursion, and memory does not depend on the file.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy

cdef extern from "read_file.h":
    ptrdiff_t fastpix_read_file(const char *path, char *target, size_t room) nogil

cdef extern from "cells.h":
    const char *FASTPIX_CELLS
    ctypedef struct fastpix_cells:
        const uint8_t *(*next)(void *state, ptrdiff_t k) noexcept nogil
        void *state

cdef enum:
    META = 132  # where File Meta begins: after preamble and prefix
    DEEPEST = 32  # levels of sequences and items of undefined length
    ROOM = 4096  # bytes for the entries of one kind
    LONGEST = 1024  # bytes of a value that is taken out
    SEQUENCES = 64  # different tags of undefined length without a VR
    UNDEFINED = 0xFFFFFFFF
    ITEM_TAG = 0xFFFEE000
    END_OF_ITEM = 0xFFFEE00D
    END_OF_SEQUENCE = 0xFFFEE0DD
    GROUP_OF_ITEMS = 0xFFFE

cdef enum Result:
    WHOLE, MORE, IRREGULAR  # what `Walk.on` returns

cdef enum Kind:  # of a level
    ITEMS, ITEM, FRAGMENTS

cdef enum Rule:  # what is done with an element at the top level
    SKIP, NUMBER, SIGN, INTEGER, DECIMAL, CODE, TERM, UID, NAME, PRESENCE, CHARSET, TABLE, PIXELS
    REFUSE
    SCALE = 64  # added to a rule above: it differs from slice to slice of some series
    KEPT = 128  # added to a rule above: not for the header

cdef struct Level:
    Kind kind
    bint implicit  # the elements of an item have no VR
    bint bare  # the items of a UN element, which hold implicit VR (PS3.5 6.2.2)
    int64_t end  # of an item; -1 where a delimiter ends it

cdef struct Entries:  # tag, VR, length and value of elements, one after the other
    uint8_t bytes[ROOM]
    int size


cdef inline uint16_t u16(const uint8_t *at) noexcept nogil:
    return <uint16_t>(at[0] | at[1] << 8)


cdef inline uint32_t u32(const uint8_t *at) noexcept nogil:
    return at[0] | at[1] << 8 | at[2] << 16 | <uint32_t>at[3] << 24


cdef inline uint32_t tag_at(const uint8_t *at) noexcept nogil:
    return <uint32_t>u16(at) << 16 | u16(at + 2)


cdef inline bint is_capital(uint8_t letter) noexcept nogil:
    return 0x41 <= letter <= 0x5A


cdef inline int vr_of(const uint8_t *at) noexcept nogil:
    """Return two letters as one number."""
    return at[0] << 8 | at[1]


cdef enum:  # the VRs of PS3.5 6.2, as `vr_of` gives them
    AE = 0x4145
    AS = 0x4153
    AT = 0x4154
    CS = 0x4353
    DA = 0x4441
    DS = 0x4453
    DT = 0x4454
    FD = 0x4644
    FL = 0x464C
    IS = 0x4953
    LO = 0x4C4F
    LT = 0x4C54
    OB = 0x4F42
    OD = 0x4F44
    OF = 0x4F46
    OL = 0x4F4C
    OV = 0x4F56
    OW = 0x4F57
    PN = 0x504E
    SH = 0x5348
    SL = 0x534C
    SQ = 0x5351
    SS = 0x5353
    ST = 0x5354
    SV = 0x5356
    TM = 0x544D
    UC = 0x5543
    UI = 0x5549
    UL = 0x554C
    UN = 0x554E
    UR = 0x5552
    US = 0x5553
    UT = 0x5554
    UV = 0x5556
    # In place of one: what follows on an element of undefined length that has none.
    AN_ITEM = 0x3F49  # ?I
    A_DELIMITER = 0x3F44  # ?D


cdef int length_bytes(int vr) noexcept nogil:
    """Return how many bytes the length of an element has; 0: there is no such VR."""
    if (vr == AE or vr == AS or vr == AT or vr == CS or vr == DA or vr == DS or vr == DT
            or vr == FD or vr == FL or vr == IS or vr == LO or vr == LT or vr == PN or vr == SH
            or vr == SL or vr == SS or vr == ST or vr == TM or vr == UI or vr == UL or vr == US):
        return 2
    if (vr == OB or vr == OD or vr == OF or vr == OL or vr == OV or vr == OW or vr == SQ
            or vr == SV or vr == UC or vr == UN or vr == UR or vr == UT or vr == UV):
        return 4
    return 0


cdef int rule_of(uint32_t tag) noexcept nogil:
    """Return what is done with an element at the top level of a data set."""
    cdef uint32_t group = tag >> 16
    if group == 0x0028:
        if (tag == 0x00280002 or tag == 0x00280006 or tag == 0x00280010 or tag == 0x00280011
                or tag == 0x00280100 or tag == 0x00280101 or tag == 0x00280102
                or tag == 0x00280103):
            return NUMBER
        if tag == 0x00280004 or tag == 0x00280301:
            return CODE
        if tag == 0x00280008:
            return INTEGER
        if tag == 0x00280030:
            return DECIMAL | KEPT
        if tag == 0x00280120 or tag == 0x00280121:
            return SIGN
        if tag == 0x00281050:
            return PRESENCE
        if tag == 0x00281052 or tag == 0x00281053:
            return DECIMAL | SCALE
        if tag == 0x00281054:
            return TERM
        # Palettes, plain and segmented, and the Modality LUT.
        if 0x00281101 <= tag <= 0x00281104 or 0x00281201 <= tag <= 0x00281224 or tag == 0x00283000:
            return REFUSE
        return SKIP
    if group == 0x0008:
        if tag == 0x00080005:
            return CHARSET
        if tag == 0x00080016:
            return UID
        if tag == 0x00080018:
            return UID | KEPT
        if tag == 0x00080060 or tag == 0x00089205:
            return CODE
        if tag == 0x00080070 or tag == 0x00081090:
            return NAME | KEPT
        return SKIP
    if group == 0x0020:
        if tag == 0x0020000D or tag == 0x0020000E or tag == 0x00200052:
            return UID | KEPT
        if tag == 0x00200037:
            return DECIMAL | KEPT
        return SKIP
    if group == 0x2005:  # blocks of Philips, who keep a scale of their own in them
        if 0x20050010 <= tag <= 0x200500FF:
            return NAME
        return PRESENCE if tag & 0xFF == 0x0E else SKIP
    if group == 0x7FE0:
        if tag == 0x7FE00010:
            return PIXELS
        if tag == 0x7FE00001 or tag == 0x7FE00002:
            return TABLE
        return REFUSE if tag == 0x7FE00008 or tag == 0x7FE00009 else SKIP
    if tag == 0x00409096:
        return PRESENCE
    if tag == 0x00541001 or tag == 0x00620001 or tag == 0x20500020 or tag == 0x30040002:
        return CODE
    if tag == 0x3004000E:
        return DECIMAL
    if tag == 0x52009229 or tag == 0x52009230:  # functional groups
        return REFUSE
    return SKIP


cdef bint has_vr(int rule, uint32_t tag, int vr) noexcept nogil:
    """Whether an element has the VR that the dictionary says (PS3.6)."""
    if rule == NUMBER:
        return vr == US
    if rule == SIGN:
        return vr == US or vr == SS
    if rule == INTEGER:
        return vr == IS
    if rule == DECIMAL:
        return vr == DS
    if rule == CODE or rule == CHARSET:
        return vr == CS
    if rule == TERM or rule == NAME:
        return vr == LO
    if rule == UID:
        return vr == UI
    if rule == TABLE:
        return vr == OV
    if tag == 0x00281050:
        return vr == DS
    if tag == 0x00409096:
        return vr == SQ
    return True  # private


cdef bint is_ascii(const uint8_t *text, uint32_t size, bint single) noexcept nogil:
    """Whether text is ASCII, and has one value where it should."""
    cdef uint32_t k
    for k in range(size):
        if text[k] >= 0x80 or (single and text[k] == 0x5C):
            return False
    return True


cdef bint add(Entries *entries, uint32_t tag, int vr, const uint8_t *value, uint32_t length,
              uint32_t size) noexcept nogil:
    """Add an element of `length` bytes, `size` of which are kept; False if there is no room."""
    cdef uint8_t *at
    if entries.size + 10 + <int>size > ROOM:
        return False
    at = entries.bytes + entries.size
    memcpy(at, &tag, 4)
    at[4], at[5] = vr >> 8 & 0xFF, vr & 0xFF
    memcpy(at + 6, &length, 4)
    if size:
        memcpy(at + 10, value, size)
    entries.size += 10 + size
    return True


cdef class Walk:
    """A walk over a file of `size` bytes, given the parts of it that it asks for.

    Attributes
    ----------
    at : int
        The byte where the walk stands: where the next part must begin.
    in_fragments : bool
        It goes from fragment to fragment of Pixel Data, so that a small part will do.
    implicit : bool
        The elements of the data set have no VR.
    data_set : int
        Where the data set begins.
    start, length : int
        Of the value of Pixel Data. An encapsulated one has fragments, and no delimiter in it.
    encapsulated : bool
    table_start, table_length : tuple of int
        Of the values of Extended Offset Table and Extended Offset Table Lengths; -1: absent.
    """

    cdef readonly int64_t at, size, data_set, start, length
    cdef readonly bint implicit, encapsulated
    cdef int64_t tables[4]
    cdef int64_t last  # the tag before
    cdef int depth
    cdef int sequences
    cdef bint in_meta, has_pixels
    cdef Level levels[DEEPEST]
    cdef uint32_t sequence_tags[SEQUENCES]
    cdef bint sequence_items[SEQUENCES]
    cdef Entries header, scale, others

    def __cinit__(self, int64_t size):
        begin(self, size)

    @property
    def in_fragments(self):
        return self.depth == 1 and self.levels[0].kind == FRAGMENTS

    @property
    def table_start(self):
        return self.tables[0], self.tables[2]

    @property
    def table_length(self):
        return self.tables[1], self.tables[3]

    def on(self, const uint8_t[::1] part not None, int64_t base):
        """Go on over a part of the file that begins at byte `base`.

        Returns
        -------
        int
            0: the file is regular, and walked to its end. 1: a part from `at` on is wanted, of 64
            KiB or up to the end of the file. 2: it is not regular.
        """
        cdef int result = IRREGULAR
        cdef Py_ssize_t size = part.shape[0]
        if size and 0 <= base <= self.at and base + size <= self.size:
            # The GIL stays: giving it away and waiting for it would take longer than the walk.
            result = walk(self, &part[0], base, base + size)
        return result

    def header_entries(self):
        """Return the elements that decide about pixels, but slope and intercept.

        They are as `entries_of` reads them.

        Tags of undefined length that have no VR come with the VR ``?I`` where an item follows and
        ``?D`` where a delimiter does.
        """
        return PyBytes_FromStringAndSize(<char *>self.header.bytes, self.header.size)

    def scale_entries(self):
        """Return slope and intercept."""
        return PyBytes_FromStringAndSize(<char *>self.scale.bytes, self.scale.size)

    def other_entries(self):
        """Return the elements of identity and geometry."""
        return PyBytes_FromStringAndSize(<char *>self.others.bytes, self.others.size)


cdef void begin(Walk self, int64_t size) noexcept nogil:
    """Stand at the beginning of a file of `size` bytes."""
    self.size = size
    self.at = self.start = self.length = self.data_set = 0
    self.last = -1
    self.depth = self.sequences = 0
    self.implicit = self.encapsulated = self.has_pixels = False
    self.in_meta = True
    self.tables[0] = self.tables[2] = -1
    self.header.size = self.scale.size = self.others.size = 0


cdef int walk(Walk self, const uint8_t *part, int64_t base, int64_t end) noexcept nogil:
    """Walk from `self.at` as far as the bytes of base..end lead."""
    cdef int result, vr, k
    if self.at == 0:
        if self.size < META + 8:
            return IRREGULAR
        if end < META:
            return MORE
        if memcmp(part + META - 4, b"DICM", 4) != 0:
            return IRREGULAR
        self.at = META
    while True:
        if self.depth:
            result = in_level(self, part - base, end)
        else:
            if self.at == self.size:
                break
            result = at_top(self, part - base, end)
        if result != WHOLE:
            return result
    if self.in_meta or not self.has_pixels:
        return IRREGULAR
    for k in range(self.sequences):
        vr = AN_ITEM if self.sequence_items[k] else A_DELIMITER
        if not add(&self.header, self.sequence_tags[k], vr, NULL, 0, 0):
            return IRREGULAR
    return WHOLE


cdef int at_top(Walk self, const uint8_t *file, int64_t end) noexcept nogil:
    """Walk over one element of File Meta or of the data set; `file` counts in bytes of the file."""
    cdef uint32_t tag, length
    cdef int vr = 0, head, rule
    cdef const uint8_t *at
    if self.at + 8 > self.size:
        return IRREGULAR
    if self.at + 12 > end and end < self.size:
        return MORE
    if self.at + 8 > end:
        return IRREGULAR
    at = file + self.at
    tag = tag_at(at)
    if self.in_meta and tag >> 16 != 2:
        if not begin_data_set(self, at, tag):
            return IRREGULAR
    if <int64_t>tag <= self.last or tag >> 16 == GROUP_OF_ITEMS:
        return IRREGULAR
    head = read_head(self, at, end, self.implicit, &vr, &length)
    if head == 0:
        return IRREGULAR
    if self.in_meta:
        return in_meta(self, file, end, tag, vr, head, length)
    rule = rule_of(tag)
    if rule == REFUSE:
        return IRREGULAR
    if length == UNDEFINED:
        return open_element(self, file, end, tag, vr, head, rule)
    if length & 1 or self.at + head + length > self.size:
        return IRREGULAR
    if rule != SKIP:
        rule = take(self, file, end, tag, vr, head, length, rule)
        if rule != WHOLE:
            return rule
    self.last = tag
    self.at += head + length
    return WHOLE


cdef int read_head(Walk self, const uint8_t *at, int64_t end, bint implicit, int *vr,
                   uint32_t *length) noexcept nogil:
    """Read VR and length of an element; return how many bytes precede its value, 0: irregular."""
    cdef int size
    if implicit:
        vr[0], length[0] = 0, u32(at + 4)
        return 8
    vr[0] = vr_of(at + 4)
    size = length_bytes(vr[0])
    if size == 2:
        length[0] = u16(at + 6)
        return 8
    if size == 0 or self.at + 12 > end or u16(at + 6) != 0:
        return 0
    length[0] = u32(at + 8)
    return 12


cdef int in_meta(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                 uint32_t length) noexcept nogil:
    """Walk over one element of File Meta, and find out how the data set is encoded."""
    cdef const uint8_t *uid = file + self.at + head
    cdef uint32_t size = length, k
    # What pydicom converts to see whether File Meta is sound; a value of it could be odd.
    if self.last < 0 and not (tag == 0x00020000 and vr == UL and length == 4 or
                              tag == 0x00020001 and vr == OB):
        return IRREGULAR
    if length & 1 or self.at + head + length > self.size:
        return IRREGULAR
    if tag == 0x00020010:
        if vr != UI or not 18 <= length <= 64:
            return IRREGULAR
        if self.at + head + length > end:
            return MORE if end < self.size else IRREGULAR
        if uid[size - 1] == 0:
            size -= 1
        for k in range(size):
            if uid[k] != 0x2E and not 0x30 <= uid[k] <= 0x39:
                return IRREGULAR
        if memcmp(uid, b"1.2.840.10008.1.2", 17) != 0:
            return IRREGULAR
        self.implicit = False
        if size == 17:
            self.data_set = -1  # implicit, once File Meta is at its end
        elif size == 19 and memcmp(uid + 17, b".2", 2) == 0:  # big endian
            return IRREGULAR
        elif size == 22 and memcmp(uid + 17, b".1.99", 5) == 0:  # deflated
            return IRREGULAR
        if not add(&self.header, tag, vr, uid, size, size):
            return IRREGULAR
    self.last = tag
    self.at += head + length
    return WHOLE


cdef bint begin_data_set(Walk self, const uint8_t *at, uint32_t tag) noexcept nogil:
    """Leave File Meta for the data set; False if it cannot be left."""
    if not self.header.size or tag >> 16 < 3:  # no transfer syntax, or a command set
        return False
    self.implicit = self.data_set < 0
    if self.implicit and is_capital(at[4]) and is_capital(at[5]):  # it looks like a VR
        return False
    self.data_set = self.at
    self.in_meta = False
    return True


cdef int take(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
              uint32_t length, int rule) noexcept nogil:
    """Keep what is wanted of an element at the top level."""
    cdef int plain = rule & ~(KEPT | SCALE), place
    cdef Entries *entries = &self.header
    cdef const uint8_t *value = file + self.at + head
    if not self.implicit and plain != PIXELS and not has_vr(plain, tag, vr):
        return IRREGULAR
    if rule & KEPT:
        entries = &self.others
    elif rule & SCALE:
        entries = &self.scale
    if plain == PIXELS:
        # Native: an encapsulated value has an undefined length.
        if length == 0 or (not self.implicit and vr != OB and vr != OW):
            return IRREGULAR
        self.has_pixels = True
        self.start, self.length = self.at + head, length
        return WHOLE if add(&self.header, tag, vr, NULL, length, 0) else IRREGULAR
    if plain == TABLE:
        place = 2 * (tag == 0x7FE00002)
        self.tables[place], self.tables[place + 1] = self.at + head, length
        return WHOLE
    if plain == PRESENCE:
        return WHOLE if add(entries, tag, vr, NULL, 0, 0) else IRREGULAR
    if length > LONGEST:
        return IRREGULAR
    if self.at + head + length > end:
        return MORE if end < self.size else IRREGULAR
    if plain == NUMBER or plain == SIGN:
        if length != 0 and length != 2:
            return IRREGULAR
    elif not is_ascii(value, length, not rule & KEPT and plain != CHARSET and plain != NAME):
        return IRREGULAR
    return WHOLE if add(entries, tag, vr, value, length, length) else IRREGULAR


cdef int open_element(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
                      int rule) noexcept nogil:
    """Enter an element of undefined length at the top level."""
    cdef int result
    if rule == PIXELS:
        if self.implicit or (vr != OB and vr != OW):
            return IRREGULAR
        if not add(&self.header, tag, vr, NULL, UNDEFINED, 0):
            return IRREGULAR
        self.has_pixels = self.encapsulated = True
        self.start = self.at + head
    elif rule == PRESENCE and tag == 0x00409096:
        if not self.implicit and vr != SQ:
            return IRREGULAR
        if not add(&self.header, tag, vr, NULL, 0, 0):
            return IRREGULAR
    elif rule != SKIP:
        return IRREGULAR
    result = enter(self, file, end, tag, vr, head, self.implicit, rule == PIXELS)
    if result == WHOLE:
        self.last = tag
    elif rule != SKIP:
        self.header.size -= 10  # it will be here again
    return result


cdef int enter(Walk self, const uint8_t *file, int64_t end, uint32_t tag, int vr, int head,
               bint implicit, bint fragments) noexcept nogil:
    """Step into an element of undefined length: a sequence, or fragments."""
    cdef Level *level
    cdef uint32_t first
    cdef int k
    if self.depth == DEEPEST or self.at + head + 8 > self.size:
        return IRREGULAR
    if self.at + head + 4 > end:
        return MORE if end < self.size else IRREGULAR
    if implicit:
        first = tag_at(file + self.at + head)
        if first != ITEM_TAG and first != END_OF_SEQUENCE:
            return IRREGULAR
        # The dictionary says whether it is a sequence: `header_entries` names the tags.
        for k in range(self.sequences):
            if self.sequence_tags[k] == tag and self.sequence_items[k] == (first == ITEM_TAG):
                break
        else:
            if self.sequences == SEQUENCES:
                return IRREGULAR
            self.sequence_tags[self.sequences] = tag
            self.sequence_items[self.sequences] = first == ITEM_TAG
            self.sequences += 1
    elif not fragments and vr != SQ and vr != UN:
        return IRREGULAR
    level = &self.levels[self.depth]
    level.kind = FRAGMENTS if fragments else ITEMS
    level.implicit = implicit
    level.bare = not implicit and vr == UN
    level.end = -1
    self.depth += 1
    self.at += head
    return WHOLE


cdef int in_level(Walk self, const uint8_t *file, int64_t end) noexcept nogil:
    """Walk over one item, fragment, delimiter or nested element."""
    cdef Level *level = &self.levels[self.depth - 1]
    cdef uint32_t tag, length
    cdef const uint8_t *at
    if level.kind == ITEM and level.end >= 0:
        if self.at == level.end:
            self.depth -= 1
            return WHOLE
        if self.at > level.end:
            return IRREGULAR
    if self.at + 8 > self.size:
        return IRREGULAR
    if self.at + 20 > end and end < self.size:
        return MORE
    at = file + self.at
    tag, length = tag_at(at), u32(at + 4)
    if level.kind == ITEM:
        if tag >> 16 != GROUP_OF_ITEMS:
            return nested(self, file, end, level, tag)
        if tag != END_OF_ITEM or length != 0 or level.end >= 0:
            return IRREGULAR
        self.depth -= 1
        self.at += 8
        return WHOLE
    if tag == END_OF_SEQUENCE:
        if length != 0:
            return IRREGULAR
        self.depth -= 1
        if level.kind == FRAGMENTS and self.depth == 0:
            self.length = self.at - self.start
        self.at += 8
        return WHOLE
    if tag != ITEM_TAG:
        return IRREGULAR
    if level.kind == FRAGMENTS:
        if length == UNDEFINED or self.at + 8 + length > self.size:
            return IRREGULAR
        self.at += 8 + length
        return WHOLE
    return enter_item(self, file, end, level, length)


cdef int enter_item(Walk self, const uint8_t *file, int64_t end, const Level *sequence,
                    uint32_t length) noexcept nogil:
    """Step into an item of a sequence."""
    cdef Level *level
    cdef const uint8_t *first = file + self.at + 8
    cdef bint empty = length == 0
    if self.depth == DEEPEST:
        return IRREGULAR
    if length != UNDEFINED and (length & 1 or self.at + 8 + length > self.size):
        return IRREGULAR
    if length == UNDEFINED:
        if self.at + 16 > self.size:
            return IRREGULAR
        empty = tag_at(first) == END_OF_ITEM
    level = &self.levels[self.depth]
    level.kind = ITEM
    level.bare = False
    level.implicit = sequence.implicit or sequence.bare
    level.end = -1 if length == UNDEFINED else self.at + 8 + length
    # pydicom tells by the first element of an item whether its elements have a VR.
    if not empty and not sequence.implicit:
        if self.at + 16 > self.size:
            return IRREGULAR
        if level.implicit == (is_capital(first[4]) and is_capital(first[5])):
            return IRREGULAR
    self.depth += 1
    self.at += 8
    return WHOLE


cdef int nested(Walk self, const uint8_t *file, int64_t end, const Level *level,
                uint32_t tag) noexcept nogil:
    """Walk over an element of an item."""
    cdef const uint8_t *at = file + self.at
    cdef uint32_t length
    cdef int vr = 0, head
    head = read_head(self, at, end, level.implicit, &vr, &length)
    if head == 0:
        return IRREGULAR
    if tag == 0x00080005:  # pydicom warns of one that it does not know
        return IRREGULAR
    if length == UNDEFINED:
        return enter(self, file, end, tag, vr, head, level.implicit,
                     not level.implicit and tag == 0x7FE00010 and (vr == OB or vr == OW))
    if length & 1 or self.at + head + length > self.size:
        return IRREGULAR
    self.at += head + length
    return WHOLE


def entries_of(bytes entries not None):
    """Return the elements of `Walk.header_entries`: tags, VRs, lengths and values."""
    cdef const uint8_t *at = entries
    cdef Py_ssize_t place = 0, size = len(entries)
    cdef uint32_t length, kept
    found = []
    while place + 10 <= size:
        length = u32(at + place + 6)
        tag = u32(at + place)
        vr = entries[place + 4 : place + 6]
        kept = 0 if tag == 0x7FE00010 else length
        found.append((tag, vr, length, entries[place + 10 : place + 10 + kept]))
        place += 10 + kept
    return found


cdef class Alike:
    """Files of one header, read one after the other into one buffer, without the interpreter.

    Parameters
    ----------
    target : writable buffer
        For a whole file.
    header, scale : bytes
        What `Walk.header_entries` and `Walk.scale_entries` give for each of them.
    """

    cdef Walk walk
    cdef unsigned char[::1] target
    cdef bytes header, scale
    cdef const char *known_header
    cdef const char *known_scale
    cdef Py_ssize_t header_size, scale_size
    cdef list paths
    cdef const char **names
    cdef bint held  # the file is in the buffer already, and walked over
    cdef fastpix_cells cells

    def __cinit__(self, unsigned char[::1] target not None, bytes header not None,
                  bytes scale not None):
        self.walk = Walk(0)
        self.target = target
        self.header = header
        self.known_header, self.header_size = PyBytes_AS_STRING(header), len(header)
        self.look_for(scale)
        self.cells.next = next_cells
        self.cells.state = <void *>self

    def __dealloc__(self):
        PyMem_Free(self.names)

    cdef void look_for(self, bytes scale):
        self.scale = scale
        self.known_scale, self.scale_size = PyBytes_AS_STRING(scale), len(scale)

    def cells_of(self, list paths not None, bint held=False):
        """Return a capsule that gives a kernel the cells of file after file.

        It gives none for the first that cannot be read, does not fit, or is not like the others. It
        is good while this object is, until the next call, for one thread at a time.

        Parameters
        ----------
        paths : list of bytes
            Without a NUL in any.
        held : bool
            The first is the file that `other_scale` was about.
        """
        cdef Py_ssize_t k, count = len(paths)
        self.held = self.held and held
        PyMem_Free(self.names)
        self.names = <const char **>PyMem_Malloc((count + 1) * sizeof(char *))
        if self.names == NULL:
            raise MemoryError
        self.paths = paths
        for k in range(count):
            self.names[k] = PyBytes_AS_STRING(paths[k])
        return PyCapsule_New(<void *>&self.cells, FASTPIX_CELLS, NULL)

    def other_scale(self):
        """Return slope and intercept of the last file if nothing else sets it apart, or None.

        They are those to look for from here on.
        """
        if not self.held:
            return None
        self.look_for(self.walk.scale_entries())
        return self.scale


cdef const uint8_t *next_cells(void *state, ptrdiff_t k) noexcept nogil:
    return cells_of_file(<Alike>state, k)


cdef const uint8_t *cells_of_file(Alike self, ptrdiff_t k) noexcept nogil:
    """Read file `k`, and return where its pixels are; NULL where it is not like the others."""
    cdef uint8_t *data = &self.target[0]
    cdef ptrdiff_t size
    if not self.held:
        size = fastpix_read_file(self.names[k], <char *>data, self.target.shape[0])
        if size <= 0:
            return NULL
        begin(self.walk, size)
        if walk(self.walk, data, 0, size) != WHOLE or self.walk.header.size != self.header_size:
            return NULL
        if memcmp(self.walk.header.bytes, self.known_header, self.header_size) != 0:
            return NULL
    self.held = (
        self.walk.scale.size != self.scale_size
        or memcmp(self.walk.scale.bytes, self.known_scale, self.scale_size) != 0
    )
    return NULL if self.held else data + self.walk.start
