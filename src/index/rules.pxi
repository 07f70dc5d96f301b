# What the walk does with an element at the top level, and the entries that it collects.

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
