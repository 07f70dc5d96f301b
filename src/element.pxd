"""The head of an element in little endian: tag, VR and length (PS3.5 7.1)."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t

cdef enum:
    LETTERS = 26
    PAIRS_OF_LETTERS = 676
    UNDEFINED = 0xFFFFFFFF
    GROUP_OF_ITEMS = 0xFFFE
    ITEM_TAG = 0xFFFEE000
    END_OF_ITEM = 0xFFFEE00D
    END_OF_SEQUENCE = 0xFFFEE0DD


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


cdef inline int place_of(const uint8_t *vr) noexcept nogil:
    """Return the place of a VR in `HEAD_BYTES`; -1: it is not made of two capitals."""
    if not (is_capital(vr[0]) and is_capital(vr[1])):
        return -1
    return (vr[0] - 0x41) * LETTERS + vr[1] - 0x41


cdef inline int head_size(const uint8_t *head_bytes, const uint8_t *vr) noexcept nogil:
    """Return how many bytes precede a value of a VR, by `HEAD_BYTES`; 0: there is no such VR."""
    cdef int place = place_of(vr)
    return head_bytes[place] if place >= 0 else 0


cdef inline uint32_t length_at(const uint8_t *at, int head) noexcept nogil:
    """Return the length of the value of an element with a VR and `head` bytes before its value."""
    return u16(at + 6) if head == 8 else u32(at + 8)


cdef inline int read_explicit_head(const uint8_t *head_bytes, const uint8_t *at, int64_t room,
                                   uint32_t *length) noexcept nogil:
    """Read the length of an element with a VR; at least 8 of its bytes are there, `room` in all.

    Return how many bytes precede its value; 0: there is no such VR. Where that is more than `room`,
    the length is not read.
    """
    cdef int head = head_size(head_bytes, at + 4)
    if 0 < head <= room:
        length[0] = length_at(at, head)
    return head
