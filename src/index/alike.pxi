# Files of one header.

cdef class AlikeFiles:
    """Files of one header, read one after the other into one buffer, without the interpreter.

    Parameters
    ----------
    target : writable buffer
        For a whole file.
    pixel_entries, scale_entries : bytes
        What `Walk.pixel_entries` and `Walk.scale_entries` give for each of them.
    """

    cdef Walk walk
    cdef unsigned char[::1] target
    cdef bytes pixel_entries, scale_entries
    cdef const char *known_pixels
    cdef const char *known_scale
    cdef Py_ssize_t pixels_size, scale_size
    cdef list paths
    cdef const char **names
    cdef bint held  # the file is in the buffer already, and walked over
    cdef fastpix_cells cells

    def __cinit__(self, unsigned char[::1] target not None, bytes pixel_entries not None,
                  bytes scale_entries not None):
        self.walk = Walk(0, only_pixels=True)
        self.target = target
        self.pixel_entries = pixel_entries
        self.known_pixels = PyBytes_AsString(pixel_entries)
        self.pixels_size = len(pixel_entries)
        self.look_for(scale_entries)
        self.cells.next = next_cells
        self.cells.state = <void *>self

    def __dealloc__(self):
        PyMem_Free(self.names)

    cdef void look_for(self, bytes scale_entries):
        self.scale_entries = scale_entries
        self.known_scale, self.scale_size = PyBytes_AsString(scale_entries), len(scale_entries)

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
            self.names[k] = PyBytes_AsString(paths[k])
        return PyCapsule_New(<void *>&self.cells, FASTPIX_CELLS, NULL)

    def other_scale(self):
        """Return slope and intercept of the last file if nothing else sets it apart, or None.

        They are those to look for from here on.
        """
        if not self.held:
            return None
        self.look_for(self.walk.scale_entries())
        return self.scale_entries


cdef const uint8_t *next_cells(void *state, ptrdiff_t k) noexcept nogil:
    return pixels_of_file(<AlikeFiles>state, k)


cdef const uint8_t *pixels_of_file(AlikeFiles self, ptrdiff_t k) noexcept nogil:
    """Read file `k`, and return where its pixels are; NULL where it is not like the others."""
    cdef uint8_t *data = &self.target[0]
    cdef ptrdiff_t size
    if not self.held:
        size = fastpix_read_file(self.names[k], <char *>data, self.target.shape[0])
        if size <= 0:
            return NULL
        begin(self.walk, size)
        if walk(self.walk, data, 0, size) != WHOLE or self.walk.of_pixels.size != self.pixels_size:
            return NULL
        if self.walk.frame_pixels.frames:  # groups of frames are compared by none
            return NULL
        if memcmp(self.walk.of_pixels.bytes, self.known_pixels, self.pixels_size) != 0:
            return NULL
    self.held = (
        self.walk.of_scale.size != self.scale_size
        or memcmp(self.walk.of_scale.bytes, self.known_scale, self.scale_size) != 0
    )
    return NULL if self.held else data + self.walk.start
