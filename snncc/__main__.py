"""``python -m snncc``."""

from snncc.cli import main

if __name__ == "__main__":
    main()
