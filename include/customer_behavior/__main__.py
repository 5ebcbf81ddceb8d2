"""`python -m customer_behavior …`: what the platform can do without Airflow."""

from customer_behavior.cli import main

main()
