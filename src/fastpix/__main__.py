"""``python -m fastpix``: the ``fastpix`` command, wherever its script may be."""

from fastpix.cli import main

if __name__ == "__main__":
    main()
