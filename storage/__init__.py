"""What the program remembers: the database, the data directory, the files in it."""
