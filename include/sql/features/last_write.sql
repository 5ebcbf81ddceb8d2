-- The last write of the slice :piece of :table_name that the audit still has.
SELECT
    audit.written_at,
    audit.rows_written
FROM monitoring.write_audit AS audit
WHERE audit.table_name = :table_name AND audit.slice = :piece
ORDER BY audit.audit_id DESC
LIMIT 1
