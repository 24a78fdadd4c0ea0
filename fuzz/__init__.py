"""Bytes in, never a panic."""
