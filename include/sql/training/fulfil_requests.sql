UPDATE monitoring.retraining_requests
SET fulfilled_by = :model_id
WHERE target = :target AND horizon_days = :horizon_days AND as_of_date <= :as_of AND fulfilled_by IS NULL;
