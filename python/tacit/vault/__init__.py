"""The data owner's secrets: encrypted at rest, written crash-safely, with a row budget per commitment."""

from tacit.vault.budget import Account, Share
from tacit.vault.secret import Secret
from tacit.vault.vault import Vault

__all__ = ["Account", "Secret", "Share", "Vault"]
