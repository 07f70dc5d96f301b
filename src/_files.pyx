# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False, freethreading_compatible=True
"""Files, and parts of files, into a buffer, each in one call."""

from cpython.bytes cimport PyBytes_AsString
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint8_t

cdef extern from "read_file.h":
    ptrdiff_t fastpix_read_file(const char *path, char *target, size_t room) nogil
    ptrdiff_t fastpix_read_part(
        const char *path, char *target, size_t size, int64_t at, const int64_t *stamp
    ) nogil

cdef extern from "cells.h":
    const char *FASTPIX_CELLS
    ctypedef struct fastpix_cells:
        const uint8_t *(*next)(void *state, ptrdiff_t k) noexcept nogil
        void *state


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


cdef class PartsOfFiles:
    """One part of each of many files, read one after the other into the same buffer.

    Parameters
    ----------
    target : writable buffer
        For one part.
    paths : list of bytes
        Without a NUL in any.
    starts : ndarray of int64
        Where the part of each file begins.
    size : int
        Bytes of a part.
    stamps : ndarray of int64
        ``(files, 4)``: size, time of change, inode and device that a file must have.
    """

    cdef unsigned char[::1] target
    cdef list paths
    cdef const char **names
    cdef const int64_t[::1] starts
    cdef const int64_t[:, ::1] stamps
    cdef size_t size
    cdef ptrdiff_t first, count
    cdef fastpix_cells cells

    def __cinit__(self, unsigned char[::1] target not None, list paths not None,
                  const int64_t[::1] starts not None, Py_ssize_t size,
                  const int64_t[:, ::1] stamps not None):
        cdef Py_ssize_t k
        self.count = len(paths)
        if not 0 < size <= target.shape[0]:
            raise ValueError("a part does not fit into the buffer")
        if starts.shape[0] != self.count or stamps.shape[0] != self.count or stamps.shape[1] != 4:
            raise ValueError("each file has a path, a start and a stamp")
        self.target, self.paths, self.starts, self.stamps = target, paths, starts, stamps
        self.size = size
        self.names = <const char **>PyMem_Malloc((self.count + 1) * sizeof(char *))
        if self.names == NULL:
            raise MemoryError
        for k in range(self.count):
            self.names[k] = PyBytes_AsString(<bytes?>paths[k])
        self.cells.next = next_part
        self.cells.state = <void *>self

    def __dealloc__(self):
        PyMem_Free(self.names)

    def cells_from(self, Py_ssize_t first):
        """Return a capsule that gives a kernel the parts from number `first` on.

        It gives none for a file that cannot be read, or has changed. It is good while this object
        is, until the next call, for one thread at a time.
        """
        self.first = first
        return PyCapsule_New(<void *>&self.cells, FASTPIX_CELLS, NULL)


cdef const uint8_t *next_part(void *state, ptrdiff_t k) noexcept nogil:
    return read_part(<PartsOfFiles>state, k)


cdef const uint8_t *read_part(PartsOfFiles self, ptrdiff_t k) noexcept nogil:
    k += self.first
    if not 0 <= k < self.count:
        return NULL
    cdef char *target = <char *>&self.target[0]
    cdef const int64_t *stamp = &self.stamps[k, 0]
    if fastpix_read_part(self.names[k], target, self.size, self.starts[k], stamp) < 0:
        return NULL
    return <const uint8_t *>target
