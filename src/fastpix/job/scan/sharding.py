"""Which part of a job is done here, where several machines do one each."""

from __future__ import annotations

from collections.abc import Mapping

from fastpix.errors import ArgumentError


def in_shard(name: str, index: int, count: int) -> bool:
    """Whether an item belongs to a shard: told by its name, the same on all machines.

    Parameters
    ----------
    name : str
        Hex digits.
    index, count : int
        Which shard, from 0, and of how many.
    """
    return int(name[:15], 16) % count == index


def shard_of(text: str | None, environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Return the shard that is asked for; that of a SLURM array if none is.

    Parameters
    ----------
    text : str or None
        ``"I/N"``, from 0.
    environment : mapping
        With ``SLURM_ARRAY_TASK_ID``, ``SLURM_ARRAY_TASK_MIN`` and ``SLURM_ARRAY_TASK_COUNT`` in a
        job array; its steps must be 1.

    Raises
    ------
    ArgumentError
        It is no shard.
    """
    if text is None:
        if "SLURM_ARRAY_TASK_ID" not in environment:
            return None
        try:
            index = int(environment["SLURM_ARRAY_TASK_ID"])
            count = int(environment["SLURM_ARRAY_TASK_COUNT"])
            step = int(environment.get("SLURM_ARRAY_TASK_STEP", "1"))
            index = (index - int(environment.get("SLURM_ARRAY_TASK_MIN", "0"))) // step
        except (KeyError, ValueError, ZeroDivisionError) as error:
            raise ArgumentError(
                "shard", "the variables of the SLURM array are no numbers: pass --shard I/N"
            ) from error
    else:
        first, _, second = text.partition("/")
        try:
            index, count = int(first), int(second)
        except ValueError as error:
            raise ArgumentError("shard", f"{text!r} is not I/N, such as 0/4") from error
    if not 0 <= index < count:
        raise ArgumentError("shard", f"{index}/{count} is not one of {count}, counted from 0")
    return index, count
