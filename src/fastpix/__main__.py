"""``fastpix`` and ``python -m fastpix``: the command, wherever its script may be."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command; Ctrl-C while it is loaded ends it without a word."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from fastpix.cli import main as run

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
