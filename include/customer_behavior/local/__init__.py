"""The local stack: an embedded PostgreSQL and a real Airflow on the machine at hand.

Imports no Airflow: it starts the ``airflow`` command in sub-processes and speaks to its REST API.
"""
