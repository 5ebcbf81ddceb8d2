"""Names that are used in more than one package: the roles of the warehouse and the DAGs.

Tables are not among them: the name of a table in SQL is what one looks for, and tests hold it to the database's catalogue.
"""

from enum import StrEnum


class Role(StrEnum):
    """A role of the warehouse: what a transaction may read and write."""

    INGEST = "ingest"
    TRAIN = "train"
    SCORE = "score"
    API = "api"
    MARKETING_READER = "marketing_reader"


class Dag(StrEnum):
    """A DAG, by the name of its file in `dags/`."""

    INGEST_EVENTS = "ingest_events"
    LOAD_HISTORY = "load_history"
    TRAIN_MODELS = "train_models"
    SCORE_CUSTOMERS = "score_customers"
    RECOMMEND = "recommend"
    PUBLISH_MARKETING = "publish_marketing"
    MONITOR_MODELS = "monitor_models"
    MAINTAIN_WAREHOUSE = "maintain_warehouse"
    ERASE_PERSON = "erase_person"
    PROMOTE_MODEL = "promote_model"
