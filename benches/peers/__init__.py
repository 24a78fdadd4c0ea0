"""Other provers on the same work."""
