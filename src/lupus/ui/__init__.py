"""The Web UI inside Airflow: its API, who may see and do what, and the front end's bundle."""
