"""Attacks on released weights: what a third party recovers of the training data, with and without the rules."""
