"""Stages: one module a DAG; each opens the transaction, takes the role and the lock, and orders the steps."""
