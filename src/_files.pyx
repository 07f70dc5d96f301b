# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""A small file into a buffer, in one call."""

cdef extern from "read_file.h":
    ptrdiff_t fastpix_read_file(const char *path, char *target, size_t room) nogil


def read_file(bytes path not None, unsigned char[::1] target not None):
    """Read a regular file that fits into `target`.

    Parameters
    ----------
    path : bytes
        Without a NUL in it.
    target : writable buffer

    Returns
    -------
    int
        Bytes of the file; -1: it does not fit, is no regular file, or cannot be read.
    """
    cdef const char *name = path
    cdef ptrdiff_t size
    cdef size_t room = target.shape[0]
    if not room:
        return -1
    with nogil:
        size = fastpix_read_file(name, <char *>&target[0], room)
    return size
