"""Proving the chunks of one run on several workers: processes of this machine, or actors of a Ray cluster.

The owner's process keeps the vault. It charges rows, hands out chunks, and stores proofs; a worker gets what
one chunk's proof reads, in memory, and keeps no file.
"""

from tacit.farm.events import Farm, Joined, Lost, Moved, Replied
from tacit.farm.scheduler import prove_chunks

__all__ = ["Farm", "Joined", "Lost", "Moved", "Replied", "prove_chunks"]
