-- Customers look after their own webhooks.
update identity.role set permissions = permissions || '{webhooks:*:own}'
where name = 'customer' and not permissions @> '{webhooks:*:own}';
