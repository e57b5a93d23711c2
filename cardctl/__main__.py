"""`python -m cardctl`, and the installed command."""

from cardctl.cli import main

if __name__ == "__main__":
    main()
