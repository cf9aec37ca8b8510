"""The steps from an empty file to the present schema, run by `storage.schema`."""
