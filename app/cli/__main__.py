"""`python -m app.cli` is the shell command `gad`."""

from app.cli import main

main()
