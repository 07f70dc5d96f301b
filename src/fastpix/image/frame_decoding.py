"""One frame's cells for a reading, with what has decoded it and what was odd about it."""

from __future__ import annotations

from collections.abc import Callable

from fastpix.frames.cells import Cells, FrameCells
from fastpix.frames.color_evidence import AS_PLANNED
from fastpix.image.reading import Reading
from fastpix.notes import Note
from fastpix.source.stored import Pixels


def frame_decoder(
    cells: Cells,
    pixels: Pixels,
    reading: Reading,
    decoders: dict[str, None],
    odd: dict[Note, None],
) -> Callable[[int, int], FrameCells]:
    """Return what gives the cells of a frame, decoded where need be.

    Parameters
    ----------
    cells : Cells
    pixels : Pixels
        From `Cells.opened`.
    reading : Reading
    decoders : dict of str to None
        What has decoded frames is added to it.
    odd : dict of Note to None
        What was odd about frames is added to it.

    Returns
    -------
    callable
        ``(frame, threads)`` to its cells; raises `PixelHeaderError` if the colours of the frame
        are not those of the header, unless samples are wanted as they are stored.
    """

    def decode(index: int, threads: int) -> FrameCells:
        source = cells.frame(pixels, index, reading.decoder, threads)
        if source.decoder:
            decoders[source.decoder] = None
        for note in source.notes:
            odd[note] = None
        if reading.as_stored:
            return source._replace(colors=AS_PLANNED)
        if source.colors.error is not None:
            raise source.colors.error
        return source

    return decode
