-- How many transactions of the platform are older than a moment: what they read before it they may write after it.
SELECT count(*) AS transactions
FROM pg_stat_activity AS others
WHERE
    others.datname = current_database() AND others.pid <> pg_backend_pid() AND others.application_name = 'customer_behavior'
    AND others.xact_start < :moment
