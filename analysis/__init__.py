"""What predictions tell: arrays in, frozen results out."""
