"""``python -m avatarium``."""

from avatarium.cli import main

if __name__ == "__main__":
    main()
