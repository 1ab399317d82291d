"""`python -m edgewright`: the command line where no script is on the path."""

from edgewright.cli import main

if __name__ == "__main__":
    main()
