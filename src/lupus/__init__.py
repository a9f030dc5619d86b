"""Lupus watches machine-learning products: one YAML file per project, one Airflow Dag, one good message."""
