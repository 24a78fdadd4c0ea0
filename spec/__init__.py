"""A second verifier, in plain Python: it follows docs/protocol.md and imports nothing of tacit.

`python -m spec.verify run.tacit --data data.commitment`
"""
