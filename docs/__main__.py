"""``python -m docs`` writes the generated parts of the pages; ``--check`` only says which are not current."""

from __future__ import annotations

import sys

from docs import generated


def main() -> int:
    """Return 1 when something was out of date and only a check was asked for."""
    check = "--check" in sys.argv[1:]
    pages = generated.stale() if check else generated.write()
    for page in pages:
        print(f"{page}: {'not current; `python -m docs` writes it' if check else 'written'}")
    return 1 if check and pages else 0


if __name__ == "__main__":
    sys.exit(main())
