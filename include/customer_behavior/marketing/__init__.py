"""The contract with marketing: assembled, checked, and swapped in, in one transaction."""
