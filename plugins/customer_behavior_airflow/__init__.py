"""The joints between Airflow and the package: a run's as-of date, the warehouse's connection, waiting, mail, names of assets."""
