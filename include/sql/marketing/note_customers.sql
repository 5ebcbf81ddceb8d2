-- Whoever is published and no delivery of customers ever named: their consent is not known.
INSERT INTO raw.customer_consents (customer_id)
SELECT staged.customer_id
FROM staged_customer_scores AS staged
LEFT JOIN raw.customer_consents AS consents ON staged.customer_id = consents.customer_id
WHERE consents.customer_id IS NULL
ORDER BY staged.customer_id
ON CONFLICT DO NOTHING
