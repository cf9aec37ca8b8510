"""What pages are made of: components, scripts, styles."""
