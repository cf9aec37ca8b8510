"""One file for each schema that was ever released; what is here is never edited again."""
