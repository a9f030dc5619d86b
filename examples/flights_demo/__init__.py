"""The demo that ``make demo`` runs: nine months of history in this process, then December by Airflow's scheduler."""
