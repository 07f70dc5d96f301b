"""Hidden keys of files that are not published yet."""

from __future__ import annotations

ENDING = ".writing"


def hidden_key(key: str, attempt: str) -> str:
    """Return the key that a file has until it is published.

    Parameters
    ----------
    key : str
        Its own.
    attempt : str
    """
    folder, slash, name = key.rpartition("/")
    return f"{folder}{slash}.{name}.{attempt}{ENDING}"


def is_temporary(key: str) -> bool:
    """Whether a key is that of a file which is being written, or was when its run died.

    Parameters
    ----------
    key : str
    """
    name = key.rpartition("/")[2]
    return name.startswith(".") and name.endswith(ENDING)


def key_and_attempt(key: str) -> tuple[str, str]:
    """Return the key that a temporary file is to have, and the attempt that writes it.

    Parameters
    ----------
    key : str
        Of the temporary file.
    """
    folder, slash, name = key.rpartition("/")
    own, _, attempt = name.removeprefix(".").removesuffix(ENDING).rpartition(".")
    return f"{folder}{slash}{own}", attempt
