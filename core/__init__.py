"""What the program knows: no screen, no database; a library of its own."""
