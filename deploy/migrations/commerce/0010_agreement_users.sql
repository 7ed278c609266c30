-- Shopify tells the staff member of an agreement only to apps with read_users, which the larger
-- plans alone may grant; asking for it would cost everybody else the whole ledger.
ALTER TABLE commerce.sales_agreements DROP COLUMN user_id;
