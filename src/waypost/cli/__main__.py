"""`python -m waypost.cli`, where the script `waypost` is not on the PATH."""

from waypost.cli.main import main

main()
