"""What developers run: builds and checks that are no part of the package."""
