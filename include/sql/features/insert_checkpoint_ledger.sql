INSERT INTO features.checkpoints (checkpoint_date, known_until, ledger)
VALUES (:checkpoint_date, :known_until, :ledger)
