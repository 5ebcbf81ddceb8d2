-- Takes the text of rejected lines that name a customer: place and reason stay, so that the ledger's count holds.
UPDATE raw.rejected_events
SET raw_text = '[erased]', detail = '[erased]'
WHERE raw_text ~ :word OR detail ~ :word
